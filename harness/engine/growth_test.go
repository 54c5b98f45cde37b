package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/work"
)

// bytesRead is what this process has read so far.
func bytesRead(t *testing.T) int {
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("the system does not count what a process reads: %v", err)
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if n, ok := strings.CutPrefix(line, "rchar: "); ok {
			read, _ := strconv.Atoi(n)
			return read
		}
	}
	t.Skip("no rchar in /proc/self/io")
	return 0
}

// TestASharedInputIsHashedOnce: 200 trainings wait for what is built on one
// reference of 1 MiB; each once read it again, a 7.7 MB one 400 times in 4.5 s.
func TestASharedInputIsHashedOnce(t *testing.T) {
	store := artifact.Store{Root: t.TempDir()}
	reference := &Item{Stage: stage.Stage{Kind: work.Reference, Key: "shared"}, State: Done}
	d, err := store.Begin(reference.Ref())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write("features", make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	p := &Plan{Items: []*Item{reference}, byKey: map[string]*Item{"shared": reference}}
	for i := range 200 {
		it := &Item{Stage: stage.Stage{Kind: work.Score, Key: fmt.Sprint(i), Inputs: []string{"shared"}}, State: ToDo}
		p.Items, p.byKey[it.Key] = append(p.Items, it), it
	}
	before := bytesRead(t)
	p.demand(store)
	if read := bytesRead(t) - before; read > 2<<20 {
		t.Errorf("%d bytes were read of a reference of %d", read, 1<<20)
	}
	if reference.State != Done {
		t.Error(reference.Reason)
	}
}

func TestForcedStagesBeginAnew(t *testing.T) {
	places := Places{Artifacts: t.TempDir()}
	folder := filepath.Join(places.Artifacts, work.Train.Unfinished)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"0a.ckpt", "1b.ckpt", "1b.old", "1c.ckpt", "2d", "zz"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	places.forget(map[*stage.Kind][]string{work.Train: {"2d", "1b", "0a", "1z"}, work.Sample: {"1c"}})
	var left []string
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if !slices.Equal(left, []string{"1c.ckpt", "zz"}) {
		t.Errorf("left: %v", left)
	}
}
