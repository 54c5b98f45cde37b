package experiments

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models"
)

// Tune is the [tune] table: how each cell chooses its own sampling. Metric decides
// whether it does.
type Tune struct {
	Metric string `toml:"metric" json:"metric" absent:"none"` // "none" or one of TuneMetrics
	Grid   Grid   `toml:"grid" json:"grid" absent:""`
	Images int    `toml:"images" json:"images" absent:"500"`
	Seed   uint64 `toml:"seed" json:"seed" absent:"1000001"` // of the noise that is chosen on
}

// NoTuning is the metric of cells that sample as the file says.
const NoTuning = "none"

// defaultTune is what an empty file has.
var defaultTune = Tune{Metric: NoTuning, Images: 500, Seed: 1000001}

// TuneMetrics are those that sampling can be chosen by: the scores of every sample.
var TuneMetrics = []string{quantity.FIDProxy.Name, quantity.KID.Name, quantity.Precision.Name, quantity.Recall.Name}

// mostTried bounds the combinations of a grid.
const mostTried = 256

// Grid is the values of sampling keys that are tried: in a file the table
// [tune.grid] of key = [values], or one text, "guidance=0,0.3; flow_steps=10,25".
type Grid models.Grid

// gridType is the type of a key that is a grid.
const gridType = "grid"

// gridHint says how one key of a grid is written where the key of the whole is asked for, or "".
func gridHint(key string) string {
	for _, f := range fields {
		if name, ok := strings.CutPrefix(key, f.Name+"."); ok && f.Type == gridType {
			return fmt.Sprintf("write %q = { %s = [values] }", f.Name, name)
		}
	}
	return ""
}

// take reads a TOML value; the error is a sentence without the key.
func (g *Grid) take(raw any) error {
	table, isTable := raw.(map[string]any)
	if text, isText := raw.(string); isText {
		table = map[string]any{}
		for _, a := range models.Grid(text).Axes() {
			var list []any
			for _, v := range a.Values {
				list = append(list, parseValue(v))
			}
			table[a.Key] = list
		}
		if len(table) == 0 && strings.TrimSpace(text) != "" {
			return fmt.Errorf("%q is no grid; allowed: a table of key = [values], or \"guidance=0,0.3; flow_steps=10,25\"", text)
		}
	} else if !isTable {
		return fmt.Errorf("%s is %s; allowed: a table of key = [values] of [sample]", show(raw), typeName(raw))
	}
	var axes []models.GridAxis
	for _, key := range slices.Sorted(maps.Keys(table)) {
		f := byName["sample."+strings.TrimPrefix(key, "sample.")]
		if f == nil || f.in == nil || f.Name == "sample.seed" {
			return fmt.Errorf("%q is no key of sampling that can be tried; allowed: %s%s", key, strings.Join(tried(""), ", "),
				hinted(didYouMean(key, tried(""))))
		}
		list, isList := table[key].([]any)
		if !isList || len(list) == 0 {
			return fmt.Errorf("%s: %s is no array of values; write %s = [%s]", key, show(table[key]), key, show(table[key]))
		}
		a := models.GridAxis{Key: strings.TrimPrefix(f.Name, "sample.")}
		for _, v := range list {
			value, err := f.convert(v)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			a.Values = append(a.Values, value.text)
		}
		axes = append(axes, a)
	}
	*g = Grid(models.GridOf(axes))
	return nil
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return "; " + hint
}

// tried are the keys that a grid may have, all or those of a family.
func tried(family string) []string {
	var out []string
	for _, f := range fields {
		if name, ok := strings.CutPrefix(f.Name, "sample."); ok && f.in != nil && name != "seed" && (family == "" || f.of(family)) {
			out = append(out, name)
		}
	}
	return out
}

// on says that cells choose their sampling.
func (t Tune) on() bool { return t.Metric != NoTuning }

// valid says what is wrong with the table, or nil: every combination is checked.
func (t Tune) valid(p models.Params) error {
	if !t.on() {
		return nil
	}
	bad := func(key, format string, args ...any) error {
		return &models.KeyError{Key: "tune." + key, Problem: fmt.Sprintf(format, args...)}
	}
	grid := models.Grid(t.Grid)
	size := 1
	for _, a := range grid.Of(p) {
		size *= len(a.Values)
	}
	seed, _ := models.Get(p, "sample.seed")
	switch {
	case !slices.Contains(TuneMetrics, t.Metric):
		return bad("metric", "%q is no score that sampling is chosen by; allowed: %s, %s", t.Metric, NoTuning, strings.Join(TuneMetrics, ", "))
	case t.Images < 20:
		return bad("images", "must be 20 or more, not %d", t.Images)
	case t.Grid == "":
		return bad("grid", "nothing to choose from; write [tune.grid] with key = [values] of [sample], such as guidance = [0, 0.3, 0.6]")
	case size > mostTried:
		return bad("grid", "%d combinations; allowed: at most %d", size, mostTried)
	case seed == t.Seed:
		return bad("seed", "%d is sample.seed: what is chosen on some noise has to be reported on other noise", t.Seed)
	}
	points, err := grid.Points(p)
	if err != nil {
		return bad("grid", "%v", err)
	}
	for _, at := range points {
		var key *models.KeyError
		if err := at.Params.Validate(); errors.As(err, &key) && strings.HasPrefix(key.Key, "sample.") {
			return bad("grid", "%s: %s", key.Key, key.Problem)
		}
	}
	return nil
}

// tunes notes of a point whether it was to choose its own sampling, and does.
func (x *expansion) tunes(asked Tune, does bool) {
	switch {
	case does:
		x.tuned++
	case asked.on() && !slices.Contains(x.untuned[x.family], asked.Grid):
		x.untuned[x.family] = append(x.untuned[x.family], asked.Grid)
	}
}

// sayUntuned says of families with settings of sampling which grids have none of them: their cells
// sample as the file says. Where no cell at all chooses, that is a mistake.
func (x *expansion) sayUntuned() {
	at, ok := x.sources["tune.grid"]
	if !ok {
		at = place{file: x.doc.file}
	}
	for _, family := range slices.Sorted(maps.Keys(x.untuned)) {
		own := tried(family)
		if len(own) == 0 {
			continue
		}
		for _, g := range x.untuned[family] {
			text := fmt.Sprintf("%q has no key of the family %s, whose cells would be sampled as the file says; its keys: %s", string(g), family,
				strings.Join(own, ", "))
			if x.tuned == 0 {
				x.problems.add(at, "tune.grid", text, "")
				continue
			}
			x.exp.Warnings = append(x.exp.Warnings, Warning{File: at.file, Line: at.line, Column: at.column, Key: "tune.grid",
				Text: strings.Replace(text, "would be", "are", 1)})
		}
	}
}
