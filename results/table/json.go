package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"time"
)

// WriteJSON writes a table as JSON lines: one object a row, its keys in the
// order of the columns. What is not there is null.
func WriteJSON(w io.Writer, t Table) error {
	out := bufio.NewWriter(w)
	names := make([][]byte, len(t.Columns))
	for i, c := range t.Columns {
		names[i], _ = plainJSON(c) // a string
	}
	for _, row := range t.Rows {
		for i, v := range row {
			out.WriteByte("{,"[min(i, 1)])
			out.Write(names[i])
			out.WriteByte(':')
			if at, ok := v.(time.Time); ok {
				v = stamp(at)
			}
			b, err := plainJSON(v)
			if err != nil {
				return err
			}
			out.Write(b)
		}
		out.WriteString("}\n") // errors stay in out until Flush
	}
	return out.Flush()
}

// plainJSON leaves <, > and & as they are: nobody puts these lines into HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
