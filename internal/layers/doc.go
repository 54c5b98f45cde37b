// Package layers is a test and holds no code: which package may import which.
//
// Its principle is that a layer which no test holds is a wish. Every package of the
// module has its storey in the test's table, and an import that climbs fails
// with the sentence that says why the rule exists.
package layers
