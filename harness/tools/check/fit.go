package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"prabench/harness/stage"
	"prabench/models"
	"prabench/results/where"
)

// protocol is how values came about; other ones are not comparable.
func protocol(o Options, rep *Report) map[string]string {
	var names []string
	for _, m := range noisy(o.Metrics) {
		names = append(names, m.Name)
	}
	return map[string]string{"precision": rep.Precision, "metrics": strings.Join(names, ", "), "slot": o.Spend.String(),
		"reading": "fastest call of two slots, of short calls at least two each, a process a round",
		"core":    coreVersion()}
}

// coreVersion is the version of the default family, as baselines have had it; a
// cell of another one says its own.
func coreVersion() string {
	f, err := models.Named(models.Default)
	if err != nil {
		panic(err) // it is always there
	}
	_, version, _ := strings.Cut(f.Version(), " ")
	return version
}

// Fit leaves of the baseline the cells that are to be checked, in their order.
// What differs is refused by name: it would be compared as if it were speed.
func (bl *Baseline) Fit(cells []Cell, o Options, rep *Report) (*Baseline, error) {
	refuse := func(what, was, is string) error {
		return &Refusal{fmt.Sprintf("baseline %s was saved with %s %s, here it is %s: save another baseline here with --save", bl.Name,
			what, was, is)}
	}
	switch {
	case bl.Experiment != rep.Experiment:
		return nil, refuse("experiment", bl.Experiment, rep.Experiment)
	case bl.Device != rep.Device:
		return nil, refuse("device class", strconv.Quote(bl.Device), strconv.Quote(rep.Device))
	case bl.Threads != rep.Threads:
		return nil, refuse("threads", fmt.Sprint(bl.Threads), fmt.Sprint(rep.Threads))
	}
	now := protocol(o, rep)
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if bl.Protocol[key] != now[key] {
			return nil, refuse("protocol "+key, strconv.Quote(bl.Protocol[key]), strconv.Quote(now[key]))
		}
	}
	out := *bl
	out.Cells = nil
	for _, c := range cells {
		raw, err := stage.Canonical(c.alike)
		if err != nil {
			return nil, err
		}
		// The same model under another label is the same; the same label with
		// another model is not.
		i := slices.IndexFunc(bl.Cells, func(b BaselineCell) bool { return len(differences(b.Model, raw)) == 0 })
		if i < 0 {
			i = slices.IndexFunc(bl.Cells, func(b BaselineCell) bool { return where.SameLabel(b.Label, c.Label) })
		}
		if i < 0 {
			return nil, &Refusal{fmt.Sprintf("baseline %s has no cell %q: save another baseline with --save, or leave the cell out with --only",
				bl.Name, c.Label)}
		}
		if d := differences(bl.Cells[i].Model, raw); len(d) > 0 {
			return nil, &Refusal{fmt.Sprintf("baseline %s has another model for %s: %s; save another baseline with --save", bl.Name, c.Label,
				strings.Join(d, ", "))}
		}
		out.Cells = append(out.Cells, bl.Cells[i])
	}
	return &out, nil
}

// differences names the settings that differ, "model.width 64, here 96".
func differences(old, now json.RawMessage) []string {
	a, b := map[string]any{}, map[string]any{}
	flatten(a, "", old)
	flatten(b, "", now)
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if a[k] != b[k] {
			out = append(out, fmt.Sprintf("%s %v, here %v", k, a[k], b[k]))
		}
	}
	return out
}

func flatten(into map[string]any, prefix string, raw json.RawMessage) {
	var table map[string]json.RawMessage
	if json.Unmarshal(raw, &table) == nil && table != nil {
		for k, v := range table {
			flatten(into, strings.TrimPrefix(prefix+"."+k, "."), v)
		}
		return
	}
	var v any
	_ = json.Unmarshal(raw, &v) // it is part of what was read as JSON
	into[prefix] = v
}
