//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestOutputMakesAndReplacesFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv")
	if err := Output(path, 0o644, text("one")); err != nil || read(t, path) != "one" {
		t.Fatalf("%v, the file has %q", err, read(t, path))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := Output(path, 0o644, func(w io.Writer) error { io.WriteString(w, "ha"); return broken })
	if !errors.Is(err, broken) || read(t, path) != "one" {
		t.Errorf("after a failed write: %v, the file has %q", err, read(t, path))
	}
	if err := OutputBytes(path, 0o644, []byte("two")); err != nil || read(t, path) != "two" {
		t.Errorf("%v, the file has %q", err, read(t, path))
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the permissions of the file became %v", info.Mode())
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestOutputKeepsLinks(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"elsewhere", "away"} {
		if err := os.Mkdir(at(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(at("elsewhere/old"), []byte("old"), 0o644)
	os.Symlink("elsewhere/old", at("link"))
	os.Symlink(at("link"), at("linktolink"))
	os.Symlink("away/new", at("dangling"))
	for _, c := range []struct{ link, target string }{{"link", "elsewhere/old"}, {"linktolink", "elsewhere/old"}, {"dangling", "away/new"}} {
		if err := Output(at(c.link), 0o644, text(c.link)); err != nil {
			t.Errorf("%s: %v", c.link, err)
			continue
		}
		if info, _ := os.Lstat(at(c.link)); info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more", c.link)
		}
		if got := read(t, at(c.target)); got != c.link {
			t.Errorf("the target of %s has %q", c.link, got)
		}
	}

	os.WriteFile(at("name"), []byte("longer than the new"), 0o644)
	if err := os.Link(at("name"), at("othername")); err != nil {
		t.Fatal(err)
	}
	if err := Output(at("name"), 0o644, text("new")); err != nil || read(t, at("othername")) != "new" {
		t.Errorf("%v, the other name has %q", err, read(t, at("othername")))
	}
	broken := errors.New("broken")
	if err := Output(at("name"), 0o644, func(w io.Writer) error { io.WriteString(w, "ha"); return broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if read(t, at("name")) != "new" {
		t.Errorf("a failed write cost the content: %q", read(t, at("name")))
	}

	os.Symlink("round", at("around"))
	os.Symlink("around", at("round"))
	if err := Output(at("round"), 0o644, text("x")); err == nil {
		t.Error("links in a circle were written")
	}
}

func TestOutputKeepsPipesAndDevices(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no named pipes: ", err)
	}
	got := make(chan string)
	go func() {
		raw, _ := os.ReadFile(pipe)
		got <- string(raw)
	}()
	if err := Output(pipe, 0o644, text("through")); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "through" {
		t.Errorf("the reader of the pipe got %q", s)
	}
	if info, _ := os.Lstat(pipe); info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe became %v", info.Mode())
	}

	before, err := os.Lstat(os.DevNull)
	if err != nil {
		t.Skip(err)
	}
	if before.Mode()&os.ModeDevice == 0 {
		t.Skip(os.DevNull, " is no device here")
	}
	// By a link of its own: were the policy broken, root would lose the device.
	link := filepath.Join(t.TempDir(), "null")
	os.Symlink(os.DevNull, link)
	if err := Output(link, 0o644, text("nothing")); err != nil {
		t.Error(err)
	}
	if after, _ := os.Lstat(os.DevNull); after.Mode() != before.Mode() {
		t.Errorf("the device became %v", after.Mode())
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link to the device became %v", info.Mode())
	}
}

// A file that stands open for somebody, such as what the shell redirects to, is
// written and not exchanged for another.
func TestOutputWritesWhatIsOpen(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no /proc here")
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "redirected"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Output(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), 0o644, text("here")); err != nil {
		t.Fatal(err)
	}
	if raw, _ := io.ReadAll(f); string(raw) != "here" {
		t.Errorf("the open file has %q", raw)
	}
}

func TestOutputWhereNothingCanBeMade(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may make files everywhere")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	os.WriteFile(path, []byte("old"), 0o644)
	os.Chmod(dir, 0o555)
	defer os.Chmod(dir, 0o755)
	if err := Output(path, 0o644, text("new")); err != nil || read(t, path) != "new" {
		t.Errorf("%v, the file has %q", err, read(t, path))
	}
}

func TestOutputNamesThePathInErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nowhere", "a")} {
		err := Output(path, 0o644, text("x"))
		var at *os.PathError
		if !errors.As(err, &at) || at.Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Possible says before what Output says after, and leaves nothing behind.
func TestPossible(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, made := range []error{os.WriteFile("file", []byte("kept"), 0o644), os.Mkdir("folder", 0o755), os.Symlink("folder/new", "link"),
		os.Symlink("nowhere/new", "broken")} {
		if made != nil {
			t.Skip(made)
		}
	}
	for _, c := range []struct{ path, wrong string }{
		{"new.csv", ""}, {"file", ""}, {"folder/new", ""}, {"link", ""}, {os.DevNull, ""}, {"folder", "is a directory"},
		{"nowhere/new.csv", "there is no folder nowhere"}, {"file/new.csv", "not a"}, {"broken", "there is no folder nowhere"},
		{filepath.Join(dir, "a", "b", "c.csv"), "there is no folder"}, {"/proc/new.csv", "no such file"},
	} {
		err := Possible(c.path)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", c.path, err, c.wrong)
		}
	}
	for _, c := range []struct{ path, wrong string }{
		{"folder", ""}, {"new", ""}, {"new/below/it", ""}, {"file", "is a file, not a folder"}, {"file/below", "file is a file, not a folder"},
		{"/proc/new/below", "nothing can be made in the folder /proc"},
	} {
		err := PossibleFolder(c.path)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("folder %s: %v, want %q", c.path, err, c.wrong)
		}
	}
	if left, _ := filepath.Glob("*"); strings.Join(left, " ") != "broken file folder link" || read(t, "file") != "kept" {
		t.Errorf("left behind: %v", left)
	}
}
