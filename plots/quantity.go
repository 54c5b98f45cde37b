package plots

import (
	"fmt"
	"strconv"
	"strings"

	"prabench/metrics/quantity"
)

// called is how a metric or a key is called in a figure. better is +1 when
// higher is better, −1 when lower is, 0 when neither.
type called struct {
	label  string           // on axes
	short  string           // in tables, headings and legends
	metric *quantity.Metric // nil for keys, and for metrics without a row
	better int
}

// keys are the names of keys.
var keyNames = map[string]called{
	"model.patch":          {label: "patch side (pixels)", short: "patch"},
	"model.block":          {label: "block (tokens per AR step)", short: "block"},
	"model.order":          {label: "token order", short: "order"},
	"model.state":          {label: "state width (0 = pixels)", short: "state"},
	"model.state_norm":     {label: "state normalisation", short: "state norm"},
	"model.width":          {label: "trunk width", short: "width"},
	"model.depth":          {label: "trunk layers", short: "layers"},
	"model.heads":          {label: "attention heads", short: "heads"},
	"model.head_width":     {label: "flow head width", short: "head width"},
	"model.head_depth":     {label: "flow head blocks", short: "head depth"},
	"model.target":         {label: "prediction target", short: "target"},
	"train.rollout_depth":  {label: "training rollout depth", short: "rollout depth"},
	"train.steps":          {label: "training steps", short: "steps"},
	"train.batch":          {label: "training batch (images)", short: "batch"},
	"train.lr":             {label: "learning rate", short: "lr"},
	"train.input_noise":    {label: "input noise strength", short: "input noise"},
	"train.state_noise":    {label: "state noise strength", short: "state noise"},
	"train.anchor":         {label: "anchor strength", short: "anchor"},
	"train.flow_samples":   {label: "flow samples per token", short: "flow samples"},
	"sample.rollout_depth": {label: "Jacobi sweeps (0 = sequential)", short: "sampling sweeps"},
	"sample.flow_steps":    {label: "solver steps per token", short: "flow steps"},
	"sample.solver":        {label: "solver", short: "solver"},
	"sample.guidance":      {label: "guidance weight", short: "guidance"},
	"sample.weights":       {label: "weights", short: "weights"},
	"data.set":             {label: "data set", short: "data set"},
	"data.size":            {label: "image side (pixels)", short: "size"},
	"measure.device":       {label: "device", short: "device"},
	"measure.batch":        {label: "sampling batch (images)", short: "sampling batch"},
	"measure.threads":      {label: "threads", short: "threads"},

	"label": {label: "", short: ""},
	"cell":  {label: "", short: ""},
}

// shortKeys are the names that a cell's parameters also carry undotted.
var shortKeys = map[string]string{
	"patch": "model.patch", "block": "model.block", "state": "model.state", "rollout_depth": "train.rollout_depth",
}

// describe names a metric or a key; whatever the catalogue does not have is
// shown by its own name with spaces for underscores.
func describe(name string) called {
	if full, ok := shortKeys[name]; ok {
		name = full
	}
	if m := quantity.Find(name); m != nil {
		return called{m.Label, m.Called(), m, m.Better}
	}
	q, ok := keyNames[name]
	if !ok {
		last := name[strings.LastIndexByte(name, '.')+1:]
		q.label = strings.ReplaceAll(last, "_", " ")
	}
	if q.short == "" {
		q.short = q.label
	}
	return q
}

// direction is the reader's hint, in words.
func (q called) direction() string { return quantity.Direction(q.better) }

// axisLabel is the label with its unit and direction.
func (q called) axisLabel(unit string) string {
	var in []string
	if unit != "" {
		in = append(in, unit)
	}
	if d := q.direction(); d != "" {
		in = append(in, d)
	}
	if len(in) == 0 {
		return q.label
	}
	return q.label + " (" + strings.Join(in, ", ") + ")"
}

// brief is the short label with the same.
func (q called) brief(unit string) string {
	parts := []string{q.short}
	for _, s := range []string{unit, q.direction()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// show writes the value of a key.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return v
	case bool:
		if v {
			return "on"
		}
		return "off"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = show(v[i])
		}
		return strings.Join(parts, " ")
	}
	if f, ok := number(v); ok {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return fmt.Sprint(v)
}
