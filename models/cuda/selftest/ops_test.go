//go:build cuda

package selftest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"prabench/models/cuda"
	"prabench/models/device"
	"prabench/models/pra"
	"prabench/models/pra/sizes"
)

// table is where the time of a step goes, an operation of one shape a line.
type table struct {
	What  string   `json:"what"`
	Whole float64  `json:"whole_us"` // the step as it runs: its share of a call that was timed
	Ops   []opLine `json:"ops"`
	Error string   `json:"error,omitempty"`
}

// opLine is an operation of one shape: how often the step asks for it and what
// it takes, repeated alone in a graph or a full queue.
type opLine struct {
	What  string  `json:"what"`
	Calls int     `json:"calls"`
	Each  float64 `json:"each_us"`
	FLOPs float64 `json:"flops,omitempty"` // of one call
	Bytes float64 `json:"bytes"`
}

func (o opLine) total() float64 { return float64(o.Calls) * o.Each }

// window passes on what it wraps and keeps the operations between two moments of
// what runs on it; at the second it calls full, in place.
type window struct {
	device.Backend
	begins, ends func(device.Op) bool
	ops          []device.Op
	state        int // 0 before, 1 within, 2 after
	full         func([]device.Op)
}

// Caps leave out recordings: what is replayed is not asked for.
func (w *window) Caps() device.Caps {
	caps := w.Backend.Caps()
	caps.Recorder = nil
	return caps
}

func (w *window) Do(op device.Op) {
	if w.state == 0 && w.begins(op) {
		w.state = 1
	} else if w.state == 1 && w.ends(op) {
		w.state = 2
		w.full(w.ops)
	}
	if w.state == 1 { // the op is the caller's: a copy is kept
		kept := reflect.New(reflect.TypeOf(op).Elem())
		kept.Elem().Set(reflect.ValueOf(op).Elem())
		w.ops = append(w.ops, kept.Interface().(device.Op))
	}
	w.Backend.Do(op)
}

// named is an operation's kind and shape, a product's use told apart.
func named(op device.Op) string {
	name := op.Kind().String()
	switch o := op.(type) {
	case *device.Gemm:
		if o.TransA {
			name += "ᵀ·" // a gradient of weights
		}
		if o.TransB {
			name += "·ᵀ"
		}
	case *device.Linear:
		name += parts(o)
	case *device.NormLinear:
		name += parts(&o.Linear)
	}
	return fmt.Sprintf("%s(%v)", name, op.Sizes())
}

// parts are what a layer has beside its product.
func parts(o *device.Linear) (names string) {
	for _, part := range []struct {
		name string
		has  bool
	}{{"bias", !o.Bias.Absent()}, {fmt.Sprint("act ", o.Act), o.Act != 0}, {"pre", o.KeepsPre()}, {"gate", !o.Gate.Absent()},
		{"residual", !o.Residual.Absent()}, {"moments", !o.Moments.Absent()}} {
		if part.has {
			names += "+" + part.name
		}
	}
	return names
}

// repeated times each kind and shape of operation among ops, which may be done
// again as they are.
func repeated(t *testing.T, be *cuda.Backend, ops []device.Op, inGraphs bool) []opLine {
	t.Helper()
	at := map[string]int{}
	var out []opLine
	var first []device.Op
	for _, op := range ops {
		name := named(op)
		i, known := at[name]
		if !known {
			i, at[name] = len(out), len(out)
			out, first = append(out, opLine{What: name, FLOPs: op.FLOPs(), Bytes: device.Bytes(op)}), append(first, op)
		}
		out[i].Calls++
	}
	for i, op := range first {
		// The slowest of a training step take milliseconds, most others microseconds.
		once := best(t, be, 1, func() { be.Do(op) })
		n := max(2, min(50, int(2e-3/once)))
		f := func() {
			for range n {
				be.Do(op)
			}
		}
		if inGraphs {
			if g, ok := be.Record(f); ok {
				f = g.Play
				defer g.Close()
			}
		}
		out[i].Each = 1e6 * best(t, be, 2, f) / float64(n)
	}
	slices.SortStableFunc(out, func(a, b opLine) int { return cmp.Compare(b.total(), a.total()) })
	return out
}

