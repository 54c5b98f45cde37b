package experiments

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing that is wrong with an experiment, at one place.
type Error struct {
	File         string // the experiment file, or the flag: "--set model.patch=5"
	Line, Column int    // from 1, in characters; 0 where there is no line
	Key          string // dotted: "model.patch"; "" when no key is to blame
	Problem      string // a sentence: what is wrong and what is allowed
	Hint         string // what to do: "did you mean model.patch?"; may be ""

	cause error
}

// Error prints file:line:column: key: problem; hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(location(e.File, e.Line, e.Column))
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key)
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap gives the error of the operating system or of the data set behind it.
func (e *Error) Unwrap() error { return e.cause }

// Warning is something odd in a file that is valid nonetheless.
type Warning struct {
	File         string
	Line, Column int
	Key          string
	Text         string // a sentence
}

// String prints file:line:column: key: text.
func (w Warning) String() string {
	s := location(w.File, w.Line, w.Column) + ": "
	if w.Key != "" {
		s += w.Key + ": "
	}
	return s + w.Text
}

func location(file string, line, column int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

// place is where something was written: in the file, or a flag without lines.
type place struct {
	file         string
	line, column int
	offset       int // order within the file
}

func (p place) String() string { return location(p.file, p.line, p.column) }

// problems collects everything that is wrong.
type problems struct{ list []*Error }

func (p *problems) add(at place, key, problem, hint string) {
	p.list = append(p.list, fault(at, key, problem, hint))
}

func fault(at place, key, problem, hint string) *Error {
	return &Error{File: at.file, Line: at.line, Column: at.column, Key: key, Problem: problem, Hint: hint}
}

// join is nil or all problems in the order of their places, flags after the
// file.
func (p *problems) join() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		if (a.Line == 0) != (b.Line == 0) {
			if a.Line == 0 {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(p.list))
	for i, e := range p.list {
		errs[i] = e
	}
	return errors.Join(errs...)
}
