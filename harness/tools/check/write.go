package check

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
)

// Writers are the formats of a report by name.
var Writers = map[string]func(*Report, io.Writer) error{
	"table":    (*Report).WriteTable,
	"markdown": (*Report).WriteMarkdown,
	"junit":    (*Report).WriteJUnit,
	"github":   (*Report).WriteGitHub,
	"json":     (*Report).WriteJSON,
	"go":       (*Report).WriteGo,
}

// Formats are the names of the writers, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(Writers)) }

// WriteJSON writes everything that was found.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
