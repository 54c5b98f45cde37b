package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/internal/filesystem"
)

// TestDatabaseWhereAllIsNFS submits from a login node that has NFS only, with a
// database in a passing folder that is lost on the way, and makes the table on
// another machine from what the nodes left.
func TestDatabaseWhereAllIsNFS(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	page, err := os.ReadFile("../../docs/reference/cluster.md")
	if err != nil || !strings.Contains(string(page), "## Where everything is NFS") {
		t.Errorf("the page that the refusal names has no such part: %v", err)
	}
	here(t)
	for _, folder := range []string{"nfs", "passing", "desk"} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	real := filesystem.Statfs
	t.Cleanup(func() { filesystem.Statfs = real })
	filesystem.Statfs = func(folder string) (int64, error) {
		if strings.Contains(filepath.ToSlash(folder)+"/", "/nfs/") {
			return 0x6969, nil
		}
		return real(folder)
	}
	s := onPaper(t)
	out, errs, code := prabench("submit slurm tiny.toml --db nfs/r.db --artifacts nfs/art --timing-constraint x")
	for _, want := range []string{"NFS", "/tmp will do", "prabench ingest DIR", "Where everything is NFS"} {
		if code != exitHarness || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, %q is missing: %s%s", code, want, out, errs)
		}
	}

	const passing = " tiny.toml --db passing/r.db --artifacts nfs/art"
	must(t, "submit slurm"+passing+" --timing-constraint x")
	for _, array := range []string{"reference", "train", "sample"} {
		tasks := 2
		if array == "reference" {
			tasks = 1
		}
		for i := range tasks {
			nfsNode(t, array, i)
		}
		s.set("-"+array, "")
	}
	must(t, "status"+passing) // takes the first results into the database that is lost
	if err := os.RemoveAll("passing"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("passing", 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, "ingest nfs/art --db passing/r.db")
	clear(s.queue)
	must(t, "submit slurm"+passing+" --timing-constraint x")
	kinds := map[string]int{}
	for k := range s.queue {
		kinds[k[strings.LastIndex(k, "-")+1:]]++
	}
	if len(s.queue) != 4 || kinds["score"] != 2 || kinds["time"] != 2 {
		t.Errorf("after the loss %v was sent; the scores and timings were missing", s.queue)
	}
	for _, array := range []string{"score", "time"} {
		for i := range 2 {
			nfsNode(t, array, i)
		}
	}

	clear(s.queue)
	must(t, "ingest nfs/art --db desk/results.db")
	must(t, "ingest nfs/art --db desk/results.db")
	out, errs, code = prabench("run tiny.toml --db desk/results.db --artifacts nfs/art --no-figures")
	if code != exitOK || !strings.Contains(out+errs, "nothing to do: all 9 stages were done before") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if table := must(t, "results tiny.toml --db desk/results.db --metric fid_proxy"); strings.Count(table, "fid_proxy") != 2 {
		t.Errorf("two cells have a score: %s", table)
	}
}

// nfsNode does a task of the newest submission that has its array.
func nfsNode(t *testing.T, array string, index int) {
	t.Helper()
	scripts, _ := filepath.Glob("nfs/art/slurm/*/" + array + ".sh")
	if len(scripts) == 0 {
		t.Fatalf("no script of %s", array)
	}
	newest := scripts[0]
	for _, path := range scripts[1:] {
		a, errA := os.Stat(newest)
		b, errB := os.Stat(path)
		if errA == nil && errB == nil && b.ModTime().After(a.ModTime()) {
			newest = path
		}
	}
	raw, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(raw), "exec ")
	words := strings.Fields(line)
	if out, errs, code := prabench(strings.Join(words[1:], " ") + " --index " + string(rune('0'+index))); code != exitOK {
		t.Fatalf("%s %d: exit code %d, %s%s", array, index, code, out, errs)
	}
}
