// Package terminal prints plans, states and points as text for people.
//
// Its principle is that a table on a screen is read by one person now: it has what
// tells lines apart, no more lines than anyone reads, and says what it leaves
// out and how to get the rest. Programs get JSON and files elsewhere.
package terminal
