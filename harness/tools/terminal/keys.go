package terminal

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"prabench/experiments"
	"prabench/results/table"
)

// Keys prints every key of experiment files with its default, and those of families that
// have another; the column family has a name where not every family has the key.
func Keys(w io.Writer) error {
	t := table.Table{Columns: []string{"key", "type", "default", "family", "meaning"}}
	for _, k := range experiments.Keys() {
		t.Rows = append(t.Rows, []any{k.Name, k.Type, k.DefaultText(keyValue), strings.Join(k.Families, ", "), k.Doc})
	}
	return table.WriteText(w, t)
}

// Effective prints every key with the value that a file gives it.
func Effective(w io.Writer, f *experiments.Experiment) error {
	t := table.Table{Columns: []string{"key", "value", "default", "given at", "family", "meaning"}}
	for _, k := range f.Keys() {
		value, usual := keyValue(k.Value), k.DefaultText(keyValue)
		if k.Source == "" && k.Defaults != nil {
			value = usual
		}
		t.Rows = append(t.Rows, []any{k.Name, value, usual, k.Source, strings.Join(k.Families, ", "), k.Doc})
	}
	return table.WriteText(w, t)
}

func keyValue(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
}
