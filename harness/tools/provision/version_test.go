package provision

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"prabench/results/record"
)

func TestVersion(t *testing.T) {
	v := ThisProgram()
	if v.Go != runtime.Version() || v.Platform != runtime.GOOS+"/"+runtime.GOARCH || v.CUDA || len(v.Devices) != 1 {
		t.Errorf("%+v", v)
	}
	if v.Revision != "" && !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(v.Revision) {
		t.Errorf("the revision is %q", v.Revision)
	}
	raw, err := json.Marshal(v)
	if err != nil || !strings.Contains(string(raw), `"dirty":`) || !strings.Contains(string(raw), `"cuda":false`) {
		t.Errorf("%s, %v", raw, err)
	}
	var out bytes.Buffer
	v.Revision, v.Dirty, v.CUDA = strings.Repeat("a", 40), true, true
	if err := v.Print(&out); err != nil || !strings.Contains(out.String(), "aaaa, with changes") ||
		!strings.Contains(out.String(), "CUDA      built in") {
		t.Errorf("%s, %v", out.String(), err)
	}
}

// The version is the one that the changelog and the citation have: the next
// release where it is not out yet, else the newest.
func TestVersionIsInTheChangelog(t *testing.T) {
	changes, err := os.ReadFile("../../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## \[([^\]]+)\]`).FindSubmatch(changes)
	if newest == nil {
		t.Fatal("CHANGELOG.md has no version")
	}
	number, next := strings.CutSuffix(Number, "-dev")
	if got := string(newest[1]); next && got != "Unreleased" || !next && got != number {
		t.Errorf("the program is %s, the newest in CHANGELOG.md is %s", Number, got)
	}
	cited, err := os.ReadFile("../../../CITATION.cff")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^version: "?` + regexp.QuoteMeta(number) + `"?$`).Match(cited) {
		t.Errorf("CITATION.cff has not version %s", number)
	}
}

func TestDoctorTellsOfFoldersItCannotWrite(t *testing.T) {
	at := t.TempDir()
	file := at + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := folder("database", at+"/not/yet"); f.Broken() || f.State != "ok" {
		t.Errorf("%+v", f)
	}
	if left, _ := os.ReadDir(at); len(left) != 1 {
		t.Errorf("looking left something behind: %v", left)
	}
	if f := folder("database", "/proc/nothing"); !f.Broken() || f.Advice == "" {
		t.Errorf("a folder that nobody can write: %+v", f)
	}
}

// A program that nobody can build again from a commit is reported as one.
func TestDoctorTellsOfUnknownRevisions(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	for _, c := range []struct {
		env           record.Environment
		state, advice string
	}{
		{record.Environment{GitRevision: commit}, "ok", ""},
		{record.Environment{GitRevision: commit + ".1f2e3d4c", GitDirty: true}, "missing", "commit the changes"},
		{record.Environment{GitRevision: "1f2e3d4c"}, "missing", "inside a git checkout"},
		{record.Environment{}, "missing", "inside a git checkout"},
	} {
		f := program(c.env)
		if f.State != c.state || !strings.Contains(f.Advice, c.advice) || f.Broken() || (f.Advice == "") != (c.advice == "") {
			t.Errorf("%+v: %+v", c.env, f)
		}
	}
}
