// Package provision says what this machine and this program have and lack, and
// gets or makes what is missing: data sets, and the classifiers whose features
// scores use.
//
// Its principle is that a machine is best described by what somebody can do about it:
// each finding says what is there, whether that is enough, and otherwise the
// command that mends it. What is fetched is checked against a published hash, and
// what is trained is the same to the byte everywhere.
package provision

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/measure"
	"prabench/internal/numeral"
	"prabench/metrics/embed"
	"prabench/metrics/embed/onnx"
	"prabench/metrics/quantity"
	"prabench/models/cpu"
	"prabench/models/dataset"
	"prabench/models/gemm"
	"prabench/results/record"
)

// Finding is one thing that a machine has or lacks.
type Finding struct {
	What   string `json:"what"`
	State  string `json:"state"` // ok, missing, slow, broken
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"`
}

// Broken says whether nothing works as it should before this is mended.
func (f Finding) Broken() bool { return f.State == "broken" }

// Diagnose looks at this machine. places is where results and artifacts would go,
// command the program of a device.
func Diagnose(places engine.Places, command func(device string) ([]string, error)) []Finding {
	env := machine.Environment(0)
	fs := []Finding{
		{"processor", "ok", fmt.Sprintf("%s, %d cores", env.CPU, env.Cores), ""},
		{"memory", "ok", numeral.Bytes(env.MemoryBytes), ""},
		{"system", "ok", fmt.Sprintf("%s, kernel %s, %s", env.OS, env.Kernel, env.Go), ""},
	}
	fs = append(fs, timing(measure.LookAtHost()))
	fs = append(fs, limits(machine.LimitsHere(), env.Cores)...)
	fs = append(fs, program(env))

	lib := gemm.Loaded()
	g := Finding{"matrix products", "ok", lib.Name, lib.Hint}
	if lib.Hint != "" {
		g.State = "slow"
	}
	fs = append(fs, g)
	if be, err := cpu.New(1); err != nil {
		fs = append(fs, Finding{"cpu backend", "broken", err.Error(), "report this"})
	} else {
		fs = append(fs, Finding{"cpu backend", "ok", be.Details(), ""})
		be.Close()
	}

	gpu := Finding{"GPU", "missing", "none seen", "not needed; everything runs on the CPU"}
	if env.GPU != "" {
		gpu = Finding{"GPU", "ok", env.GPU + ", driver " + env.Driver, ""}
	}
	fs = append(append(fs, gpu), cudaProgram(command)...)

	for _, s := range dataset.Sources() {
		f := Finding{"data " + s.Set, "missing", s.Description, s.How}
		if s.Available {
			f.State, f.Advice = "ok", ""
		}
		if s.Available && s.Where != "" {
			f.Detail = s.Where
		}
		fs = append(fs, f)
		if c, err := embed.Committed(s.Set); err == nil {
			fs = append(fs,
				Finding{"embedder " + s.Set, "ok", fmt.Sprintf("%s, test accuracy %s %%", c.Name(), numeral.Digits(100*c.About.Accuracy, 4)), ""})
		}
	}
	fs = append(fs, networks(), folder("database", filepath.Dir(places.DB)), folder("artifacts", places.Artifacts))
	for tool, why := range map[string]string{"git": "only to name the revision when the build did not", "go": "only to fetch mnist"} {
		if path, err := exec.LookPath(tool); err == nil {
			fs = append(fs, Finding{tool, "ok", path, ""})
		} else {
			fs = append(fs, Finding{tool, "missing", why, ""})
		}
	}
	return fs
}

// program says whether results name the revision that they come from.
func program(env record.Environment) Finding {
	f := Finding{"program", "ok", "revision " + env.Code(), ""}
	switch {
	case record.KnownRevision(env.Code()):
	case env.GitDirty:
		f.State, f.Advice = "missing", "it was built from changed source: commit the changes and build again, so that results name their revision"
	default:
		f.State, f.Detail = "missing", "of unknown revision, "+env.Code()
		f.Advice = "build inside a git checkout, so that results name their revision"
	}
	return f
}

// timing says how well this machine measures.
func timing(h measure.Host) Finding {
	var parts []string
	say := func(v float64, metric *quantity.Metric, what string) {
		if v > 0 {
			factor, unit := quantity.Scaled(metric.ShownAs(""), v)
			parts = append(parts, numeral.Digits(v*factor, 3)+" "+unit+" "+what)
		}
	}
	say(h.Load.Frequency, quantity.CPUFrequency, "clock")
	say(h.Peak, quantity.PeakFLOPS, "a thread")
	say(h.Bandwidth, quantity.MemoryBandwidth, "of memory")
	parts = append(parts, numeral.Digits(100*h.Jitter, 2)+" % jitter")
	if h.Load.Wall > 0 {
		parts = append(parts, fmt.Sprintf("%.2f processors taken by its host, %.2f by other processes", h.Load.Steal, h.Load.Foreign))
	}
	f := Finding{"timing", "ok", strings.Join(parts, ", "), ""}
	if why := h.Uneven(); len(why) > 0 {
		f.State = "slow"
		f.Advice = "timings will scatter: " + strings.Join(why, ", ") + "; measure when it is quiet, or set measure.interval so that rounds go on"
	}
	return f
}

// networks says whether feature extractors in ONNX files can be run.
func networks() Finding {
	if onnx.RuntimePath() == "" {
		return Finding{"ONNX Runtime", "missing", "only for metrics.embedder = \"onnx:PATH\"", onnx.Get}
	}
	version, err := onnx.Version()
	if err != nil {
		return Finding{"ONNX Runtime", "broken", err.Error(), onnx.Get}
	}
	on, err := onnx.Provider()
	if err != nil {
		return Finding{"ONNX Runtime", "broken", err.Error(), onnx.Get}
	}
	return Finding{"ONNX Runtime", "ok", version + " on " + on + ", " + onnx.RuntimePath(), ""}
}

// folder says whether a folder, or the one it would be made in, can be written.
func folder(what, dir string) Finding {
	at := dir
	for {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			break
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	f, err := os.CreateTemp(at, ".doctor-*")
	if err != nil {
		return Finding{what + " folder", "broken", err.Error(), "choose another with --db or --artifacts"}
	}
	f.Close()
	os.Remove(f.Name())
	return Finding{what + " folder", "ok", dir + " can be written", ""}
}

// Hint says what would make matrix products on this machine faster, or "".
func Hint() string { return gemm.Loaded().Hint }
