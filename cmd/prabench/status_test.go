package main

import (
	"io"
	"strings"
	"testing"

	"prabench/results/resultstest"
)

// BenchmarkStatus is `status` of a database of 100,000 cells × 20 metrics.
func BenchmarkStatus(b *testing.B) {
	path := resultstest.Large(b, 1, 100000)
	for b.Loop() {
		if code := run([]string{"status", "--db", path}, strings.NewReader(""), io.Discard, io.Discard); code != exitOK {
			b.Fatal(code)
		}
	}
}

func TestStatusOfManyCellsIsShort(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a database of 1000 cells: a second")
	}
	path := resultstest.Large(t, 2, 500)
	out := must(t, "status --db "+path)
	if strings.Count(out, "\n") > 40 || !strings.Contains(out, "e000          500  500") || !strings.Contains(out, "all 1000 cells: prabench status --db") {
		t.Error(out)
	}
}
