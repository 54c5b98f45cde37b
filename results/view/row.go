package view

import (
	"time"

	"prabench/metrics/stat"
)

// Row is one line of the view results, with what else is known about it.
type Row struct {
	Experiment string
	Cell       string
	Seed       uint64
	Metric     string
	Unit       string
	Value      float64
	Lo, Hi     *float64    // 95 % interval, nil when there is none
	Method     stat.Method // what the interval is over; none where there is none
	N          int
	Protocol   string
	Attempt    string
	Outcome    string // always ok: what failed is in the cells
	CreatedAt  time.Time

	Label                             string
	Patch, Block, RolloutDepth, State *int           // nil: the family of models has no such key
	Params                            map[string]any // dotted key → int64, float64, string or bool; shared between rows, do not write
	Stage, Kind                       string         // the stage the value comes from
	Device                            string         // as asked for: cpu, cuda:0
	// DeviceClass and Code are the kinds of hardware and the program states
	// that the value depends on: those of its own attempt and, unless it is
	// a time, which a machine of its own measured, of all stages before it.
	// Several are joined by " + ".
	DeviceClass string
	Code        string
}

// Estimate is the value with its own interval, if it has one.
func (r *Row) Estimate() stat.Estimate { return stat.FromBounds(r.Value, r.Lo, r.Hi, r.N, r.Method) }

// Cell is one line of the view cells, with what else is known about it.
type Cell struct {
	Experiment                        string
	Cell                              string
	Seed                              uint64
	Label                             string
	Patch, Block, RolloutDepth, State *int           // nil: the family of models has no such key
	Params                            map[string]any // see [Row]
	Outcome                           string         // the worst of its stages; ok when all are, pending while some are not
	// Of the stage that decided an outcome other than ok and pending:
	Stage, Kind, Attempt, Reason string
}

// Param gives a parameter by its dotted key: a swept one, or one of the four
// that have columns of their own, where the cell's family has it.
func (c *Cell) Param(key string) (any, bool) {
	return param(c.Params, key, c.Patch, c.Block, c.RolloutDepth, c.State)
}

// Param gives a parameter of the row's cell, see [Cell.Param].
func (r *Row) Param(key string) (any, bool) {
	return param(r.Params, key, r.Patch, r.Block, r.RolloutDepth, r.State)
}

func param(params map[string]any, key string, patch, block, depth, state *int) (any, bool) {
	if v, ok := params[key]; ok {
		return v, true
	}
	var column *int
	switch key {
	case "model.patch", "patch":
		column = patch
	case "model.block", "block":
		column = block
	case "train.rollout_depth", "rollout_depth":
		column = depth
	case "model.state", "state":
		column = state
	}
	if column == nil {
		return nil, false
	}
	return int64(*column), true
}

// Provenance is where values come from, or why there are none: an attempt
// without its values.
type Provenance struct {
	Attempt, Stage, Kind string
	Outcome, Reason      string
	Device, Code         string // as asked for; the program's revision
	Environment          string // id
	Started, Finished    time.Time
}
