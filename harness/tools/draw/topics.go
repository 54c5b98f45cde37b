package draw

import (
	"fmt"
	"io"
	"strings"

	"prabench/harness/tools/terminal"
	"prabench/metrics/quantity"
	"prabench/plots/figure"
	"prabench/results/table"
)

// Topic is something that is looked up in `prabench help`.
type Topic struct {
	Name, Short string
	Write       func(io.Writer) error
}

// Topics are what is looked up most. Each is printed from the tables that the
// program itself works by.
func Topics() []Topic {
	return []Topic{
		{"keys", "Every key of an experiment file", terminal.Keys},
		{"metrics", "Every metric: unit, direction, definition", Metrics},
		{"figures", "Every kind of figure and its keys", Figures},
	}
}

// Metrics prints the definition of every metric, group by group.
func Metrics(w io.Writer) error {
	for _, g := range quantity.Groups {
		t := table.Table{Columns: []string{string(g), "in headings", "on axes", "unit", "better", "asked for by", "definition"}}
		for _, m := range quantity.Metrics() {
			if m.Group == g {
				better := map[int]string{-1: "lower", 1: "higher"}[m.Better]
				t.Rows = append(t.Rows, []any{m.Name, m.Called(), m.Label, m.Units(), better, m.Key, m.Doc})
			}
		}
		if err := table.WriteText(w, t); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return nil
}

// Figures prints what every kind of figure shows and the keys of [[figure]] that it
// takes.
func Figures(w io.Writer) error {
	if err := fields(w, "every kind", figure.Common()); err != nil {
		return err
	}
	for _, k := range figure.Kinds() {
		if _, err := fmt.Fprintf(w, "\nkind = %q: %s\n", k.Name, k.Doc); err != nil {
			return err
		}
		if err := fields(w, k.Name, append(k.Fields[:len(k.Fields):len(k.Fields)], k.Looks()...)); err != nil {
			return err
		}
	}
	return nil
}

func fields(w io.Writer, of string, list []figure.Field) error {
	t := table.Table{Columns: []string{of, "value", "default", ""}}
	for _, f := range list {
		t.Rows = append(t.Rows, []any{f.Key, plain(f.Takes()), plain(f.Absent()), plain(f.Doc)})
	}
	return table.WriteText(w, t)
}

// plain leaves out the quotes of code in Markdown.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }
