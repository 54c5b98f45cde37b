package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/results/record"
)

func TestIngestCommand(t *testing.T) {
	there, here := t.TempDir(), t.TempDir()
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	a := record.Attempt{ID: "a", Stage: "s", Kind: record.Train, Outcome: record.OK, Started: at, Finished: at}
	if _, err := record.WriteSpool(filepath.Join(there, "spool"), a); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--db", filepath.Join(here, "r.db"), "--artifacts", filepath.Join(here, "a")}
	for _, c := range []struct {
		before     func()
		dir        string
		code       int
		out, wrong string
	}{
		{nil, there, 0, "1 new attempts, 0 known", ""},
		{nil, there, 0, "0 new attempts, 1 known", ""},
		{func() { os.WriteFile(filepath.Join(there, "spool", "b.json"), []byte(`{"id":`), 0o644) }, there, exitFailed, "; 1 refused",
			"b.json: refused: the file ends early"},
		{nil, here, exitUsage, "", "neither results"},
		{nil, filepath.Join(there, "gone"), exitUsage, "", "there is no such folder"},
		{nil, filepath.Join(there, "spool", "a.json"), exitUsage, "", "it is no folder"},
	} {
		if c.before != nil {
			c.before()
		}
		var out, wrong strings.Builder
		code := run(append([]string{"ingest", c.dir}, flags...), nil, &out, &wrong)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(wrong.String(), c.wrong) {
			t.Errorf("ingest %s: code %d, %q, %q; want %d, %q, %q", c.dir, code, out.String(), wrong.String(), c.code, c.out, c.wrong)
		}
	}
}

// One folder that is not there is refused before any other is taken in.
func TestIngestChecksAllFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	a := record.Attempt{ID: "a", Stage: "s", Kind: record.Train, Outcome: record.OK, Started: at, Finished: at}
	if _, err := record.WriteSpool(filepath.Join("there", "spool"), a); err != nil {
		t.Fatal(err)
	}
	out, errs, code := prabench("ingest there nosuch")
	if code != exitUsage || out != "" || !strings.Contains(errs, "nosuch: there is no such folder") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	if left, _ := filepath.Glob("*"); len(left) != 1 {
		t.Errorf("something was begun: %v", left)
	}
}
