//go:build cuda

package selftest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/harness/machine"
	"prabench/models/cuda"
)

// document is what was found; the report's texts are made of it.
type document struct {
	Date      string   `json:"date"`
	Device    string   `json:"device"`
	Details   string   `json:"details"`
	CuBLAS    string   `json:"cublas"` // the file that was loaded; "" where none was
	NCCL      string   `json:"nccl"`   // version and file, or why there is none: sums of several devices
	StandIn   bool     `json:"stand_in"`
	Revision  string   `json:"revision"`
	Processor string   `json:"processor"`
	System    string   `json:"system"`
	Health    string   `json:"health"`
	Parts     []string `json:"parts"`
	Checks    []check  `json:"checks"`
	Figures   []figure `json:"figures"`
	Models    []row    `json:"models"`
	Tables    []table  `json:"tables,omitempty"`
	Failed    []string `json:"failed"`
	Seconds   float64  `json:"seconds"`
	Ended     bool     `json:"ended"` // false: the program was stopped before its end
}

// check is whether something holds.
type check struct {
	What    string  `json:"what"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail"`
}

// verdict is pass, FAIL, or absent where what was to be checked is not there.
type verdict string

const (
	pass   verdict = "pass"
	fail   verdict = "FAIL"
	absent verdict = "absent"
)

// figure is a number that was measured, or why it was not.
type figure struct {
	What  string  `json:"what"`
	Value float64 `json:"value,omitempty"`
	Unit  string  `json:"unit,omitempty"`
	Error string  `json:"error,omitempty"`
}

// row is a model in one way of computing it. Speeds are images/s.
type row struct {
	Model     string  `json:"model"`
	Params    int64   `json:"params"`
	Precision string  `json:"precision"`
	Products  string  `json:"products"` // cuBLAS or own, and whether launches are chains
	Batch     int     `json:"batch"`
	FlowSteps int     `json:"flow_steps"`
	Sampling  float64 `json:"sampling,omitempty"`
	Bound     float64 `json:"bound,omitempty"` // of this design's launches on what speed measured
	Plain     float64 `json:"without_graphs,omitempty"`
	Launches  int     `json:"launches_an_ar_step,omitempty"` // nodes of its graph
	Recording float64 `json:"recording_s,omitempty"`         // what the call that records takes longer
	Training  float64 `json:"training,omitempty"`
	Memory    int64   `json:"memory_bytes,omitempty"` // the backend's peak while it samples
	Error     string  `json:"error,omitempty"`
}

type report struct {
	t    *testing.T
	path string
	doc  document
}

func (r *report) head(be *cuda.Backend) {
	env, d := machine.Environment(0), &r.doc
	d.Date, d.Device, d.Details, d.StandIn = time.Now().UTC().Format(time.RFC3339), be.Name(), be.Details(),
		strings.Contains(be.Details(), "CPU stand-in")
	d.CuBLAS, _ = be.BLAS()
	if file, version, err := cuda.NCCL(); err != nil {
		d.NCCL = fmt.Sprintf("%v: sums of several devices go through the host", err)
	} else {
		d.NCCL = version + ", " + file
	}
	if d.Revision = *revision; d.Revision == "" {
		d.Revision = env.Code()
	}
	d.Processor = fmt.Sprintf("%s, %d cores", env.CPU, env.Cores)
	d.System = fmt.Sprintf("%s, kernel %s, %s", env.OS, env.Kernel, runtime.Version())
	if h, err := be.Health(); err != nil {
		d.Health = err.Error()
	} else {
		d.Health = fmt.Sprintf("clock %.0f MHz of %.0f by default, %.0f °C, %.0f W, held down by: %s; %d other processes",
			h.Clock/1e6, h.DefaultClock/1e6, h.Temperature, h.Power, h.Throttled, h.Others)
	}
	r.save()
}

// failed notes a failure by name, once.
func (r *report) failed(what string) {
	if !slices.Contains(r.doc.Failed, what) {
		r.doc.Failed = append(r.doc.Failed, what)
	}
	r.save()
}

// holds does a check in a test of its own and keeps its verdict; f gives the
// detail.
func (r *report) holds(t *testing.T, what string, f func(t *testing.T) string) {
	detail := ""
	ok := t.Run(what, func(t *testing.T) { detail = f(t) })
	v := pass
	if !ok {
		v = fail
		if detail == "" {
			detail = "see the log"
		}
		r.failed(what)
	}
	r.doc.Checks = append(r.doc.Checks, check{what, v, detail})
	r.save()
}

