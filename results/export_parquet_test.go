package results

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"prabench/results/table"
)

// readParquet gives a file's columns with their types and its rows, read by the
// library from the bytes alone.
func readParquet(t *testing.T, content []byte) (columns []string, rows [][]any) {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Schema().Fields() {
		columns = append(columns, c.Name()+" "+c.Type().String())
	}
	for _, group := range f.RowGroups() {
		in := group.Rows()
		for {
			batch := make([]parquet.Row, 10)
			n, err := in.ReadRows(batch)
			for _, row := range batch[:n] {
				line := make([]any, len(row))
				for i, v := range row {
					switch {
					case v.IsNull():
					case v.Kind() == parquet.Int64:
						line[i] = v.Int64()
					case v.Kind() == parquet.Double:
						line[i] = v.Double()
					case v.Kind() == parquet.Boolean:
						line[i] = v.Boolean()
					default:
						line[i] = string(v.ByteArray())
					}
				}
				rows = append(rows, line)
			}
			if err != nil {
				break
			}
		}
		in.Close()
	}
	return columns, rows
}

func TestParquetThereAndBack(t *testing.T) {
	whole := table.Table{Columns: []string{"name", "model.patch", "train.lr", "mixed", "done", "created_at", "seed", "none", "number"},
		Rows: [][]any{
			{"é\n\"", int64(7), 1e-3, int64(1), true, noon.Add(1500 * time.Nanosecond), uint64(1), nil, int64(1)},
			{"", int64(-4), nil, "exact", nil, nil, uint64(1<<63 - 1), nil, 0.5},
		}}
	var b bytes.Buffer
	if err := table.WriteParquet(&b, whole); err != nil {
		t.Fatal(err)
	}
	columns, rows := readParquet(t, b.Bytes())
	if d := cmp.Diff([]string{"name STRING", "model.patch INT(64,true)", "train.lr DOUBLE", "mixed STRING", "done BOOLEAN",
		"created_at TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)", "seed INT(64,true)", "none STRING", "number DOUBLE"}, columns); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([][]any{
		{"é\n\"", int64(7), 1e-3, "1", true, noon.UnixMicro() + 1, int64(1), nil, 1.0},
		{"", int64(-4), nil, "exact", nil, nil, int64(1<<63 - 1), nil, 0.5},
	}, rows); d != "" {
		t.Error(d)
	}
}

// What is exported as Parquet is what is exported as CSV.
func TestParquetOfResults(t *testing.T) {
	db := filled(t)
	rows, err := db.Results(background, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	whole := table.RowTable(rows)
	for range 13 { // more than one batch
		whole.Rows = append(whole.Rows, whole.Rows...)
	}
	var b bytes.Buffer
	if err := table.WriteParquet(&b, whole); err != nil {
		t.Fatal(err)
	}
	columns, got := readParquet(t, b.Bytes())
	if len(columns) != len(whole.Columns) || len(got) != len(whole.Rows) {
		t.Fatalf("%d × %d, want %d × %d", len(got), len(columns), len(whole.Rows), len(whole.Columns))
	}
	for _, row := range whole.Rows {
		for k, v := range row {
			if at, ok := v.(time.Time); ok {
				row[k] = at.UnixMicro()
			}
		}
	}
	var want, have bytes.Buffer
	if err := errors.Join(table.WriteCSV(&want, whole), table.WriteCSV(&have, table.Table{Columns: whole.Columns, Rows: got})); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), have.String()); d != "" {
		t.Error(d)
	}
}
