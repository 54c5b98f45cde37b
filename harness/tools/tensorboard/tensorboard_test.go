package tensorboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func after(seconds float64) time.Time { return start.Add(time.Duration(seconds * 1e9)) }

// Byte for byte what TensorBoard's own writer wrote (testdata/events.py).
func TestWriteIsTensorBoards(t *testing.T) {
	want, err := os.ReadFile("testdata/events.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = Write(&b, []Scalar{{"train_loss", 1, 2.5, start}, {"train_loss", 300, 0.1, after(0.25)},
		{"results/fid_proxy", 0, -1e-30, after(1.5)}, {"größe/ü", 1 << 40, 3e38, after(1.5)}, {"results/kid", 20, math.NaN(), after(1.5)}})
	if err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%v\n%q\n%q", err, b.Bytes(), want)
	}
}

// TensorBoard reads what is written, where it is installed.
func TestTensorBoardReads(t *testing.T) {
	python := os.Getenv("PRABENCH_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import tensorboard").CombinedOutput(); err != nil {
		t.Skipf("%s has no TensorBoard (pip install tensorboard; PRABENCH_PYTHON names another): %v %.100s", python, err, out)
	}
	var scalars []Scalar
	for i := range 1000 {
		scalars = append(scalars, Scalar{"loss", int64(i), float64(1000-i) / 8, after(float64(i) / 4)})
	}
	path := filepath.Join(t.TempDir(), "events.out.tfevents.1.prabench")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Write(f, scalars), f.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "testdata/events.py", path).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(lines) != len(scalars) {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for i, l := range lines {
		var name string
		var step int
		var value, at float64
		if _, err := fmt.Sscan(l, &name, &step, &value, &at); err != nil || name != "loss" || step != i || value != scalars[i].Value ||
			at != float64(start.Unix())+float64(i)/4 {
			t.Fatalf("%q, %v", l, err)
		}
	}
}

func TestWriteGivesErrors(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := Write(w, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
