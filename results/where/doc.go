// Package where says which cells are meant.
//
// It believes that a value is what it says: 7, 7.0 and "7" choose the same
// cells, wherever the one was typed and the other stored.
package where
