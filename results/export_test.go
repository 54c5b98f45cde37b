package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/results/record"
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
	for _, format := range Formats() {
		if format == "parquet" {
			continue // no text; it has tests of its own
		}
		var b bytes.Buffer
		for _, err := range []error{Export(&b, format, rows), ExportMeans(&b, format, means), ExportCells(&b, format, cells)} {
			if err != nil {
				t.Error(format, err)
			}
			b.WriteString("\n")
		}
		golden(t, "export."+format, b.String())
	}
	if err := Export(&bytes.Buffer{}, "xls", rows); err == nil || !strings.Contains(err.Error(), "csv, json, latex, md, parquet, table") {
		t.Error(err)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestExportTellsWriteErrors(t *testing.T) {
	rows := make([]Row, 2000)
	for i := range rows {
		rows[i] = Row{Experiment: "t", Cell: "c", Seed: 1, Metric: "fid_proxy", Unit: "1", Value: 1, Lo: ptr(0), Hi: ptr(3), Params: map[string]any{"model.patch": int64(7)}}
	}
	for _, format := range Formats() {
		if err := Export(brokenWriter{}, format, rows); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestBrief(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1234567: "1234567", 15.2345678: "15.235", 0.001: "0.001", -0.5: "-0.5",
		99999.6: "100000", 9.999999: "10", 1e-7: "1e-07", 2.5e20: "2.5e+20"} {
		if got := brief(x); got != want {
			t.Errorf("brief(%v) = %s, want %s", x, got, want)
		}
	}
}
