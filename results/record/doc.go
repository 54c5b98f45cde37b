// Package record is what a worker knows of its work: the attempt at a stage with
// its outcome, values, readings, environment and protocol, and the spool file in
// which it leaves them.
//
// Its principle is that anyone who measures need not know where results are kept: a
// worker writes one file, whole or not at all, and never opens a database. So
// nothing here imports SQL, and every package below the store may use these
// words. Package results keeps attempts and answers questions about them.
package record
