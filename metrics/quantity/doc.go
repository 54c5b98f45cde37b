// Package quantity is the catalogue of what is measured: every metric that a
// stage writes, with its unit, its names in figures and tables, its definition,
// which direction is better and what its interval is over.
//
// Its principle is that what is known of a metric travels with the metric. A stage
// that measures, the reader of experiment files, figures, tables, the report,
// the live page and the check all hold the same row, so no reader keeps a list
// of names of its own that a new metric would be missing from. To add a metric
// is to write its formula and one row of catalogue.go; the rows are also the
// tables of metrics/README.md.
//
// The package computes nothing and knows no stage: it says how to call, write
// and judge numbers that others make.
package quantity
