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
	return nil
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
