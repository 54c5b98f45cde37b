package slurm

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Options are what the user says about the cluster. Empty ones are left to
// Slurm's own defaults.
type Options struct {
	Partition  string
	Account    string
	QOS        string
	Constraint string // features that nodes must have
	Time       string // limit of a task, as Slurm writes it: 30, 4:00:00, 1-12
	Mem        string // of a task: 16G
	Gres       string // gpu:1
	Concurrent int    // tasks of an array at once; 0 = as many as there is room for
	CPUs       int    // for each device of a stage, at least; 0 = its threads
	Pack       int    // stages of a task, side by side on its node; 0 = 1. Timings stay alone
	Prologue   string // file of shell commands and #SBATCH lines for every script
	Wrap       string // words in front of the program: apptainer exec --nv image.sif

	// Of timings, which are compared with each other and must run on like
	// nodes; the general ones where they are empty.
	TimingPartition  string
	TimingConstraint string
}

// plain is what goes into a script's #SBATCH lines unquoted.
var plain = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_.,:;=+*&|()\[\]@/-]*$`)
})

// Check says which option cannot be written into a script.
func (o Options) Check() error {
	for _, f := range []struct{ flag, value string }{
		{"partition", o.Partition}, {"account", o.Account}, {"qos", o.QOS}, {"constraint", o.Constraint}, {"time", o.Time}, {"mem", o.Mem},
		{"gres", o.Gres}, {"timing-partition", o.TimingPartition}, {"timing-constraint", o.TimingConstraint},
	} {
		if !plain().MatchString(f.value) {
			return fmt.Errorf("--%s %q: a value for Slurm has no blanks, quotes or other signs that a shell reads", f.flag, f.value)
		}
	}
	if o.Concurrent < 0 {
		return fmt.Errorf("--concurrent %d: a number of tasks, or 0 for no limit", o.Concurrent)
	}
	if o.CPUs < 0 || o.CPUs > 1<<16 {
		return fmt.Errorf("--cpus %d: a number of processors, or 0 for the threads of the stage", o.CPUs)
	}
	if o.Pack < 0 || o.Pack > 1<<10 {
		return fmt.Errorf("--pack %d: a number of stages that share a task, 1 to %d", o.Pack, 1<<10)
	}
	_, err := o.site()
	return err
}

// flags are those of a command, as cobra has them.
type flags interface {
	StringVar(p *string, name, value, usage string)
	IntVar(p *int, name string, value int, usage string)
}

// Flags gives a command the options.
func (o *Options) Flags(f flags) {
	f.StringVar(&o.Partition, "partition", "", "partition of the nodes")
	f.StringVar(&o.Account, "account", "", "account that is charged")
	f.StringVar(&o.QOS, "qos", "", "quality of service")
	f.StringVar(&o.Constraint, "constraint", "", "features that nodes must have")
	f.StringVar(&o.Time, "time", "",
		"time limit of a task, as Slurm writes it; two minutes before it a training saves and goes back into the queue")
	f.StringVar(&o.Mem, "mem", "", "memory of a task, such as 16G")
	f.StringVar(&o.Gres, "gres", "",
		"devices of a task that uses the models, such as gpu:1; gpu alone is as many as its stages use at a time")
	f.IntVar(&o.CPUs, "cpus", 0, "processors for each device of a stage that uses the models, at least; 0 is its threads")
	f.IntVar(&o.Pack, "pack", 0, "stages of a task, side by side on its node; timings stay alone")
	f.StringVar(&o.Prologue, "prologue", "", "`file` of shell commands and #SBATCH lines for every script: modules, environment")
	f.StringVar(&o.Wrap, "wrap", "", "`command` in front of the program, such as \"apptainer exec --nv image.sif\"")
	f.IntVar(&o.Concurrent, "concurrent", 0, "tasks of an array at once; 0 is as many as there is room for")
	f.StringVar(&o.TimingPartition, "timing-partition", "", "partition of timings; --partition otherwise")
	f.StringVar(&o.TimingConstraint, "timing-constraint", "", "features that pin timings to one type of node; --constraint otherwise")
}

// Pinned says whether timings are held to one part of the cluster.
func (o Options) Pinned() bool {
	return o.Partition != "" || o.Constraint != "" || o.TimingPartition != "" || o.TimingConstraint != ""
}

func (o Options) timing() Options {
	if o.TimingPartition != "" {
		o.Partition = o.TimingPartition
	}
	if o.TimingConstraint != "" {
		o.Constraint = o.TimingConstraint
	}
	return o
}

// quoted is a word of a shell, quoted where it must be.
func quoted(s string) string {
	if s != "" && plain().MatchString(s) && !strings.ContainsAny(s, ";&|()[]*") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
