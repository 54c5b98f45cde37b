package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/results/record"
	"prabench/results/table"
	"prabench/results/view"

	"github.com/google/go-cmp/cmp"
)

// golden compares with testdata/name; `go test ./results -update` writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		write(t, path, []byte(got))
	}
	want, err := os.ReadFile(path)
	if d := cmp.Diff(string(want), got); err != nil || d != "" {
		t.Errorf("%s: %v\n%s", name, err, d)
	}
}

func TestExportGolden(t *testing.T) {
	db := filled(t)
	failed := okAttempt("x", "time-p4s1", record.Time, 9)
	failed.Outcome, failed.Reason = record.Timeout, "stopped after 2h | no round\nfinished"
	mustIngest(t, db, failed)
	rows, err := db.Results(background, Filter{Experiment: "t"})
	if err != nil {
		t.Fatal(err)
	}
	means, err := view.Aggregate(rows)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := db.Cells(background, "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range table.Formats() {
		if format == "parquet" {
			continue // no text; it has tests of its own
		}
		var b bytes.Buffer
		for _, err := range []error{table.Export(&b, format, rows), table.ExportMeans(&b, format, means), table.ExportCells(&b, format, cells)} {
			if err != nil {
				t.Error(format, err)
			}
			b.WriteString("\n")
		}
		golden(t, "export."+format, b.String())
	}
	if err := table.Export(&bytes.Buffer{}, "xls", rows); err == nil ||
		!strings.Contains(err.Error(), "csv, json, latex, md, parquet, table") {
		t.Error(err)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestExportTellsWriteErrors(t *testing.T) {
	rows := make([]Row, 2000)
	for i := range rows {
		rows[i] = Row{Experiment: "t", Cell: "c", Seed: 1, Metric: "fid_proxy", Unit: "1", Value: 1, Lo: ptr(0), Hi: ptr(3),
			Params: map[string]any{"model.patch": int64(7)}}
	}
	for _, format := range table.Formats() {
		if err := table.Export(brokenWriter{}, format, rows); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
