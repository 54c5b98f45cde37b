// Package table writes rows, means and cells as text and files.
//
// Its principle is that a table has two kinds of reader: programs get every column and
// all digits (csv, json, parquet), people get what tells lines apart and five
// digits (table, md, latex). It knows what the database gives, and no database.
package table

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"prabench/results/view"
	"prabench/results/where"
)

// Table is what exporters write: named columns of int64, uint64, float64,
// string, bool, time.Time or nil.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Exporter writes a table in one format.
type Exporter func(w io.Writer, t Table) error

// Exporters are the formats by name. csv, json (one object per line) and parquet
// are for programs: all digits, all columns. table, md and latex are for people:
// five digits.
var Exporters = map[string]Exporter{
	"csv":     WriteCSV,
	"json":    WriteJSON,
	"latex":   WriteLaTeX,
	"md":      WriteMarkdown,
	"parquet": WriteParquet,
	"table":   WriteText,
}

// Formats names the exporters, sorted.
func Formats() []string {
	names := make([]string, 0, len(Exporters))
	for name := range Exporters {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Export writes rows in a format: for programs the columns of the view results
// in their order, then device, code and a column for each parameter; for
// people what tells rows apart.
func Export(w io.Writer, format string, rows []view.Row) error {
	return export(w, format, RowTable(rows), BriefTable(rows))
}

// ExportMeans writes means in a format.
func ExportMeans(w io.Writer, format string, means []view.Mean) error {
	return export(w, format, MeanTable(means), BriefMeanTable(means))
}

// ExportCells writes cells in a format: for programs the columns of the view
// cells, with a column for each parameter in place of params_json, then what
// decided the outcome.
func ExportCells(w io.Writer, format string, cells []view.Cell) error {
	return export(w, format, CellTable(cells), BriefCellTable(cells))
}

func export(w io.Writer, format string, whole, brief Table) error {
	write := Exporters[format]
	switch {
	case write == nil:
		return fmt.Errorf("there is no format %q: choose one of %s", format, strings.Join(Formats(), ", "))
	case ForPeople(format):
		return write(w, brief)
	}
	return write(w, whole)
}

// ForPeople says whether a format is read by people; the others are for programs.
func ForPeople(format string) bool { return format == "md" || format == "table" || format == "latex" }

// RowTable has the columns of the view results, then device, code and parameters.
func RowTable(rows []view.Row) Table {
	keys := swept(len(rows), func(i int) map[string]any { return rows[i].Params })
	t := Table{Columns: append([]string{"experiment", "cell", "seed", "metric", "unit", "value", "lo", "hi", "n", "protocol", "attempt",
		"outcome", "created_at",
		"device", "code"}, keys...)}
	for i := range rows {
		r := &rows[i]
		t.Rows = append(t.Rows, append([]any{r.Experiment, r.Cell, r.Seed, r.Metric, r.Unit, r.Value, optional(r.Lo), optional(r.Hi), int64(r.N),
			r.Protocol, r.Attempt, r.Outcome, r.CreatedAt, r.DeviceClass, r.Code}, pick(r.Params, keys)...))
	}
	return t
}

// BriefTable has what a person tells rows apart by.
func BriefTable(rows []view.Row) Table {
	keys := swept(len(rows), func(i int) map[string]any { return rows[i].Params })
	t := Table{Columns: append(append([]string{"experiment", "cell"}, keys...), "seed", "metric", "value", "95 %", "unit", "n")}
	for i := range rows {
		r := &rows[i]
		line := append([]any{r.Experiment, r.Cell}, pick(r.Params, keys)...)
		t.Rows = append(t.Rows, append(line, r.Seed, r.Metric, r.Value, interval(r.Lo, r.Hi), r.Unit, int64(r.N)))
	}
	return t
}

// MeanTable has one line a mean, with all that it depends on.
func MeanTable(means []view.Mean) Table {
	keys := swept(len(means), func(i int) map[string]any { return means[i].Params })
	t := Table{Columns: append(append([]string{"experiment"}, keys...), "metric", "unit", "value", "lo", "hi", "n", "interval", "protocol",
		"device", "code")}
	for i := range means {
		m := &means[i]
		line := append([]any{m.Experiment}, pick(m.Params, keys)...)
		t.Rows = append(t.Rows, append(line, m.Metric, m.Unit, m.Value, optional(m.Lo), optional(m.Hi), int64(m.N), m.Interval.String(),
			m.Protocol, m.Device, m.Code))
	}
	return t
}

// BriefMeanTable is MeanTable for people.
func BriefMeanTable(means []view.Mean) Table {
	keys := swept(len(means), func(i int) map[string]any { return means[i].Params })
	t := Table{Columns: append(append([]string{"experiment"}, keys...), "metric", "mean", "95 %", "unit", "n", "interval over")}
	for i := range means {
		m := &means[i]
		line := append([]any{m.Experiment}, pick(m.Params, keys)...)
		t.Rows = append(t.Rows, append(line, m.Metric, m.Value, interval(m.Lo, m.Hi), m.Unit, int64(m.N), m.Interval.String()))
	}
	return t
}

// CellTable has one line a cell.
func CellTable(cells []view.Cell) Table {
	keys := swept(len(cells), func(i int) map[string]any { return cells[i].Params })
	t := Table{Columns: append(append([]string{"experiment", "cell", "seed", "patch", "block", "rollout_depth", "state"}, keys...), "outcome",
		"stage", "attempt", "reason")}
	for i := range cells {
		c := &cells[i]
		line := append([]any{c.Experiment, c.Cell, c.Seed, whole(c.Patch), whole(c.Block), whole(c.RolloutDepth), whole(c.State)},
			pick(c.Params, keys)...)
		t.Rows = append(t.Rows, append(line, c.Outcome, c.Kind, c.Attempt, c.Reason))
	}
	return t
}

// BriefCellTable is CellTable for people.
func BriefCellTable(cells []view.Cell) Table {
	keys := swept(len(cells), func(i int) map[string]any { return cells[i].Params })
	t := Table{Columns: append(append([]string{"experiment", "cell"}, keys...), "seed", "outcome", "stage", "reason")}
	for i := range cells {
		c := &cells[i]
		line := append([]any{c.Experiment, c.Cell}, pick(c.Params, keys)...)
		t.Rows = append(t.Rows, append(line, c.Seed, c.Outcome, c.Kind, c.Reason))
	}
	return t
}

// swept collects the parameter keys of n things, sorted.
func swept(n int, params func(int) map[string]any) []string {
	seen := map[string]bool{}
	keys := []string{}
	for i := range n {
		for k := range params(i) {
			if !seen[k] {
				seen[k] = true
				keys = append(keys, k)
			}
		}
	}
	sort.Strings(keys)
	return keys
}

func pick(params map[string]any, keys []string) []any {
	line := make([]any, len(keys))
	for i, k := range keys {
		line[i] = params[k]
	}
	return line
}

// whole is a number that may be missing.
func whole(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

func optional(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

func interval(lo, hi *float64) any {
	if lo == nil || hi == nil {
		return nil
	}
	return "[" + brief(*lo) + ", " + brief(*hi) + "]"
}

// exact writes a table's entry with all its digits; nil is empty.
func exact(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v // written already, also where it reads as a number
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return stamp(v)
	}
	return where.Text(v)
}

// readable writes a table's entry for people.
func readable(v any) string {
	if x, ok := v.(float64); ok {
		return brief(x)
	}
	return exact(v)
}

// brief writes at most five significant digits, without an exponent from 10⁻⁴ to 10¹⁵.
func brief(x float64) string {
	size := math.Abs(x)
	if x == math.Trunc(x) && size < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	if size < 1e-4 || size >= 1e15 {
		return strconv.FormatFloat(x, 'g', 5, 64)
	}
	digits := max(0, 4-int(math.Floor(math.Log10(size))))
	text := strconv.FormatFloat(x, 'f', digits, 64)
	if digits == 0 {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// numeric says whether all entries of a column are numbers or empty.
func (t Table) numeric(column int) bool {
	for _, row := range t.Rows {
		switch row[column].(type) {
		case int, int64, uint64, float64, nil:
		default:
			return false
		}
	}
	return len(t.Rows) > 0
}

// timeLayout has a fixed width, so that times sort as text; it is the database's.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }
