package families_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
)

// original is where to write the model that testdata/official.py saves again.
var original = flag.String("original", "", "write the model to this `file`")

// tiny is a model with the weights that a training begins with.
func tiny(t *testing.T) models.Model {
	t.Helper()
	f, err := models.Named("pra")
	if err != nil {
		t.Fatal(err)
	}
	p := f.Defaults().For(models.Shape{Size: 8, Channels: 1, Classes: 3}).Seeded(7)
	for key, v := range map[string]any{"model.patch": 4, "model.width": 8, "model.depth": 1, "model.heads": 2, "model.head_width": 8,
		"model.head_depth": 1, "model.coder_width": 8, "model.state": 4, "sample.flow_steps": 3} {
		var ok bool
		if p, ok = models.Set(p, key, v); !ok {
			t.Fatal(key)
		}
	}
	be, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	m, err := p.NewModel(be)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// A model saved by the official Python package, with the tensors in its order and
// without our checksum, is taken, is the same model, and is said to be unverified;
// one that carries a checksum that is another content's is refused.
func TestModelsSavedByTheOfficialPackage(t *testing.T) {
	m := tiny(t)
	if *original != "" {
		if err := m.SaveModel(*original); err != nil {
			t.Fatal(err)
		}
		t.Skip("the model was written")
	}
	path := filepath.Join("testdata", "official.safetensors")
	be, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	got, err := models.Load(be, path)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if got.Params().Canonical() != m.Params().Canonical() {
		t.Errorf("its parameters are %+v, not %+v", got.Params(), m.Params())
	}
	a, b := drawn(t, m), drawn(t, got)
	for i := range a {
		if d := int(a[i]) - int(b[i]); d < -1 || d > 1 { // the first weights are rounded on this machine
			t.Fatalf("pixel %d is %d, of the original %d", i, b[i], a[i])
		}
	}
	if note := models.Unverified(path); !strings.Contains(note, "unverified") || !strings.Contains(note, path) {
		t.Errorf("said of it: %q", note)
	}
	own := filepath.Join(t.TempDir(), "own.safetensors")
	if err := m.SaveModel(own); err != nil {
		t.Fatal(err)
	}
	if note := models.Unverified(own); note != "" {
		t.Errorf("said of a file of ours: %q", note)
	}
	raw, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(own, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := models.Load(be, own); err == nil || !strings.Contains(err.Error(), "leave the metadata entry sha256 out") {
		t.Errorf("a changed file of ours: %v", err)
	}
}

// drawn is six images.
func drawn(t *testing.T, m models.Model) []byte {
	t.Helper()
	s, err := m.Sampler(m.Params(), 6)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out := make([]byte, 6*m.Params().Shape().Bytes())
	if err := s.Sample([]int32{0, 1, 2, 0, 1, 2}, []uint32{0, 1, 2, 3, 4, 5}, out); err != nil {
		t.Fatal(err)
	}
	return out
}
