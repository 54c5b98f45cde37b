package work

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/results/record"
)

// A sampling that is stopped after any batch, or killed, goes on and leaves the files
// of one that was not; so does one whose unfinished images are not what they were.
func TestSamplingGoesOn(t *testing.T) {
	s := tinyCell(t)
	s.Count, s.Batch = 23, 4
	whole := t.TempDir()
	done := do(t, whole, s, Train, Sample)
	key := done[Sample].Stage
	want := filesOf(t, whole, key)
	images := func(root string) string { return filepath.Join(root, Sample.Unfinished, key+".npy") }
	for name, between := range map[string]func(t *testing.T, root string){
		"stopped": func(*testing.T, string) {},
		"killed in the middle of a batch": func(t *testing.T, root string) {
			f, err := os.OpenFile(images(root), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("half an image")); err != nil {
				t.Fatal(err)
			}
			f.Close()
		},
		"an image changed": func(t *testing.T, root string) {
			raw, err := os.ReadFile(images(root))
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)-1] ^= 1
			if err := os.WriteFile(images(root), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"images lost": func(t *testing.T, root string) {
			if err := os.Truncate(images(root), 200); err != nil {
				t.Fatal(err)
			}
		},
		"note lost": func(t *testing.T, root string) {
			if err := os.Remove(images(root) + ".json"); err != nil {
				t.Fatal(err)
			}
		},
		"note of nothing": func(t *testing.T, root string) {
			if err := os.WriteFile(images(root)+".json", []byte(`{"done": 99}`), 0o644); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			do(t, root, s, Train)
			for range 3 {
				err := sampleUntil(t, root, s, 2)
				if err == nil || !strings.Contains(err.Error(), "saved after image") {
					t.Fatalf("stopped: %v", err)
				}
			}
			between(t, root)
			do(t, root, s, Sample)
			for name, raw := range filesOf(t, root, key) {
				if !bytes.Equal(raw, want[name]) {
					t.Errorf("%s is another one than without a stop", name)
				}
			}
			if left, _ := os.ReadDir(filepath.Join(root, Sample.Unfinished)); len(left) > 0 {
				t.Errorf("%s is left behind", left[0].Name())
			}
		})
	}
}

// sampleUntil samples and is stopped after some batches.
func sampleUntil(t *testing.T, root string, s stage.Settings, batches int) error {
	t.Helper()
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	for _, st := range chain.Stages() {
		if st.Kind != Sample {
			continue
		}
		job := worker.Job{Attempt: record.NewAttemptID(), Stage: st.Key, Kind: st.Kind.Name, Settings: raw, Inputs: st.By(),
			Device: "cpu", Threads: 1, Artifacts: root}
		err = Do(ctx, job, func(p worker.Progress) {
			if batches--; batches == 0 {
				cancel(worker.ErrStopped)
			}
		}, &record.Attempt{})
		if err != nil && !errors.Is(err, worker.ErrStopped) {
			t.Fatal(err)
		}
	}
	return err
}

// filesOf are the files of a sample artifact that are the same whenever it is made.
func filesOf(t *testing.T, root, key string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{SamplesFile, DrawnFile, GridFile} {
		raw, err := artifact.Store{Root: root}.Read(Sample.Ref(key), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = raw
	}
	return out
}

// Two processes at one stage draw into files of their own.
func TestTwoSamplingsOfOneStage(t *testing.T) {
	s := tinyCell(t)
	s.Count, s.Batch = 8, 4
	root := t.TempDir()
	key := do(t, root, s, Train, Sample)[Sample].Stage
	want := filesOf(t, root, key)
	if err := os.RemoveAll((artifact.Store{Root: root}).Dir(Sample.Ref(key))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, Sample.Unfinished, key+".npy")
	other, err := openDrawing(path, 8, 8, 8, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if _, err := openDrawing(path, 8, 8, 8, 3); !errors.Is(err, errElsewhere) {
		t.Fatalf("a drawing that another one writes is opened: %v", err)
	}
	do(t, root, s, Sample)
	for name, raw := range filesOf(t, root, key) {
		if !bytes.Equal(raw, want[name]) {
			t.Errorf("%s is another one beside a second process", name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(root, "tmp", "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A picture has at most so many classes and images of each, whatever the set has.
func TestSheetsAreBounded(t *testing.T) {
	if n := sheetImages(50_000, 1000); n != sheetRows*sheetColumns {
		t.Errorf("%d images of 50,000 of 1,000 classes", n)
	}
	for n, classes := range map[int]int{7: 10, 40: 3, 5: 1} {
		if got := sheetImages(n, classes); got != min(n, 10*classes) {
			t.Errorf("%d images of %d of %d classes", got, n, classes)
		}
	}
	s := artifact.Store{Root: t.TempDir()}
	d, err := s.Begin(Sample.Ref("many"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	labels := EvenLabels(5000, 250)
	slices.Reverse(labels)
	read := map[int]bool{}
	err = Drawn{Count: 5000, Size: 1, Channels: 1, Classes: 250}.describe(d, labels, func(i int, into []uint8) error {
		read[i] = true
		into[0] = uint8(labels[i])
		return nil
	})
	if err != nil || len(read) != sheetRows*sheetColumns {
		t.Errorf("%d images are read for the picture: %v", len(read), err)
	}
}
