// Package revision builds this program as it was at another revision.
//
// Its principle is that nobody's working tree is to be touched for a comparison: the
// revision is checked out in a worktree of its own in a temporary folder, built
// there, and the worktree is removed again.
package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"prabench/internal/gitenv"
)

// Error is a revision that cannot be had; it is the user's to choose another.
type Error struct{ Problem string }

func (e *Error) Error() string { return e.Problem }

// Program is a program that was built.
type Program struct {
	Path   string // of the executable
	Commit string // full hash
}

// Find gives the folder of the repository at or above dir and the commit that a
// name stands for.
func Find(ctx context.Context, dir, name string) (repository, commit string, err error) {
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		if text := err.Error(); !strings.Contains(text, "not a git repository") {
			return "", "", &Error{fmt.Sprintf("--against %s: the repository of %s cannot be used; git says: %s", name, dir, text)}
		}
		return "", "", &Error{fmt.Sprintf("--against %s: %s is in no git repository: run it inside the source, "+
			"or give a program with --against-binary", name, dir)}
	}
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module prabench\n")) {
		return "", "", &Error{fmt.Sprintf("--against %s: %s is not prabench's source: run it there, "+
			"or give a program with --against-binary", name, top)}
	}
	commit, err = git(ctx, top, "rev-parse", "--verify", "--end-of-options", name+"^{commit}")
	if err != nil {
		text := "--against %s: the repository has no such revision; `git log --oneline` and `git tag` list some"
		if shallow, _ := git(ctx, top, "rev-parse", "--is-shallow-repository"); shallow == "true" {
			text = "--against %s: this checkout is shallow and does not have the revision: `git fetch --unshallow --tags`, " +
				"or a checkout of full depth"
		}
		return "", "", &Error{fmt.Sprintf(text+"; git says: %v", name, err)}
	}
	return top, commit, nil
}

// Build builds the program of a commit into dir. Where that is a [NewFolder], what it
// starts keeps the folder locked.
func Build(ctx context.Context, repository, commit, dir string) (p Program, err error) {
	tree := filepath.Join(dir, treeFolder)
	var held []*os.File
	if f, err := lock(filepath.Join(dir, ownerFile), syscall.LOCK_SH, 0); err == nil {
		defer f.Close()
		held = []*os.File{f}
		if err := os.WriteFile(filepath.Join(dir, repoFile), []byte(repository+"\n"), 0o600); err != nil {
			return p, err
		}
	}
	defer func() {
		// Also when a checkout or a build failed or was stopped: a worktree left
		// behind is in the way.
		if e := forget(context.WithoutCancel(ctx), repository, tree); e != nil && err == nil {
			err = fmt.Errorf("removing the worktree of %.12s: %w", commit, e)
		}
	}()
	if _, err := gitHolding(ctx, held, repository, "worktree", "add", "--detach", "--quiet", tree, commit); err != nil {
		if ctx.Err() != nil {
			return p, context.Cause(ctx)
		}
		return p, fmt.Errorf("checking out %.12s: git says: %w", commit, err)
	}
	p = Program{Path: filepath.Join(dir, "prabench"), Commit: commit}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=auto", "-o", p.Path, "./cmd/prabench")
	cmd.Dir, cmd.Env, cmd.ExtraFiles = tree, gitenv.Clean(), held
	alone(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return p, context.Cause(ctx)
		}
		return p, &Error{fmt.Sprintf("revision %.12s does not build: %v\n%s", commit, err, last(out))}
	}
	return p, nil
}

// last is the end of what a command printed.
func last(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[max(0, len(text)-2000):]
}

// forget removes a worktree and what the repository knows of it, as far as there
// is any of either.
func forget(ctx context.Context, repository, tree string) error {
	_, err := git(ctx, repository, "worktree", "remove", "--force", "--force", tree) // locked ones as well
	if err == nil {
		return nil
	}
	if e := os.RemoveAll(tree); e != nil {
		return e
	}
	list, e := git(ctx, repository, "worktree", "list", "--porcelain")
	if e == nil && !strings.Contains(list, "worktree "+tree+"\n") {
		return nil // it was never registered
	}
	return err
}

// alone gives a command a process group of its own, which the end of its context
// kills as a whole: git and go start others.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us alone
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// git calls git in a folder. Hooks are the user's, for the user's own work: none
// is run.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return gitHolding(ctx, nil, dir, args...)
}

// gitHolding is git with open files that it keeps for as long as it lives.
func gitHolding(ctx context.Context, held []*os.File, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.hooksPath=/dev/null"}, args...)...)
	cmd.Env, cmd.ExtraFiles = gitenv.Clean(), held
	alone(cmd)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = errors.New(last(exit.Stderr))
	}
	return strings.TrimSpace(string(out)), err
}
