package engine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"prabench/harness/stage"
	"prabench/results"
	"prabench/results/where"
)

// FindStale says of the stages to do which were done before, for the cell of
// the same label and seed, under another key, and what has changed since: a
// key of the file, the data, or the code. db may be nil. It looks only where
// something is to do.
func (p *Plan) FindStale(ctx context.Context, db *results.DB) error {
	if db == nil || p.Count(ToDo) == 0 {
		return nil
	}
	p.stale = map[string]string{}
	for _, e := range p.Experiments {
		earlier, err := db.EarlierStages(ctx, e.Name)
		if err != nil {
			return err
		}
		done := map[cellStage]results.EarlierStage{}
		for _, s := range earlier {
			at := cellStage{where.Label(s.Label), s.Seed, s.Kind}
			done[at] = s
		}
		for _, c := range e.Cells {
			for _, st := range p.StagesOf(&c) {
				it, kind := p.Item(st.Key), st.Kind
				before, ok := done[cellStage{where.Label(c.Label), c.Seed, kind.Name}]
				if !ok || it.State != ToDo && it.State != Blocked || !it.Known || before.Key == it.Key {
					continue
				}
				now, err := stage.Config(it.Full(), kind)
				if err != nil {
					return err
				}
				changes := stageChanges(before.Config, now)
				if len(changes) == 0 { // only what it builds on is another
					for _, in := range it.Inputs {
						if why := p.stale[in]; why != "" {
							changes = append(changes, why)
						}
					}
				}
				if len(changes) > 0 {
					p.stale[it.Key] = strings.Join(changes, ", ")
				}
			}
		}
	}
	return nil
}

// Changed says how many stages are done again because something has changed since
// they were done, and what; "" when none is.
func (p *Plan) Changed() string {
	n := 0
	why := map[string]int{}
	for _, it := range p.Items {
		if reason := p.stale[it.Key]; reason != "" && !it.Skip {
			n++
			why[reason]++
		}
	}
	if n == 0 {
		return ""
	}
	reasons := slices.SortedFunc(maps.Keys(why), func(a, b string) int { return cmp.Or(cmp.Compare(why[b], why[a]), cmp.Compare(a, b)) })
	const most = 3
	text := fmt.Sprintf("%d stages were done before and have changed since: %s", n, strings.Join(reasons[:min(most, len(reasons))], "; "))
	if more := len(reasons) - most; more > 0 {
		text += fmt.Sprintf("; and %d more reasons", more)
	}
	return text
}

type cellStage struct {
	label string
	seed  uint64
	kind  string
}

// stageChanges says what differs between two configurations of a stage, its
// inputs aside.
func stageChanges(before, now json.RawMessage) []string {
	var a, b struct {
		Code string
		Part map[string]any
	}
	if decodeNumbers(now, &b) != nil || decodeNumbers(before, &a) != nil {
		return nil
	}
	var out []string
	if a.Code != b.Code {
		out = append(out, fmt.Sprintf("the code: %s, before %s", b.Code, a.Code))
	}
	x, y := map[string]string{}, map[string]string{}
	leaves("", a.Part, x)
	leaves("", b.Part, y)
	names := map[string]bool{}
	for k := range x {
		names[k] = true
	}
	for k := range y {
		names[k] = true
	}
	var keys []string
	for k := range names {
		if x[k] != y[k] {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		switch k {
		case "data", "embedder":
			out = append(out, "the "+k)
		default:
			out = append(out, fmt.Sprintf("%s: %s, before %s", k, orNone(y[k]), orNone(x[k])))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func decodeNumbers(raw json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v)
}

// leaves flattens a tree to dotted names.
func leaves(name string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, w := range v {
			leaves(strings.TrimPrefix(name+"."+k, "."), w, into)
		}
	default:
		into[name] = fmt.Sprint(v)
	}
}