// absent keeps that something could not be checked, which is a failure where it
// was needed.
func (r *report) absent(t *testing.T, what, why string, needed bool) {
	r.doc.Checks = append(r.doc.Checks, check{what, absent, why})
	if needed {
		t.Errorf("%s: %s", what, why)
		r.failed(what)
	}
	r.save()
}

func (r *report) figure(f figure) {
	if math.IsInf(f.Value, 0) || math.IsNaN(f.Value) {
		f.Value, f.Error = 0, "no reading"
	}
	r.doc.Figures = append(r.doc.Figures, f)
	r.save()
}

// save writes what there is so far.
func (r *report) save() {
	r.doc.Seconds = time.Since(begun).Round(time.Millisecond).Seconds()
	if r.path == "" {
		return
	}
	raw, err := json.MarshalIndent(r.doc, "", " ")
	if err != nil {
		r.t.Fatal(err)
	}
	for path, text := range map[string][]byte{r.path: []byte(r.doc.markdown()), strings.TrimSuffix(r.path, ".md") +
		".json": append(raw, '\n')} {
		// Whole at every moment: the program may be stopped at any.
		if err := errors.Join(os.WriteFile(path+".new", text, 0o644), os.Rename(path+".new", path)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (d document) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# prabench CUDA self-test")
	if d.StandIn {
		line("\n**Stand-in: no GPU was here.** A driver on host memory ran the kernels on the CPU;\nwhat is right or wrong below holds for " +
			"the kernels' source, the times mean nothing.")
	}
	if !d.Ended {
		line("\n**Not at its end**: the program was stopped, or is still running.")
	}
	cublas := d.CuBLAS
	if cublas == "" {
		cublas = "**none was found**: products run on own kernels"
	}
	line("\n| | |\n|---|---|\n| date | %s |\n| device | %s: %s |\n| cuBLAS | %s |\n| NCCL | %s |\n| processor | %s |\n| system | %s |\n"+
		"| program | revision %s |\n| NVML | %s |\n| parts | %s, %.0f s |",
		d.Date, d.Device, d.Details, cublas, d.NCCL, d.Processor, d.System, d.Revision, d.Health, strings.Join(d.Parts, ", "), d.Seconds)
	if len(d.Checks) > 0 {
		line("\n## Right or wrong\n\n| what | | |\n|---|---|---|")
		for _, c := range d.Checks {
			word := string(c.Verdict)
			if c.Verdict != pass {
				word = "**" + word + "**"
			}
			line("| %s | %s | %s |", c.What, word, c.Detail)
		}
	}
	if len(d.Figures) > 0 {
		line("\n## Speed\n\nThe shortest of some tries on random numbers, by events of the device where nothing else is said.\n\n" +
			"| what | |\n|---|--:|")
		for _, f := range d.Figures {
			if f.Error != "" {
				line("| %s | %s |", f.What, f.Error)
			} else {
				line("| %s | %.4g %s |", f.What, f.Value, f.Unit)
			}
		}
	}
	if len(d.Models) > 0 {
		d.table(line)
	}
	d.opTables(line)
	line("\n%d failures.", len(d.Failed))
	for _, f := range d.Failed {
		line("* %s", f)
	}
	return b.String()
}

// table is that of the models.
func (d document) table(line func(string, ...any)) {
	line("\n## Models\n\nSampling: one token a step, no guidance, tokens on the host at the end. The bound is the\nroofline of this " +
		"design's launches on the bandwidth and the products measured above.\n")
	line("| model | parameters | precision | products | batch | sampling, images/s | bound | share | without graphs | launches an AR step " +
		"| recording, s | training, images/s | backend memory, MiB |\n|---|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	or := func(v float64, format string) string {
		if v == 0 {
			return "–"
		}
		return fmt.Sprintf(format, v)
	}
	for _, m := range d.Models {
		if m.Error != "" {
			line("| %s | %.1f M | %s | %s | %d | %s | | | | | | | |", m.Model, float64(m.Params)/1e6, m.Precision, m.Products, m.Batch, m.Error)
			continue
		}
		share := 0.0
		if m.Bound > 0 {
			share = 100 * m.Sampling / m.Bound
		}
		line("| %s | %.1f M | %s | %s | %d | %s | %s | %s | %s | %s | %s | %s | %s |", m.Model, float64(m.Params)/1e6, m.Precision,
			m.Products, m.Batch,
			or(m.Sampling, "%.4g"), or(m.Bound, "%.4g"), or(share, "%.0f %%"), or(m.Plain, "%.4g"), or(float64(m.Launches), "%.0f"),
			or(m.Recording, "%.2g"), or(m.Training, "%.4g"), or(float64(m.Memory)/(1<<20), "%.0f"))
	}
}
