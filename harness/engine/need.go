package engine

import (
	"fmt"

	"prabench/harness/machine"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/results/record"
)

// program is what a worker holds before it has read anything: the runtime, the
// libraries, their threads' stacks.
const program = 96 << 20

// Memory is what a worker at the stage is going to hold in this machine's
// memory, in bytes, as far as that can be told beforehand. On another device
// only what stays on the host counts.
func (it *Item) Memory() int64 {
	s, c := it.Settings, it.Costs
	params := 4 * c.Params
	images := func(n int) int64 { return int64(n) * int64(s.Model.Size*s.Model.Size*s.Model.Channels) }
	onHost := func(m models.MemoryEstimate) int64 {
		if !it.local() {
			return 0
		}
		return m.Total()
	}
	packed := onHost(models.MemoryEstimate{Model: params}) // the copy that sampling multiplies by
	switch it.Kind {
	case record.Reference:
		return program + it.data() + images(500)*64
	case record.Train:
		return program + it.data() + onHost(c.Train) + 4*params // a checkpoint is a copy
	case record.Draw:
		batch := max(1, min(s.Batch, s.Count))
		m := c.Sample
		m.Cache = m.Cache * int64(batch) / int64(max(1, s.Measure.Batch))
		m.Activations = m.Activations * int64(batch) / int64(max(1, s.Measure.Batch))
		return program + images(2*s.Count) + onHost(m) + 2*params + packed
	case record.Score:
		return program + images(s.Count) + images(500)*64
	case record.Probe:
		return program + it.data() + onHost(c.Train) + 4*params
	case record.Exposure:
		m := c.Sample
		batch := max(1, min(s.Batch, s.Extras.Exposure))
		m.Cache = m.Cache * int64(batch) / int64(max(1, s.Measure.Batch))
		m.Activations = m.Activations * int64(batch) / int64(max(1, s.Measure.Batch)) * int64(s.Model.ARSteps()) // a mosaic is one sweep over all tokens
		return program + it.data() + images(8*s.Extras.Exposure) + onHost(m) + 2*params + packed
	case record.Seam:
		return program + it.data() + images(s.Count)
	case record.Nearest:
		return program + it.data() + images(s.Count) + images(4*(4096+256)) + 4*4096*256
	case record.Time:
		return program + max(onHost(c.Sample)+2*params+packed, onHost(c.Train))
	}
	return program
}

// data is the bytes of the images that the stage reads.
func (it *Item) data() int64 {
	info, err := dataset.Describe(it.Settings.Data)
	if err != nil || info.Train < 0 {
		return 0
	}
	n := info.Train + info.Test
	if limit := it.Settings.Data.Limit; limit > 0 {
		n = min(n, 2*limit)
	}
	return int64(n) * int64(info.Size*info.Size*info.Channels)
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
	text := fmt.Sprintf("%s of %s needs about %s of memory, and %s: make it smaller (train.batch, model.width, measure.batch), leave it out with --only, or raise measure.memory_limit",
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
			first = &TooLarge{Kind: it.Kind, Label: it.Label, Needs: needs, Limit: limit, ByKey: byKey}
		default:
			first.More++
		}
	}
	if first == nil {
		return nil
	}
	return first
}
