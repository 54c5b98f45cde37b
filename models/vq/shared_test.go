package vq

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"prabench/models/device"
	"prabench/models/golden"
)

// stateOf is what a trainer saves, as bytes.
func stateOf(t *testing.T, tr *Trainer) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	if err := tr.Save(path, "note"); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// weightsOf is the tokenizer of a trainer and its codebook.
func weightsOf(tr *Trainer) []float32 {
	m := tr.model
	out := make([]float32, m.tok.Total)
	m.be.Download(out, m.coder)
	return append(append(out, m.book.vectors...), m.book.use...)
}

// own is where a tokenizer is trained by itself.
func own(t *testing.T, be device.Backend, p Params, n int) (path string) {
	t.Helper()
	params, steps := p.Tokenizer()
	tr := trainer(t, be, params.(Params), n)
	step(t, tr, steps)
	path = filepath.Join(t.TempDir(), "tokenizer")
	if err := tr.Save(path, "its note"); err != nil {
		t.Fatal(err)
	}
	return path
}

// A transformer that builds on a tokenizer trained by itself is that of one training, to
// the bit, with all that goes on from it; also after stops in both.
func TestLawATokenizerApart(t *testing.T) {
	for name, set := range map[string]func(*Params){
		"share":                 func(*Params) {},
		"steps":                 func(p *Params) { p.Train.TokenizerSteps = 3 },
		"constant, warm-up":     func(p *Params) { p.Train.Schedule, p.Train.WarmupSteps, p.Train.TokenizerSteps = "constant", 2, 3 },
		"parts of seeds, decay": func(p *Params) { p.Train.SeedInit, p.Train.SeedNoise, p.Train.WeightDecay = 7, 9, 0.1 },
		"a newer trunk": func(p *Params) {
			p.Model.Norm, p.Model.MLPKind, p.Model.Positions, p.Model.QKNorm = "rmsnorm", "swiglu", "rope2d", "rmsnorm"
			p.Model.ClassTokens = 2
		},
		"blocks": func(p *Params) { p.Model.Block, p.Model.MLP, p.Train.LR, p.Train.EMA = 4, 2, 0.003, "0.5" },
	} {
		t.Run(name, func(t *testing.T) {
			p := small()
			p.Train.Steps, p.Train.Batch, p.Train.CodeReset = 9, 3, 0.5
			set(&p)
			be := open(t, 1)
			whole, after := trainer(t, be, p, 8), trainer(t, be, p, 8)
			step(t, whole, p.Train.Steps)
			note, err := after.ResumeTokenizer(own(t, be, p, 8))
			if err != nil || note != "its note" {
				t.Fatal(note, err)
			}
			_, first := p.Tokenizer()
			if after.Done() != first {
				t.Fatalf("it goes on from step %d, the tokenizer takes %d", after.Done(), first)
			}
			step(t, after, 1)
			path := filepath.Join(t.TempDir(), "stopped")
			if err := after.Save(path, ""); err != nil {
				t.Fatal(err)
			}
			again := trainer(t, be, p, 8)
			if _, err := again.Resume(path); err != nil {
				t.Fatal(err)
			}
			step(t, again, p.Train.Steps-first-1)
			if !bytes.Equal(stateOf(t, whole), stateOf(t, again)) {
				t.Error("the training that built on a tokenizer is another one")
			}
		})
	}
}

// Trainings that are said to have one tokenizer have, to the bit: each key is changed by
// itself, and either changes what is said or nothing of the tokenizer.
func TestWhatATokenizerReads(t *testing.T) {
	base := small()
	base.Train.Steps, base.Train.Batch, base.Train.TokenizerSteps, base.Train.CodeReset = 9, 3, 4, 0.5
	be := open(t, 1)
	trained := func(p Params) []float32 {
		_, first := p.Tokenizer()
		tr := trainer(t, be, p, 8)
		step(t, tr, first)
		return weightsOf(tr)
	}
	want := trained(base)
	said, _ := base.Tokenizer()
	shared := map[string]bool{}
	for _, table := range []string{"Model", "Train"} {
		of := reflect.TypeOf(base.Model)
		if table == "Train" {
			of = reflect.TypeOf(base.Train)
		}
		for i := range of.NumField() {
			name := of.Field(i).Name
			p := base
			if !otherwise(&p, table, i) || p.Validate() != nil {
				continue
			}
			params, _ := p.Tokenizer()
			if params != said {
				continue
			}
			shared[name] = true
			if got := trained(p); len(got) != len(want) || golden.Furthest(got, want) != 0 {
				t.Errorf("%s changes the tokenizer, and its parameters are said to be the same", name)
			}
		}
	}
	for _, name := range []string{"Block", "Width", "Depth", "Steps", "LR", "EMA", "ClassDropout", "TokenizerShare", "Schedule",
		"Norm", "MLPKind", "Positions", "QKNorm", "ClassTokens"} {
		if !shared[name] {
			t.Errorf("trainings that differ in %s alone share no tokenizer", name)
		}
	}
	for _, name := range []string{"Codes", "CodeDim", "Batch", "TokenizerLR", "Commitment", "CodeDecay", "Seed", "TokenizerSteps", "Beta2"} {
		if shared[name] {
			t.Errorf("trainings that differ in %s share a tokenizer", name)
		}
	}
}

// otherwise gives a key another value.
func otherwise(p *Params, table string, field int) bool {
	f := reflect.ValueOf(p).Elem().FieldByName(table).Field(field)
	name := reflect.ValueOf(p).Elem().FieldByName(table).Type().Field(field).Name
	switch {
	case name == "Size" || name == "Channels" || name == "Classes" || name == "Patch" || name == "Threads":
		return false // other images, or the machine's
	case name == "Schedule":
		f.SetString("constant")
	case name == "Norm" || name == "QKNorm":
		f.SetString("rmsnorm")
	case name == "MLPKind":
		f.SetString("swiglu")
	case name == "Positions":
		f.SetString("rope2d")
	case name == "EMA":
		f.SetString("0.5")
	case name == "Warmup" || name == "Decay" || name == "TokenizerShare":
		f.SetFloat(0.5)
	case f.CanInt():
		f.SetInt(max(1, 2*f.Int()))
	case f.CanUint():
		f.SetUint(f.Uint() + 5)
	case f.CanFloat():
		f.SetFloat(0.5*f.Float() + 0.01)
	default:
		panic("no other value of " + name)
	}
	return true
}

// Another tokenizer, or one whose steps are not done, is refused, and so is no file.
func TestTokenizersThatCannotBeBuiltOn(t *testing.T) {
	p := small()
	p.Train.Steps, p.Train.Batch, p.Train.TokenizerSteps = 6, 3, 3
	be := open(t, 1)
	other := p
	other.Train.CodeDecay = 0.5
	half := filepath.Join(t.TempDir(), "half")
	params, _ := p.Tokenizer()
	tr := trainer(t, be, params.(Params), 8)
	step(t, tr, 2)
	if err := tr.Save(half, ""); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		own(t, be, other, 8):                  "it is a training of",
		half:                                  "stopped after step 2 of the 3 steps",
		filepath.Join(t.TempDir(), "no such"): "building on a tokenizer",
	} {
		if _, err := trainer(t, be, p, 8).ResumeTokenizer(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
