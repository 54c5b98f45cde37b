// Package where says which cells are meant: the one grammar of --only for files
// and for the database, of where in figures, and of claims.
//
// Its principle is that a value is what it says: 7, 7.0 and "7" choose the same cells,
// wherever the one was typed and the other stored, and so does what a figure or a
// table prints of it. A filter names keys and for each the value that is wanted,
// or several, of which any will do. It knows neither keys nor cells.
package where
