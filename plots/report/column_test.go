package report

import (
	"strings"
	"testing"

	"prabench/results"
)

func TestColumns(t *testing.T) {
	var rows []results.Row
	for _, r := range [][3]string{{"nfe", "1", results.Train}, {"seam_index", "1", results.Seam}, {"latency", "s", results.Time}, {"own_score", "1", results.Score}, {"kid", "1", results.Score},
		{"memory_peak", "bytes", results.Time}, {"fid_proxy", "1", results.Score}, {"train_seconds", "s", results.Train}, {"train_memory_peak", "bytes", results.Train}, {"fid_proxy", "1", results.Score}} {
		rows = append(rows, results.Row{Metric: r[0], Unit: r[1], Kind: r[2], Value: 0.002})
	}
	var got []string
	for _, c := range columnsOf(rows) {
		got = append(got, c.Metric+" "+c.Group+" "+c.Unit)
	}
	want := "fid_proxy quality |latency speed ms|memory_peak memory bytes|kid quality |own_score quality |seam_index diagnostics |train_memory_peak memory bytes|train_seconds training ms|nfe cost "
	if all := strings.Join(got, "|"); all != want {
		t.Errorf("columns %s\nwant    %s", all, want)
	}
}

func TestLetters(t *testing.T) {
	for i, want := range map[int]string{0: "a", 25: "z", 26: "aa", 51: "az", 52: "ba"} {
		if got := letter(i); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}
