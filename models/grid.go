package models

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Grid is values of keys of the table [sample] to be tried in every combination, in
// one text: "flow_steps=10,25; guidance=0,0.3". A key that a family has not is none
// of its grid.
type Grid string

// GridAxis is one key of a grid with its values, as they are written.
type GridAxis struct {
	Key    string // without its table: guidance
	Values []string
}

// Axes are the keys of the grid in the order of its text.
func (g Grid) Axes() []GridAxis {
	var out []GridAxis
	for part := range strings.SplitSeq(string(g), ";") {
		key, values, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		a := GridAxis{Key: strings.TrimSpace(key)}
		for v := range strings.SplitSeq(values, ",") {
			a.Values = append(a.Values, strings.TrimSpace(v))
		}
		out = append(out, a)
	}
	return out
}

// GridOf writes axes as a grid: keys in alphabetical order, each value once.
func GridOf(axes []GridAxis) Grid {
	var parts []string
	for _, a := range axes {
		var values []string
		for _, v := range a.Values {
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		parts = append(parts, a.Key+"="+strings.Join(values, ","))
	}
	slices.Sort(parts)
	return Grid(strings.Join(parts, "; "))
}

// GridPoint is one combination: parameters, and the values that it tries by their
// keys without the table.
type GridPoint struct {
	Params   Params
	Settings map[string]any
}

// Of gives the axes of a family's parameters that the grid has.
func (g Grid) Of(p Params) (own []GridAxis) {
	for _, a := range g.Axes() {
		if _, ok := Get(p, "sample."+a.Key); ok {
			own = append(own, a)
		}
	}
	return own
}

// Points are all combinations for some parameters, the last key fastest.
func (g Grid) Points(p Params) ([]GridPoint, error) {
	points := []GridPoint{{p, map[string]any{}}}
	for _, a := range g.Of(p) {
		key := "sample." + a.Key
		have, _ := Get(p, key)
		var next []GridPoint
		for _, at := range points {
			for _, text := range a.Values {
				v, err := parseAs(reflect.TypeOf(have), text)
				if err != nil {
					return nil, BadKey(key, "%q is no value of it: %v", text, err)
				}
				with, _ := Set(at.Params, key, v)
				with = with.Resolved()
				v, _ = Get(with, key)
				if d, ok := v.(Depth); ok {
					v = int(d)
				}
				settings := map[string]any{}
				for k, v := range at.Settings {
					settings[k] = v
				}
				settings[a.Key] = v
				next = append(next, GridPoint{with, settings})
			}
		}
		points = next
	}
	return points, nil
}

// Ends are the keys of numbers whose value is the least or the largest that was
// tried. 0 is no end: there is nothing below.
func (g Grid) Ends(p Params, settings map[string]any) (keys []string) {
	for _, a := range g.Of(p) {
		have, _ := Get(p, "sample."+a.Key)
		if len(a.Values) < 2 || reflect.TypeOf(have).Kind() == reflect.String {
			continue
		}
		var all []float64
		for _, text := range a.Values {
			v, err := parseAs(reflect.TypeOf(have), text)
			if err != nil {
				return keys
			}
			with, _ := Set(p, "sample."+a.Key, v)
			v, _ = Get(with.Resolved(), "sample."+a.Key) // "exact" is a number too
			all = append(all, float(v))
		}
		if v := float(settings[a.Key]); v == slices.Max(all) || v == slices.Min(all) && v != 0 {
			keys = append(keys, a.Key)
		}
	}
	return keys
}

func float(v any) float64 {
	x := reflect.ValueOf(v)
	switch x.Kind() {
	case reflect.Int:
		return float64(x.Int())
	case reflect.Uint64:
		return float64(x.Uint())
	case reflect.Float64:
		return x.Float()
	}
	return 0
}

// parseAs reads a value of a key's type.
func parseAs(t reflect.Type, text string) (any, error) {
	if t == reflect.TypeFor[Depth]() && text == "exact" {
		return int(Exact), nil
	}
	switch t.Kind() {
	case reflect.Int:
		return strconv.Atoi(text)
	case reflect.Uint64:
		return strconv.ParseUint(text, 10, 64)
	case reflect.Float64:
		return strconv.ParseFloat(text, 64)
	case reflect.String:
		return text, nil
	}
	return nil, fmt.Errorf("its type is %v", t)
}
