package revision

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// trees lists what the repository knows of worktrees.
func trees(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("git", "-C", dir, "worktree", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A check that a hook calls inherits the variables of the user's repository: it
// still finds the one it stands in, and leaves the other's index alone.
func TestABuildFromWithinAHook(t *testing.T) {
	dir, users := repository(t), repository(t)
	index := filepath.Join(users, ".git", "index")
	before, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"GIT_DIR": filepath.Join(users, ".git"), "GIT_WORK_TREE": users, "GIT_INDEX_FILE": index, "GIT_PREFIX": "cmd/",
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true",
	}
	for k, v := range env {
		t.Setenv(k, v)
	}
	top, commit, err := Find(context.Background(), dir, "v1")
	if err == nil {
		_, err = Build(context.Background(), top, commit, t.TempDir())
	}
	for k := range env {
		os.Unsetenv(k)
	}
	if err != nil {
		t.Fatal(err)
	}
	if real, _ := filepath.EvalSymlinks(dir); top != real {
		t.Errorf("it found %s instead of %s", top, real)
	}
	if after, _ := os.ReadFile(index); string(after) != string(before) {
		t.Error("the index of the user's repository changed")
	}
	for _, d := range []string{dir, users} {
		if l := trees(t, d); strings.Count(l, "\n") != 1 {
			t.Errorf("a worktree was left behind:\n%s", l)
		}
	}
}

// The user's hooks are not for a checkout of ours: a failing one does not stop
// it, and none runs.
func TestHooksDoNotRun(t *testing.T) {
	dir := repository(t)
	mark := filepath.Join(t.TempDir(), "ran")
	hook := filepath.Join(dir, ".git", "hooks", "post-checkout")
	os.MkdirAll(filepath.Dir(hook), 0o755)
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ntouch "+mark+"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	top, commit, err := Find(context.Background(), dir, "v1")
	if err == nil {
		_, err = Build(context.Background(), top, commit, t.TempDir())
	}
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the hook ran")
	}
}

// A checkout that fails half way (a filter that the repository asks for and that
// is not there) or is stopped leaves nothing, and git's own words are shown.
func TestAFailedOrStoppedCheckoutLeavesNothing(t *testing.T) {
	dir := repository(t)
	for _, args := range [][]string{
		{"config", "filter.broken.smudge", "echo no such filter here >&2; false"},
		{"config", "filter.broken.required", "true"},
	} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	os.MkdirAll(filepath.Join(dir, ".git", "info"), 0o755)
	attributes := filepath.Join(dir, ".git", "info", "attributes")
	if err := os.WriteFile(attributes, []byte("*.go filter=broken\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	top, commit, err := Find(context.Background(), dir, "v1")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if _, err := Build(context.Background(), top, commit, out); err == nil || !strings.Contains(err.Error(), "smudge filter broken failed") {
		t.Errorf("git's reason is not shown: %v", err)
	}

	exec.Command("git", "-C", dir, "config", "filter.broken.smudge", "sleep 60; cat").Run()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := Build(ctx, top, commit, out); err == nil {
		t.Error("a checkout that was stopped ended well")
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("stopping it took %v", d)
	}
	if l := trees(t, dir); strings.Count(l, "\n") != 1 {
		t.Errorf("a worktree was left behind:\n%s", l)
	}
	if left, _ := os.ReadDir(out); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// killedCheck is a process that builds in a folder of its own until it is killed.
const killedCheck = "PRABENCH_TEST_KILLED_CHECK"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedCheck); dir != "" {
		out, _, err := NewFolder()
		if err == nil {
			_, err = Build(context.Background(), dir, "v1", out)
		}
		fmt.Fprintln(os.Stderr, out, err)
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// A check that is killed in the middle of a checkout leaves its folder and its
// worktree. The next one removes both as soon as git, which outlives it, has ended,
// and neither before, nor what is another check's or nobody's.
func TestWhatAKilledCheckLeftIsRemoved(t *testing.T) {
	dir, tmp, ctx := repository(t), t.TempDir(), context.Background()
	t.Setenv("TMPDIR", tmp)
	wait := filepath.Join(t.TempDir(), "wait")
	attributes := filepath.Join(dir, ".git", "info", "attributes")
	os.MkdirAll(filepath.Dir(attributes), 0o755)
	for path, text := range map[string]string{wait: "", attributes: "*.go filter=slow\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	filter := "echo $$ >" + wait + ".at; while [ -e " + wait + " ]; do sleep 0.02; done; cat"
	if out, err := exec.Command("git", "-C", dir, "config", "filter.slow.smudge", filter).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedCheck+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the checkout", func() bool { _, err := os.Stat(wait + ".at"); return err == nil })
	if removed := RemoveDead(ctx); len(removed) > 0 {
		t.Errorf("removed under a check that lives: %v", removed)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if removed := RemoveDead(ctx); len(removed) > 0 {
		t.Errorf("removed under git, which was still at it: %v", removed)
	}
	if l := trees(t, dir); strings.Count(l, "\n") != 2 {
		t.Fatalf("the killed check left no worktree, so nothing is tested:\n%s", l)
	}
	other, done, err := NewFolder() // of a check that goes on
	if err != nil {
		t.Fatal(err)
	}
	nobodys := filepath.Join(tmp, folderName+"of-another-program")
	if err := os.Mkdir(nobodys, 0o755); err != nil {
		t.Fatal(err)
	}
	os.Remove(wait)
	var removed []string
	until(t, "the end of git", func() bool { removed = append(removed, RemoveDead(ctx)...); return len(removed) > 0 })
	if l := trees(t, dir); len(removed) != 1 || strings.Count(l, "\n") != 1 {
		t.Errorf("removed %v; worktrees:\n%s", removed, l)
	}
	for _, path := range []string{other, nobodys} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	done()
	if left, _ := os.ReadDir(tmp); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// Checks that start and end at the same time leave each other alone.
func TestFoldersAtTheSameTime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				_, done, err := NewFolder()
				if removed := RemoveDead(t.Context()); err != nil || len(removed) > 0 {
					t.Errorf("removed %v of those that live; %v", removed, err)
				}
				if err == nil {
					done()
				}
			}
		})
	}
	all.Wait()
}

// until waits for something that another process does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// What git refuses is reported in git's words.
func TestGitsReasonIsShown(t *testing.T) {
	dir := repository(t)
	if _, _, err := Find(context.Background(), dir, "v9"); err == nil || !strings.Contains(err.Error(), "git says") {
		t.Errorf("%v", err)
	}
	shallow := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("git", "clone", "-q", "--depth", "1", "file://"+dir, shallow).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, _, err := Find(context.Background(), shallow, "v1"); err == nil || !strings.Contains(err.Error(), "--unshallow") {
		t.Errorf("a shallow checkout: %v", err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(dir, ".git"), 12345, 12345); err == nil {
			os.Chown(dir, 12345, 12345)
			t.Setenv("SUDO_UID", "")
			t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null") // which may trust every folder
			t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			if _, _, err := Find(context.Background(), dir, "v1"); err == nil || !strings.Contains(err.Error(), "dubious ownership") {
				t.Errorf("another owner's repository: %v", err)
			}
		}
	}
}