// ops says where the time of an AR step in the middle of an image and of a
// training step goes, for the size and the precision that are most asked for.
func (r *report) ops(t *testing.T) {
	name, batch, o := "pra-s", 64, ways[0]
	if r.doc.StandIn {
		name, batch = "micro", 2
	}
	if r.doc.CuBLAS == "" {
		o.NoBLAS = true
	}
	size, err := sizes.Named(name)
	must(t, err)
	if r.doc.StandIn {
		size.Model.Patch, size.Sample.FlowSteps, size.Train.FlowSamples = 14, 2, 1
	}
	size.Train.Batch = batch
	what := fmt.Sprintf("%s, %d images, %s, %s", name, batch, o.Precision, products(o))
	for _, part := range []struct {
		name, what string
		do         func(*testing.T, *cuda.Backend, sizes.Size, int) table
	}{{"sampling", "an AR step in the middle of an image", r.arStep}, {"training", "a training step", r.trainStep}} {
		if *opsOf != "" && *opsOf != part.name {
			continue
		}
		t.Run(part.name, func(t *testing.T) {
			found := table{Error: "see the log"}
			defer func() {
				found.What = part.what + " of " + what
				r.doc.Tables = append(r.doc.Tables, found)
				r.save()
			}()
			be, why := r.openWay(t, o)
			if be == nil {
				found.Error = why
				return
			}
			found = part.do(t, be, size, batch)
		})
	}
}

func (r *report) arStep(t *testing.T, be *cuda.Backend, size sizes.Size, batch int) (found table) {
	c := size.Model
	middle := c.Tokens() / 2 / c.Block * c.Block
	decodes := func(at int) func(device.Op) bool {
		return func(op device.Op) bool {
			o, ok := op.(*device.AttentionDecode)
			return ok && o.At == at
		}
	}
	calls, err := sampling(be, be, size, batch, 3)
	must(t, err)
	found.Whole = 1e6 * calls[2] / float64(c.Tokens()/c.Block)
	w := &window{Backend: be, begins: decodes(middle), ends: decodes(middle + c.Block),
		full: func(ops []device.Op) { found.Ops = repeated(t, be, ops, true) }}
	_, err = sampling(be, w, size, batch, 1)
	must(t, err)
	if found.Ops == nil {
		t.Errorf("there was no step at token %d", middle)
	}
	return found
}

func (r *report) trainStep(t *testing.T, be *cuda.Backend, size sizes.Size, batch int) (found table) {
	asked, length := 0, 0
	w := &window{Backend: be}
	w.begins = func(device.Op) bool { asked++; return length > 0 && asked > 2*length }
	w.ends = func(device.Op) bool { return len(w.ops) == length }
	w.full = func(ops []device.Op) { found.Ops = repeated(t, be, ops, false) }
	tr, err := pra.NewTrainer(w, size.Model, size.Train, images(size.Model, batch))
	must(t, err)
	defer tr.Close()
	asked = 0
	for i := range 4 { // counted, timed, kept, and the first operation of one more
		seconds, err := be.Time(tr.Step)
		must(t, err)
		switch i {
		case 0:
			length = asked
		case 1:
			found.Whole = 1e6 * seconds
		}
	}
	if found.Ops == nil {
		t.Errorf("a training step asks for %d operations, and the third and the fourth for others", length)
	}
	return found
}

func (d document) opTables(line func(string, ...any)) {
	for _, table := range d.Tables {
		line("\n## Where the time goes: %s\n", table.What)
		if table.Error != "" {
			line("%s", table.Error)
			continue
		}
		var sum float64
		calls := 0
		for _, o := range table.Ops {
			sum += o.total()
			calls += o.Calls
		}
		line("Each operation repeated alone; together %d operations in %.4g µs. The step as it runs takes %.4g µs.\n", calls, sum, table.Whole)
		line("| operation (sizes) | calls | µs each | µs | share | TFLOP/s | GB/s |\n|---|--:|--:|--:|--:|--:|--:|")
		for _, o := range table.Ops {
			rate := func(v float64) string {
				if v == 0 {
					return "–"
				}
				return fmt.Sprintf("%.3g", v)
			}
			line("| %s | %d | %.3g | %.4g | %.1f %% | %s | %s |", o.What, o.Calls, o.Each, o.total(), 100*o.total()/sum,
				rate(o.FLOPs/o.Each/1e6), rate(o.Bytes/o.Each/1e3))
		}
	}
}
