package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/progress"
	"prabench/harness/stage"
	"prabench/harness/tools/terminal"
	"prabench/harness/work"
	"prabench/internal/numeral"
	"prabench/results"
)

func (a *app) planCommand() *cobra.Command {
	var keys bool
	c := &cobra.Command{
		Use:   "plan FILE…",
		Short: "Say what a run would do, and what it takes; start nothing",
		Long: `plan checks experiment files, expands them, and says for each cell its size,
cost and memory, which stages cells share, what is done already and how long the
rest will take. --keys lists every key with its value, default and meaning.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !keys {
				return errors.New("plan needs an experiment file")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			if keys {
				return a.keys(files)
			}
			return a.plan(c.Context(), files)
		},
	}
	c.Flags().BoolVar(&keys, "keys", false, "list all keys with their values in FILE, or their defaults without one")
	return c
}

func (a *app) plan(ctx context.Context, files []string) error {
	// Nearly all that a plan allocates it keeps: room for garbage would double it.
	defer debug.SetGCPercent(debug.SetGCPercent(60))
	ls, p, notes, err := a.inspected(ctx, files)
	if err != nil {
		return err
	}
	if a.json {
		return a.planJSON(ls, p)
	}
	for _, l := range ls {
		if err := planTable(a.stdout, l, p); err != nil {
			return err
		}
	}
	stageTable(a.stdout, p)
	for _, n := range notes {
		fmt.Fprintln(a.stdout, "note: "+n)
	}
	if err := engine.CheckMachine(workerCommand, exps(ls)...); err != nil {
		fmt.Fprintln(a.stdout, "note: not on this machine: "+err.Error())
	}
	if err := p.CheckMemory(machine.Usable()); err != nil {
		fmt.Fprintln(a.stdout, "note: not on this machine: "+err.Error())
	}
	return nil
}

// planTable has one line a point: what does not depend on the machine.
func planTable(w io.Writer, l loaded, p *engine.Plan) error {
	f := l.file
	cells := len(l.exp.Cells)
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
	t := results.Table{Columns: []string{"cell", "params", "tokens", "AR steps", "NFE", "GFLOP/image", "TFLOP to train", "train memory", "sample memory"}}
	points := 0
	var last map[string]any // a point's seeds follow each other and share it
	for i := range l.exp.Cells {
		c := &l.exp.Cells[i]
		if c.Skip || i > 0 && reflect.ValueOf(c.Params).Pointer() == reflect.ValueOf(last).Pointer() {
			continue
		}
		last = c.Params
		if points++; points > terminal.MostLines {
			continue
		}
		it := p.Item(c.Chain.Key(work.Train))
		k, s := it.Costs, c.Settings
		label := c.Label
		if label == "" {
			label = f.Name
		}
		t.Rows = append(t.Rows, []any{
			label, count(k.Params), int64(s.Model.Tokens()), int64(k.ARSteps), int64(k.NFE), digits(k.FLOPsImage/1e9, 3),
			digits(k.FLOPsTrainImage*float64(s.Train.Batch)*float64(s.Train.Steps)/1e12, 3), bytesText(k.Train.Total()), bytesText(k.Sample.Total()),
		})
	}
	if err := results.WriteText(w, t); err != nil {
		return err
	}
	if points > terminal.MostLines {
		fmt.Fprintf(w, "and %d more points: --json has them, --only chooses\n", points-terminal.MostLines)
	}
	return nil
}

func skippedCells(l loaded) int {
	n := 0
	for _, c := range l.exp.Cells {
		if c.Skip {
			n++
		}
	}
	return n
}

// stageTable has one line a kind of stage: how many, how many shared, what is
// done, and the time for the rest.
func stageTable(w io.Writer, p *engine.Plan) {
	fmt.Fprintln(w)
	t := results.Table{Columns: []string{"stage", "needed by cells", "distinct", "done", "failed", "to do", "most memory", "time to do"}}
	type sum struct {
		cells, distinct, done, failed, todo, memory int64
		left                                        time.Duration
		unknown                                     bool
	}
	sums := map[*stage.Kind]*sum{}
	for _, kind := range stage.Kinds() {
		sums[kind] = &sum{}
	}
	for _, it := range p.Items {
		if it.Skip {
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
		t.Rows = append(t.Rows, []any{kind.Name, s.cells, s.distinct, s.done, s.failed, s.todo, bytesText(s.memory), text})
	}
	results.WriteText(w, t)
	if !guessed {
		fmt.Fprintf(w, "\nhow long it takes is known after the first stages on that device\n")
		return
	}
	fmt.Fprintf(w, "\nabout %s of work is to do, one stage after another; a guess from FLOPs, corrected by stages that were done here\n", progress.Short(all))
}

func (a *app) planJSON(ls []loaded, p *engine.Plan) error {
	type cell struct {
		Cell   string            `json:"cell"`
		Label  string            `json:"label"`
		Seed   uint64            `json:"seed"`
		Point  map[string]any    `json:"point"`
		Skip   bool              `json:"skip,omitempty"`
		Costs  stage.Costs       `json:"costs"`
		Stages map[string]string `json:"stages"`
	}
	type planned struct {
		Key      string       `json:"key"`
		Kind     string       `json:"kind"`
		Label    string       `json:"label"`
		Cells    int          `json:"cells"`
		State    engine.State `json:"state"`
		Reason   string       `json:"reason,omitempty"`
		Estimate *float64     `json:"estimate_seconds"` // null when unknown
	}
	type experiment struct {
		Name  string `json:"name"`
		File  string `json:"file"`
		Cells []cell `json:"cells"`
	}
	out := struct {
		Experiments []experiment `json:"experiments"`
		Stages      []planned    `json:"stages"`
	}{}
	for _, l := range ls {
		e := experiment{Name: l.file.Name, File: l.file.File}
		for _, c := range l.exp.Cells {
			j := cell{Cell: c.ID, Label: c.Label, Seed: c.Seed, Point: c.Params, Skip: c.Skip, Costs: *p.Item(c.Chain.Key(work.Train)).Costs, Stages: map[string]string{}}
			for _, st := range c.Chain.Stages() {
				j.Stages[st.Kind.Name] = st.Key
			}
			e.Cells = append(e.Cells, j)
		}
		out.Experiments = append(out.Experiments, e)
	}
	for _, it := range p.Items {
		st := planned{Key: it.Key, Kind: it.Kind.Name, Label: it.Label, Cells: it.Cells, State: it.State, Reason: it.Reason}
		if it.Estimate != engine.Unknown {
			seconds := it.Estimate.Seconds()
			st.Estimate = &seconds
		}
		out.Stages = append(out.Stages, st)
	}
	return a.printJSON(out)
}

// keys lists every key of experiment files.
func (a *app) keys(files []string) error {
	if len(files) == 0 {
		if a.json {
			return a.printJSON(experiments.Keys())
		}
		t := results.Table{Columns: []string{"key", "type", "default", "meaning"}}
		for _, k := range experiments.Keys() {
			t.Rows = append(t.Rows, []any{k.Name, k.Type, keyValue(k.Default), k.Doc})
		}
		return results.WriteText(a.stdout, t)
	}
	ls, err := a.load(files)
	if err != nil {
		return err
	}
	for _, l := range ls {
		if a.json {
			if err := a.printJSON(l.file.Effective()); err != nil {
				return err
			}
			continue
		}
		t := results.Table{Columns: []string{"key", "value", "default", "given at", "meaning"}}
		for _, k := range l.file.Effective() {
			t.Rows = append(t.Rows, []any{k.Name, keyValue(k.Value), keyValue(k.Default), k.Source, k.Doc})
		}
		if err := results.WriteText(a.stdout, t); err != nil {
			return err
		}
	}
	return nil
}

func keyValue(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
}

func (a *app) printJSON(v any) error {
	out := json.NewEncoder(a.stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(v)
}

// How numbers are written for people.
var (
	digits    = numeral.Digits
	count     = numeral.Count
	bytesText = numeral.Bytes
)
