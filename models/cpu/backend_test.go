package cpu

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for _, c := range []struct{ asked, threads int }{{0, runtime.NumCPU()}, {1, 1}, {3, 3}} {
		d, err := New(c.asked)
		if err != nil {
			t.Fatal(err)
		}
		if d.Threads() != c.threads || d.Name() != "cpu" {
			t.Errorf("New(%d) is %q on %d threads, want cpu on %d", c.asked, d.Name(), d.Threads(), c.threads)
		}
		if !strings.Contains(d.Details(), d.path) {
			t.Errorf("details %q do not name the vector path %q", d.Details(), d.path)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, threads := range []int{-1, 1025} {
		if _, err := New(threads); err == nil || !strings.Contains(err.Error(), "1 to 1024") {
			t.Errorf("New(%d): %v, want an error that names what is allowed", threads, err)
		}
	}
}

func TestPaths(t *testing.T) {
	p := Paths()
	if !slices.Contains(p, "base") {
		t.Errorf("paths %v lack the one that every machine has", p)
	}
	if SelectPath("altivec") {
		t.Error("a path that does not exist was selected")
	}
}

// The path is chosen once for the process, so the variable is tried in others.
func TestPathVariable(t *testing.T) {
	if want := os.Getenv("PRABENCH_TEST_PATH"); want != "" {
		d, err := New(1)
		if want == "altivec" {
			if err == nil || !strings.Contains(err.Error(), PathVariable) || !strings.Contains(err.Error(), "avx512, avx2, base") {
				t.Errorf("error %v, want one with the variable and what is allowed", err)
			}
		} else if err != nil || d.path != want {
			t.Errorf("%s: backend %+v, error %v", want, d, err)
		}
		return
	}
	for _, p := range append(Paths(), "altivec") {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestPathVariable$")
		cmd.Env = append(os.Environ(), PathVariable+"="+p, "PRABENCH_TEST_PATH="+p)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s=%s: %v\n%s", PathVariable, p, err, out)
		}
	}
}
