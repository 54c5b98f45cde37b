package terminal

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"prabench/harness/engine"
	"prabench/harness/progress"
	"prabench/harness/stage"
	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/results/table"
)

// Plan prints what a run of experiments would do: a line for each point, then one
// for each kind of stage.
func Plan(w io.Writer, ls []engine.Loaded, p *engine.Plan) error {
	for _, l := range ls {
		if err := planTable(w, l, p); err != nil {
			return err
		}
	}
	if err := Stages(w, p); err != nil {
		return err
	}
	alike := p.Alike()
	for i, a := range alike {
		if i == mostAlike {
			fmt.Fprintf(w, "note: and %d more groups of trainings that cannot differ\n", len(alike)-i)
			break
		}
		fmt.Fprintf(w, "note: %v\n", a)
	}
	if one := p.OneTraining(); len(one) > 0 {
		named := one[:min(len(one), mostAlike)]
		more := ""
		if n := len(one) - len(named); n > 0 {
			more = fmt.Sprintf(" and of %d more points", n)
		}
		fmt.Fprintf(w, "note: the seeds of %s%s are one training, so they count as one value\n", strings.Join(named, ", "), more)
	}
	same := p.SameAverages()
	for i, s := range same {
		if i == mostAlike {
			fmt.Fprintf(w, "note: and %d more trainings with averages that are the same\n", len(same)-i)
			break
		}
		fmt.Fprintln(w, "note:", s)
	}
	return nil
}

// mostAlike groups of trainings, and of averages, are named.
const mostAlike = 5

// planTable has one line a point: what does not depend on the machine.
func planTable(w io.Writer, l engine.Loaded, p *engine.Plan) error {
	f := l.File
	cells := len(l.Exp.Cells)
	fmt.Fprintf(w, "%s: %d cells", f.Name, cells)
	if f.Repeats > 1 {
		fmt.Fprintf(w, " = %d points × %d seeds", cells/f.Repeats, f.Repeats)
	}
	if skipped := skippedCells(l); skipped > 0 {
		fmt.Fprintf(w, ", %d left out by --only", skipped)
	}
	if f.Description != "" {
		fmt.Fprintf(w, " (%s)", f.Description)
	}
	fmt.Fprintln(w)
	if l.File.Part != "" {
		fmt.Fprintln(w, l.File.Part)
	}
	if search := l.SearchPlan(); search != "" {
		fmt.Fprintln(w, search)
	}
	t := table.Table{Columns: []string{"cell", quantity.Params.Called(), "tokens", quantity.ARSteps.Called(), quantity.NFE.Called(),
		quantity.Head(quantity.FLOPsImage.Label, "GFLOP"), quantity.Head(quantity.TrainFLOPs.Label, "TFLOP"), "train memory",
		"sample memory"}}
	points, devices := 0, 1
	var last map[string]any // a point's seeds follow each other and share it
	for i := range l.Exp.Cells {
		c := &l.Exp.Cells[i]
		if c.Skip || i > 0 && reflect.ValueOf(c.Params).Pointer() == reflect.ValueOf(last).Pointer() {
			continue
		}
		last = c.Params
		if points++; points > MostLines {
			continue
		}
		label := c.Label
		if label == "" {
			label = f.Name
		}
		k, s := p.Costs(c), c.Settings
		if k == nil { // a program's: nothing is known of its model
			t.Rows = append(t.Rows, append([]any{label}, make([]any, len(t.Columns)-1)...))
			continue
		}
		devices = s.Measure.Ranks()
		t.Rows = append(t.Rows, []any{
			label, numeral.Count(k.Params), tokens(s.Params), int64(k.ARSteps), int64(k.NFE),
			numeral.Digits(k.FLOPsImage/1e9, 3),
			numeral.Digits(k.FLOPsTrainImage*float64(s.TrainImages())/1e12, 3),
			numeral.Bytes(k.Train.Total()), numeral.Bytes(k.Sample.Total()),
		})
	}
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	if devices > 1 {
		fmt.Fprintf(w, "%s = %d: each of %d processes takes the memory above on a device of its own\n", models.DevicesKey, devices, devices)
	}
	if points > MostLines {
		fmt.Fprintf(w, "and %d more points: --json has them, --only chooses\n", points-MostLines)
	}
	return nil
}

// tokens is how many an image has, nothing for families that make none.
func tokens(p models.Params) any {
	if s, ok := p.(models.Stepped); ok {
		return int64(s.Tokens())
	}
	return nil
}

func skippedCells(l engine.Loaded) int {
	n := 0
	for _, c := range l.Exp.Cells {
		if c.Skip {
			n++
		}
	}
	return n
}

// Stages prints one line a kind of stage: how many, how many shared, what is
// done, and the time for the rest.
func Stages(w io.Writer, p *engine.Plan) error {
	fmt.Fprintln(w)
	t := table.Table{Columns: []string{"stage", "needed by cells", "distinct", "done", "failed", "to do", "most memory", "time to do"}}
	type sum struct {
		cells, distinct, done, failed, todo, memory int64
		left                                        time.Duration
		unknown                                     bool
	}
	sums := map[*stage.Kind]*sum{}
	for _, kind := range stage.Kinds() {
		sums[kind] = &sum{}
	}
	dropped := 0
	for _, it := range p.Items {
		if it.Skip {
			continue
		}
		if it.State == engine.Dropped {
			dropped++
			continue
		}
		s := sums[it.Kind]
		s.distinct++
		s.cells += int64(it.Cells)
		switch it.State {
		case engine.Done, engine.Stored:
			s.done++
		case engine.Failed, engine.Blocked:
			s.failed++
		default:
			s.todo++
			s.memory = max(s.memory, it.Memory())
			s.unknown = s.unknown || it.Estimate == engine.Unknown
			s.left += max(0, it.Estimate)
		}
	}
	var all time.Duration
	guessed := true
	for _, kind := range stage.Kinds() {
		s := sums[kind]
		if s.distinct == 0 { // no cell asks for it
			continue
		}
		all += s.left
		text := progress.Short(s.left)
		if s.unknown {
			text, guessed = "unknown", false
		}
		t.Rows = append(t.Rows, []any{kind.Name, s.cells, s.distinct, s.done, s.failed, s.todo, numeral.Bytes(s.memory), text})
	}
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	if dropped > 0 {
		fmt.Fprintf(w, "\n%d stages are left out: the search has dropped their points\n", dropped)
	}
	for _, why := range p.Apart() {
		fmt.Fprintf(w, "\n%s\n", why)
	}
	if n := len(p.Sharing()); n > 0 {
		fmt.Fprintf(w, "\n%d of the stages to do share what is measured for another cell: nothing that they are timed with differs\n", n)
	}
	if !guessed {
		_, err := fmt.Fprintf(w, "\nhow long it takes is known after the first stages on that device\n")
		return err
	}
	_, err := fmt.Fprintf(w, "\nabout %s of work is to do, one stage after another; a guess from FLOPs, corrected by stages that were done "+
		"here\n", progress.Short(all))
	return err
}
