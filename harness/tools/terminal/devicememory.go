package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/internal/numeral"
	"prabench/models"
	"prabench/results/table"
)

// deviceReserve is the memory of a device that is not ours: its context, and what its
// libraries work in.
const deviceReserve = 1 << 30

// MeasuredFLOPs is what a training reached on an H100 with bf16 products, as a first
// guess of a device's speed: PRA-S, 303 images/s, docs/measurements/cuda-reports.
const MeasuredFLOPs = 117e12

// Room is a device that trainings are planned for.
type Room struct {
	Memory int64   // bytes
	FLOPs  float64 // a second that a training reaches
}

// onDevice is what a training is on a device with some memory.
type onDevice struct {
	now     int64 // bytes as the file has it
	largest int   // micro batch that fits; 0 where none does
	with    int64 // bytes with that
}

// DeviceMemory says of each point how its training fits into a device's memory: the
// largest part of a batch that does, the time, and the disk of its checkpoints. What
// does not fit as the file has it is a mistake, which says what would.
func DeviceMemory(w io.Writer, ls []engine.Loaded, on Room) error {
	t := table.Table{Columns: []string{"cell", "params", "batch", "devices", "micro batch", "memory", "largest micro batch", "its memory",
		"days", "checkpoints", "sampling"}}
	var refused []string
	seen := map[models.Params]bool{}
	for _, l := range ls {
		for i := range l.Exp.Cells {
			c := &l.Exp.Cells[i]
			p := c.Settings.Params
			if c.Skip || p == nil || c.Settings.Foreign() || seen[p.Seeded(0)] {
				continue
			}
			seen[p.Seeded(0)] = true
			label := c.Label
			if label == "" {
				label = l.File.Name
			}
			row, why := deviceRow(c.Settings, label, on)
			t.Rows = append(t.Rows, row)
			if why != "" {
				refused = append(refused, label+": "+why)
			}
		}
	}
	if len(t.Rows) == 0 {
		return engine.Mistakef("no chosen cell trains a model here, so nothing has to fit: drop --only, or choose other cells")
	}
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nmemory of one device with %s, %s of it for context and libraries; days at %s TFLOP/s a device, the sums between "+
		"devices not counted\n", numeral.Bytes(on.Memory), numeral.Bytes(deviceReserve), numeral.Digits(on.FLOPs/1e12, 3))
	if len(refused) > 0 {
		return engine.Mistakef("not on a device with %s:\n  %s", numeral.Bytes(on.Memory), strings.Join(refused, "\n  "))
	}
	return nil
}

func deviceRow(s *stage.Settings, label string, on Room) (row []any, refused string) {
	room, n := on.Memory-deviceReserve, s.Measure.Ranks()
	p, batch := models.OneOfRanks(s.Params, n), s.Params.Training().Batch
	extra := int64(0)
	if s.Measure.Precision == "bf16" {
		extra = 2 * p.Size() // copies of the weights
	}
	d := fitting(p, room-extra)
	d.now, d.with = d.now+extra, d.with+extra
	sampling := p.SampleMemory(s.Batch).Total() + extra
	micro, _ := models.Get(s.Params, microKey)
	largest, with := "none", ""
	if d.largest > 0 {
		largest, with = fmt.Sprint(d.largest), numeral.Bytes(d.with)
	}
	if micro == nil || micro == 0 {
		micro = "all"
	}
	days := p.Costs().FLOPsTrainImage * float64(s.TrainImages()) / on.FLOPs / float64(n) / 86400
	row = []any{label, numeral.Count(p.Size()), int64(batch), int64(n), fmt.Sprint(micro), numeral.Bytes(d.now), largest, with,
		numeral.Digits(days, 3), numeral.Bytes(checkpointBytes(s)), numeral.Bytes(sampling)}
	switch {
	case d.now > room && d.largest > 0:
		refused = fmt.Sprintf("its training takes %s; %s = %d takes %s", numeral.Bytes(d.now), microKey, d.largest, numeral.Bytes(d.with))
	case d.now > room:
		refused = fmt.Sprintf("its training takes %s, and does not fit with one image at a time either", numeral.Bytes(d.now))
	case sampling > room:
		refused = fmt.Sprintf("its sampling takes %s: lower sample.batch", numeral.Bytes(sampling))
	}
	return row, refused
}

const microKey = "train.micro_batch"

// fitting finds the largest part of a batch that fits. Memory grows with it, by the
// same for every image, so that two counts foresee all others; the one that is
// chosen is counted.
func fitting(p models.Params, room int64) onDevice {
	d := onDevice{now: p.TrainMemory().Total()}
	batch := p.Training().Batch
	with := func(micro int) int64 {
		q, ok := models.Set(p, microKey, micro)
		if !ok {
			return 0
		}
		return q.TrainMemory().Total()
	}
	if _, ok := models.Get(p, microKey); !ok || batch < 1 {
		if d.now <= room {
			d.largest, d.with = batch, d.now
		}
		return d
	}
	sizes := models.Divisors(batch)
	one, slope := with(1), int64(0)
	if len(sizes) > 1 {
		slope = (with(sizes[1]) - one) / int64(sizes[1]-1)
	}
	for _, m := range slices.Backward(sizes) {
		if one+slope*int64(m-1) > room+room/50 {
			continue
		}
		if bytes := with(m); bytes <= room {
			d.largest, d.with = m, bytes
			return d
		}
	}
	return d
}

// checkpointBytes is the disk of an unfinished training: two checkpoints and the next
// one while it is written, of raw and averaged weights and both moments; and what
// train.keep asks for.
func checkpointBytes(s *stage.Settings) int64 {
	return int64(3+len(s.Milestones())) * 16 * s.Params.Size()
}
