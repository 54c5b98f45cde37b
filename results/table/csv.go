package table

import (
	"encoding/csv"
	"io"
)

// WriteCSV writes a table as comma-separated values (RFC 4180) with a header
// line. Numbers have all their digits; what is not there is empty.
func WriteCSV(w io.Writer, t Table) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.Columns); err != nil {
		return err
	}
	line := make([]string, len(t.Columns))
	for _, row := range t.Rows {
		for i, v := range row {
			line[i] = exact(v)
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
