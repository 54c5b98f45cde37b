package gitenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatNamesARepositoryIsLeftOut(t *testing.T) {
	env := []string{
		"PATH=/bin", "GIT_DIR=/a", "GIT_INDEX_FILE=/a/index.lock", "GIT_WORK_TREE=/a", "GIT_OBJECT_DIRECTORY=/a/o", "GIT_COMMON_DIR=/a",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES=/b", "GIT_PREFIX=x/", "GIT_NAMESPACE=n", "GIT_CONFIG_PARAMETERS='core.bare=true'",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.worktree", "GIT_CONFIG_VALUE_0=/a", "GIT_QUARANTINE_PATH=/q", "GIT_TRACE=/a/trace",
		"GIT_REFLOG_ACTION=rebase", "GIT_SHALLOW_FILE=/s", "GIT_SSH_COMMAND=ssh -v", "GIT_CONFIG_GLOBAL=/g", "DIGIT_DIR=kept",
	}
	want := []string{"PATH=/bin", "GIT_SSH_COMMAND=ssh -v", "GIT_CONFIG_GLOBAL=/g", "DIGIT_DIR=kept"}
	if got := without(env); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A real git that is called with the clean environment looks at the folder it
// was given, not at what a hook left.
func TestGitFindsTheRepositoryByItsFolder(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
	for _, n := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		t.Setenv(n, "")
		os.Unsetenv(n)
	}
	users, ours := t.TempDir(), t.TempDir()
	for _, dir := range []string{users, ours} {
		if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(ours, "a"), []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_DIR", filepath.Join(users, ".git"))
	t.Setenv("GIT_WORK_TREE", users)
	t.Setenv("GIT_INDEX_FILE", filepath.Join(users, ".git", "index"))
	cmd := exec.Command("git", "-C", ours, "add", "a")
	cmd.Env = Clean()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(users, ".git", "index")); err == nil {
		t.Error("the user's index was written")
	}
	cmd = exec.Command("git", "-C", ours, "ls-files")
	cmd.Env = Clean()
	if out, _ := cmd.Output(); strings.TrimSpace(string(out)) != "a" {
		t.Errorf("the folder's own index has %q", out)
	}
}
