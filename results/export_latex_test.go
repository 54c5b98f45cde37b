package results

import (
	"bytes"
	"testing"

	"prabench/internal/latex"
	"prabench/results/record"
	"prabench/results/table"
)

func TestLaTeXCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs LaTeX: a second")
	}
	if ok, why := latex.Available(); !ok {
		t.Skip("not compiled: " + why)
	}
	db := filled(t)
	failed := okAttempt("x", "time-p4s1", record.Time, 9)
	failed.Outcome, failed.Reason = record.Timeout, "50 % of 2h | no round_1 & no {other} \\ ~ ^ $ # ≥ λ 世"
	mustIngest(t, db, failed)
	cells, err := db.Cells(background, "t")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := table.ExportCells(&b, "latex", cells); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n\n")
	if err := table.WriteLaTeX(&b, table.Table{Columns: []string{"[a]", "b"}, Rows: [][]any{{"[x]", 1.5}, {"[y]", nil}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := latex.Compile(t.TempDir(), b.String()); err != nil {
		t.Error(err)
	}
}
