// Package view is the room between the database and what shows its contents:
// rows, cells and their means, the points that they make, and curves, errors of
// AR steps and images beside them.
//
// Its principle is that numbers travel as numbers. A table, a page, a figure and a
// report get the same points from here, each with its intervals, units and
// origins, and make text of them at their own edge, so that nobody has to take
// a text apart to get a number back. It holds the one rule of what may be
// averaged, compared or drawn on one axis. It knows neither the database, which
// fills it, nor the drawings, which read it.
package view
