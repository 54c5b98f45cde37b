package revision

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a small one with this module's name and two revisions; it gives
// its folder.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	do := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git",
			append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	do("init", "-q")
	put("go.mod", "module prabench\n\ngo 1.26\n")
	put("cmd/prabench/main.go", "package main\n\nfunc main() { println(\"first\") }\n")
	do("add", "-A")
	do("commit", "-qm", "first")
	do("tag", "v1")
	put("cmd/prabench/main.go", "package main\n\nfunc main() { println(\"second\"\n")
	do("commit", "-qam", "second, which does not build")
	put("cmd/prabench/main.go", "package main // changed, not committed\n")
	return dir
}

// TestBuild: the old program is built beside the working tree, which stays as
// it is, and nothing is left in the repository.
func TestBuild(t *testing.T) {
	dir, out := repository(t), t.TempDir()
	top, commit, err := Find(context.Background(), filepath.Join(dir, "cmd"), "v1")
	if err != nil || len(commit) != 40 {
		t.Fatalf("%q, %v", commit, err)
	}
	p, err := Build(context.Background(), top, commit, out)
	if err != nil || p.Commit != commit {
		t.Fatalf("%+v, %v", p, err)
	}
	if said, err := exec.Command(p.Path).CombinedOutput(); err != nil || string(said) != "first\n" {
		t.Errorf("it says %q, %v", said, err)
	}
	list, _ := exec.Command("git", "-C", dir, "worktree", "list").Output()
	if strings.Count(string(list), "\n") != 1 {
		t.Errorf("a worktree was left behind:\n%s", list)
	}
	if raw, _ := os.ReadFile(filepath.Join(dir, "cmd/prabench/main.go")); !strings.Contains(string(raw), "not committed") {
		t.Error("the working tree was changed")
	}
}

func TestWhatCannotBeHad(t *testing.T) {
	dir := repository(t)
	var e *Error
	if _, _, err := Find(context.Background(), dir, "nonsense"); !errors.As(err, &e) || !strings.Contains(err.Error(), "no such revision") {
		t.Errorf("%v", err)
	}
	if _, _, err := Find(context.Background(), dir, "--help"); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
	if _, _, err := Find(context.Background(), t.TempDir(), "HEAD"); !errors.As(err, &e) ||
		!strings.Contains(err.Error(), "no git repository") {
		t.Errorf("%v", err)
	}
	top, commit, err := Find(context.Background(), dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), top, commit, t.TempDir()); !errors.As(err, &e) ||
		!strings.Contains(err.Error(), "does not build") {
		t.Errorf("%v", err)
	}
	os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module another\n"), 0o644)
	if _, _, err := Find(context.Background(), dir, "HEAD"); !errors.As(err, &e) || !strings.Contains(err.Error(), "not prabench's source") {
		t.Errorf("%v", err)
	}
	list, _ := exec.Command("git", "-C", dir, "worktree", "list").Output()
	if strings.Count(string(list), "\n") != 1 {
		t.Errorf("a worktree was left behind:\n%s", list)
	}
}
