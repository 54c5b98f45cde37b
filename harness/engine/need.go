package engine

import (
	"errors"
	"fmt"
	"time"

	"prabench/harness/machine"
	"prabench/harness/progress"
	"prabench/harness/stage"
)

// program is what a worker holds before it has read anything: the runtime, the
// libraries, their threads' stacks.
const program = 96 << 20

// Memory is what a worker at the stage is going to hold in this machine's
// memory, in bytes, as far as that can be told beforehand. On another device
// only what stays on the host counts.
func (it *Item) Memory() int64 {
	return int64(it.ranks())*program + it.Kind.Memory(stage.Host{Settings: it.Settings, Costs: it.Costs, Local: it.local()})
}

// ranks is how many processes do the stage together.
func (it *Item) ranks() int { return it.Kind.RanksOf(it.Settings) }

// TooLarge says that a stage would not fit into the memory it may have.
type TooLarge struct {
	Kind, Label  string
	Needs, Limit int64
	ByKey        bool   // the limit is measure.memory_limit, not the machine
	By           string // what of the system sets the limit; "" for the machine
	More         int    // other stages that do not fit either
}

func (e *TooLarge) Error() string {
	limit := "this machine can spare " + machine.Size(e.Limit)
	if e.By != "" {
		limit = e.By
	}
	if e.ByKey {
		limit = "measure.memory_limit allows " + machine.Size(e.Limit)
	}
	text := fmt.Sprintf("%s of %s needs about %s of memory, and %s: make it smaller (train.batch, model.width, measure.batch), leave it "+
		"out with --only, or raise measure.memory_limit",
		e.Kind, e.Label, machine.Size(e.Needs), limit)
	if e.More > 0 {
		text += fmt.Sprintf("; %d more stages do not fit", e.More)
	}
	return text
}

// TooLargeFile says that a stage would write a file that is larger than the system
// lets this process write.
type TooLargeFile struct {
	Kind, Label  string
	Needs, Limit int64
	More         int
}

func (e *TooLargeFile) Error() string {
	text := fmt.Sprintf("%s of %s writes a file of %s or more, and the system lets this process write %s (ulimit -f): raise the limit, or "+
		"leave it out with --only", e.Kind, e.Label, machine.Size(e.Needs), machine.Size(e.Limit))
	if e.More > 0 {
		text += fmt.Sprintf("; %d more stages are too large", e.More)
	}
	return text
}

// CheckHere says what of the plan does not fit into what the system allows this
// very process: its memory, its files. It is nil where everything does.
func (p *Plan) CheckHere() error {
	usable, by := machine.UsableBy()
	err := p.CheckMemory(usable)
	var large *TooLarge
	if errors.As(err, &large) {
		large.By = by
	}
	if err != nil {
		return err
	}
	return p.checkFiles(machine.LimitsHere().FileSize)
}

func (p *Plan) checkFiles(limit int64) error {
	var first *TooLargeFile
	for _, it := range p.Items {
		if limit == 0 || it.Skip || it.State != ToDo || it.Kind.File == nil {
			continue
		}
		needs := it.Kind.File(stage.Host{Settings: it.Settings, Costs: it.Costs, Local: it.local()})
		switch {
		case needs <= limit:
		case first == nil:
			first = &TooLargeFile{Kind: it.Kind.Name, Label: it.Label, Needs: needs, Limit: limit}
		default:
			first.More++
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// Bounds says where a limit of the system is going to end stages, as far as their
// estimates can tell.
func (p *Plan) Bounds() []string { return p.bounds(machine.LimitsHere()) }

func (p *Plan) bounds(l machine.Limits) []string {
	var longest *Item
	var most time.Duration
	n := 0
	for _, it := range p.Items {
		if l.CPUTime == 0 || it.Skip || it.State != ToDo || it.Costs == nil || it.Kind.Measured() || !it.local() {
			continue
		}
		threads := min(max(1, it.Kind.Effort(it.Settings, it.Costs).Threads), machine.Processors())
		if spent := it.Estimate * time.Duration(threads); spent > l.CPUTime {
			if n++; spent > most {
				longest, most = it, spent
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d stages are going to need more processor time than the system allows a process, %v (ulimit -t): %s of %s "+
		"about %s; they end with timeout, trainings with a checkpoint: raise the limit", n, l.CPUTime, longest.Kind, longest.Label,
		progress.Short(most))}
}

// jobsWithin is how many workers may run side by side within a limit of open
// files: each has its log and its pipes, beside the database, the locks and what
// one is read or written at a time.
func jobsWithin(files int64, jobs int) int {
	const own, each = 32, 10
	if files <= 0 {
		return jobs
	}
	return max(1, min(jobs, int(min(files-own, 1<<20))/each))
}

// CheckMemory says which of the stages to do cannot fit, or nil. usable is
// what the machine can spare, see [machine.Usable]; 0 when that is not known.
func (p *Plan) CheckMemory(usable int64) error {
	var first *TooLarge
	for _, it := range p.Items {
		if it.Skip || it.State != ToDo {
			continue
		}
		limit, byKey := usable, false
		if own := it.Settings.Measure.MemoryLimit; own > 0 {
			limit, byKey = own, true
		}
		needs := it.Memory()
		switch {
		case limit == 0 || needs <= limit:
		case first == nil:
			first = &TooLarge{Kind: it.Kind.Name, Label: it.Label, Needs: needs, Limit: limit, ByKey: byKey}
		default:
			first.More++
		}
	}
	if first == nil {
		return nil
	}
	return first
}
