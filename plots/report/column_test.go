package report

import (
	"strings"
	"testing"

	"prabench/results/record"
	"prabench/results/view"
)

func TestColumns(t *testing.T) {
	var rows []view.Row
	for _, r := range [][3]string{{"nfe", "1", record.Train}, {"seam_index", "1", record.Seam}, {"latency", "s", record.Time},
		{"own_score", "1", record.Score}, {"kid", "1", record.Score},
		{"memory_peak", "bytes", record.Time}, {"fid_proxy", "1", record.Score}, {"train_seconds", "s", record.Train},
		{"train_memory_peak", "bytes", record.Train}, {"fid_proxy", "1", record.Score}} {
		rows = append(rows, view.Row{Metric: r[0], Unit: r[1], Kind: r[2], Value: 0.002})
	}
	var got []string
	for _, c := range columnsOf(rows) {
		got = append(got, c.Metric+" "+string(c.Group)+" "+c.Unit)
	}
	want := "fid_proxy quality |latency speed ms|memory_peak memory bytes|kid quality |own_score quality |seam_index diagnostics " +
		"|train_memory_peak memory bytes|train_seconds training ms|nfe cost "
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
