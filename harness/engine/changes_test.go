package engine_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/models/dataset"
	"prabench/models/pra"
)

// picture writes a PNG file of one grey.
func picture(t *testing.T, path string, grey uint8) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range m.Pix {
		m.Pix[i] = grey
	}
	m.Set(3, 3, color.White)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

// pictureFolder has two classes of 30 pictures each.
func pictureFolder(t *testing.T) string {
	root := filepath.Join(t.TempDir(), "pictures")
	for _, class := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(root, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			picture(t, filepath.Join(root, class, fmt.Sprintf("%02d.png", i)), uint8(100+i))
		}
	}
	return root
}

// ofFolder is one cell on a folder of pictures.
func ofFolder(root string) *engine.Experiment {
	e := tiny(func(s *stage.Settings) {
		s.Data = dataset.Spec{Set: dataset.Folder, Root: root, Size: 8, Channels: 3, Fit: "auto"}
		s.Measure.Rounds = 0
		edit(s, func(p *pra.Params) { p.Model.Classes = 2 })
	})
	e.Cells = e.Cells[:1]
	return e
}

// What `status` and `plan` foresee of a folder that has changed is what `run` does,
// and both say why.
func TestStatusPlanAndRunAgreeAboutAChangedFolder(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name    string
		change  func(root string) error
		changed bool
	}{
		{"nothing", func(string) error { return nil }, false},
		{"a picture was added", func(root string) error { picture(t, filepath.Join(root, "a", "x.png"), 7); return nil }, true},
		{"a picture was removed", func(root string) error { return os.Remove(filepath.Join(root, "b", "04.png")) }, true},
		{"a class was added", func(root string) error {
			if err := os.Mkdir(filepath.Join(root, "c"), 0o755); err != nil {
				return err
			}
			picture(t, filepath.Join(root, "c", "x.png"), 7)
			return nil
		}, true},
		{"a picture has other pixels", func(root string) error { picture(t, filepath.Join(root, "a", "03.png"), 9); return nil }, true},
		{"a picture was replaced by an older one", func(root string) error {
			at := filepath.Join(root, "a", "05.png")
			picture(t, at+".new", 33)
			if err := os.Chtimes(at+".new", old, old); err != nil {
				return err
			}
			return os.Rename(at+".new", at)
		}, true},
		{"a picture was touched", func(root string) error { return os.Chtimes(filepath.Join(root, "a", "03.png"), old, old) }, false},
		{"the folder was moved, and the file names its new place", func(root string) error { return os.Rename(root, root+".moved") }, false},
		{"the folder was copied in its place", func(root string) error {
			if err := os.CopyFS(root+".copy", os.DirFS(root)); err != nil {
				return err
			}
			if err := os.RemoveAll(root); err != nil {
				return err
			}
			return os.Rename(root+".copy", root)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(asWorker, "idle") // what the stages compute does not matter here
			t.Setenv("PRABENCH_DATA", t.TempDir())
			b := newBench(t)
			root := pictureFolder(t)
			if sum := b.run(context.Background(), ofFolder(root), nil); sum.Done != 4 {
				t.Fatalf("%+v\n%s", sum, b.out.String())
			}
			if err := c.change(root); err != nil {
				t.Fatal(err)
			}
			state, toDo := "done", 0
			if c.changed {
				state, toDo = "stale", 4
			}
			if strings.Contains(c.name, "was moved") {
				root += ".moved"
			}
			e := ofFolder(root)
			if strings.Contains(c.name, "class") {
				for i := range e.Cells {
					edit(e.Cells[i].Settings, func(p *pra.Params) { p.Model.Classes = 3 })
				}
			}
			p, _, err := engine.Inspect(context.Background(), b.places, false, e)
			if err != nil {
				t.Fatal(err)
			}
			cells, _ := p.Status(b.places)
			moved := strings.Contains(c.name, "was moved") // nothing is known of the new place before it is read
			if moved {
				state = "to do"
			}
			if cells[0].State != state || c.changed && !strings.Contains(cells[0].Reason, "the data") {
				t.Errorf("status: %s, %s", cells[0].State, cells[0].Reason)
			}
			if n := p.Count(engine.ToDo); n != toDo && !moved {
				t.Errorf("plan: %d stages to do", n)
			}
			sum := b.run(context.Background(), e, nil)
			if sum.Done != toDo || c.changed != strings.Contains(b.out.String(), "changed since: the data") {
				t.Errorf("run: %+v\n%s", sum, b.out.String())
			}
		})
	}
}

