package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"prabench/harness/machine"
	"prabench/metrics/embed"
	"prabench/models/cpu"
	"prabench/models/dataset"
	"prabench/models/gemm"
	"prabench/results"
)

// finding is one line of doctor.
type finding struct {
	What   string `json:"what"`
	State  string `json:"state"` // ok, missing, slow, broken
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"`
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what this machine has, what is missing and how to get it", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fs := a.diagnose()
			for _, f := range fs {
				if f.State == "broken" {
					a.code = exitFailed
				}
			}
			if a.json {
				return a.printJSON(fs)
			}
			t := results.Table{Columns: []string{"what", "state", "detail", "what to do"}}
			for _, f := range fs {
				t.Rows = append(t.Rows, []any{f.What, f.State, f.Detail, f.Advice})
			}
			return results.WriteText(a.stdout, t)
		},
	}
}

func (a *app) diagnose() []finding {
	env := machine.Environment(0)
	fs := []finding{
		{"processor", "ok", fmt.Sprintf("%s, %d cores", env.CPU, env.Cores), ""},
		{"memory", "ok", bytesText(env.MemoryBytes), ""},
		{"system", "ok", fmt.Sprintf("%s, kernel %s, %s", env.OS, env.Kernel, env.Go), ""},
	}
	rev := finding{"program", "ok", "revision " + env.Code(), ""}
	if env.GitRevision == "" {
		rev.State, rev.Advice = "missing", "build inside a git checkout, so that results name their revision"
	}
	fs = append(fs, rev)

	lib := gemm.Loaded()
	g := finding{"matrix products", "ok", lib.Name, lib.Hint}
	if lib.Hint != "" {
		g.State = "slow"
	}
	fs = append(fs, g)
	if be, err := cpu.New(1); err != nil {
		fs = append(fs, finding{"cpu backend", "broken", err.Error(), "report this"})
	} else {
		fs = append(fs, finding{"cpu backend", "ok", be.Details(), ""})
		be.Close()
	}

	gpu := finding{"GPU", "missing", "none seen", "not needed; everything runs on the CPU"}
	if env.GPU != "" {
		gpu = finding{"GPU", "ok", env.GPU + ", driver " + env.Driver, ""}
	}
	fs = append(fs, gpu, cudaProgram())

	for _, s := range dataset.Sources() {
		f := finding{"data " + s.Set, "missing", s.Description, s.How}
		if s.Available {
			f.State, f.Advice = "ok", ""
		}
		if s.Available && s.Where != "" {
			f.Detail = s.Where
		}
		fs = append(fs, f)
		if c, err := embed.Committed(s.Set); err == nil {
			fs = append(fs, finding{"embedder " + s.Set, "ok", fmt.Sprintf("%s, test accuracy %s %%", c.Name(), digits(100*c.About.Accuracy, 4)), ""})
		}
	}
	fs = append(fs, a.folder("database", filepath.Dir(a.db)), a.folder("artifacts", a.artifacts))
	for tool, why := range map[string]string{"git": "only to name the revision when the build did not", "go": "only to fetch mnist"} {
		if path, err := exec.LookPath(tool); err == nil {
			fs = append(fs, finding{tool, "ok", path, ""})
		} else {
			fs = append(fs, finding{tool, "missing", why, ""})
		}
	}
	return fs
}

// folder says whether a folder, or the one it would be made in, can be written.
func (a *app) folder(what, dir string) finding {
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
		return finding{what + " folder", "broken", err.Error(), "choose another with --db or --artifacts"}
	}
	f.Close()
	os.Remove(f.Name())
	return finding{what + " folder", "ok", dir + " can be written", ""}
}
