package engine

import (
	"fmt"

	"prabench/harness/machine"
	"prabench/harness/stage"
)

// program is what a worker holds before it has read anything: the runtime, the
// libraries, their threads' stacks.
const program = 96 << 20

// Memory is what a worker at the stage is going to hold in this machine's
// memory, in bytes, as far as that can be told beforehand. On another device
// only what stays on the host counts.
func (it *Item) Memory() int64 {
	return program + it.Kind.Memory(stage.Host{Settings: it.Settings, Costs: it.Costs, Local: it.local()})
}

// TooLarge says that a stage would not fit into the memory it may have.
type TooLarge struct {
	Kind, Label  string
	Needs, Limit int64
	ByKey        bool // the limit is measure.memory_limit, not the machine
	More         int  // other stages that do not fit either
}

func (e *TooLarge) Error() string {
	limit := "this machine can spare " + machine.Size(e.Limit)
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