func TestAFolderThatIsAwayIsSaid(t *testing.T) {
	t.Setenv(asWorker, "idle")
	t.Setenv("PRABENCH_DATA", t.TempDir())
	b := newBench(t)
	root := pictureFolder(t)
	b.run(context.Background(), ofFolder(root), nil)
	e := ofFolder(root)
	if err := os.Rename(root, root+".away"); err != nil {
		t.Fatal(err)
	}
	p, notes, err := engine.Inspect(context.Background(), b.places, false, e)
	if err != nil || p.Count(engine.Done) != 4 || !strings.Contains(strings.Join(notes, " "), "not found any more") {
		t.Errorf("%v, %d done, %q", err, p.Count(engine.Done), notes)
	}
}

// replaced is a program under whose name another is installed while it runs. It
// starts a worker then.
func replaced() int {
	self, _ := os.Executable()
	other := self + ".new"
	if err := os.WriteFile(other, []byte("#!/bin/sh\necho another program\n"), 0o755); err != nil {
		return 1
	}
	if err := os.Rename(other, self); err != nil {
		return 1
	}
	args, err := engine.WorkerCommand("cpu")
	if err != nil {
		return 1
	}
	c := exec.Command(args[0])
	c.Env = append(os.Environ(), asWorker+"=which")
	out, err := c.CombinedOutput()
	fmt.Printf("%s%v", out, err)
	return 0
}

// copied is the test program under another name.
func copied(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A run that lasts for days outlives updates: its workers are the program that it
// is itself, not what lies under its name by then.
func TestAReplacedProgramStartsItsOwnWorkers(t *testing.T) {
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("the system has no link to the program that runs")
	}
	c := exec.Command(copied(t))
	c.Env = append(os.Environ(), asWorker+"=replaced")
	out, err := c.CombinedOutput()
	if err != nil || string(out) != "the program that began<nil>" {
		t.Errorf("%v: %s", err, out)
	}
}

// The program of another device is a file of its own: when it is replaced, the
// results of the rest would be recorded as the first one's.
func TestAReplacedProgramOfADeviceEndsTheRun(t *testing.T) {
	t.Setenv(asWorker, "idle")
	b := newBench(t)
	program := copied(t)
	started := 0
	r := &engine.Run{Places: b.places, Jobs: 1, Name: "test", Out: &b.out, Command: func(string) ([]string, error) {
		return []string{program}, nil
	}}
	e := tiny(func(s *stage.Settings) { s.Measure.Rounds = 0 })
	r.Out = writerFunc(func(line string) {
		if started++; started == 2 {
			if err := os.Rename(copied(t), program); err != nil {
				t.Error(err)
			}
		}
	})
	sum, err := r.Do(context.Background(), e)
	var fail *engine.Failure
	if !errors.As(err, &fail) || !strings.Contains(err.Error(), "was replaced") || sum.Done != 2 || sum.Failed != 0 {
		t.Errorf("%v, %+v", err, sum)
	}
	r.Out = io.Discard
	if sum, err = r.Do(context.Background(), e); err != nil || sum.Done != 5 {
		t.Errorf("again: %v, %+v", err, sum)
	}
}

type writerFunc func(line string)

func (f writerFunc) Write(p []byte) (int, error) { f(string(p)); return len(p), nil }
