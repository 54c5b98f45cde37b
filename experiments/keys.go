package experiments

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/results/where"
)

// Key is a key of an experiment file, for documentation and `plan`.
type Key struct {
	Name string `json:"key"` // dotted: "model.patch"
	// Type is "integer", "float", "string", "depth" (integer ≥ 0 or "exact"), "duration", "bytes", "names", "steps", "floats" or "grid".
	Type     string `json:"type"`
	Default  any    `json:"default"` // plain: int, float64, uint64 or string; of the first family that has the key
	Doc      string `json:"doc"`
	Sweep    bool   `json:"sweep"`    // may be an axis
	Identity bool   `json:"identity"` // part of Cell.ID
	// Families are those whose cells have the key, where not all have it.
	Families []string `json:"families,omitempty"`
	// Defaults are those of the families that have the key, where they differ.
	Defaults map[string]any `json:"defaults,omitempty"`
}

// DefaultText is the default as write has it, with those of families that differ from it
// behind it: "10; jit: 20".
func (k Key) DefaultText(write func(any) string) string {
	text := write(k.Default)
	var values []any // that differ, in the order of their first family
	of := map[any][]string{}
	for _, family := range models.Names() {
		if v, ok := k.Defaults[family]; ok && v != k.Default {
			if of[v] == nil {
				values = append(values, v)
			}
			of[v] = append(of[v], family)
		}
	}
	for _, v := range values {
		text += "; " + strings.Join(of[v], ", ") + ": " + write(v)
	}
	return text
}

// among is the key as cells of these families have it, in their order.
func (k Key) among(families []string) Key {
	defaults := map[string]any{}
	differ := false
	for _, family := range families {
		v, ok := k.Defaults[family]
		if !ok {
			continue
		}
		if len(defaults) == 0 {
			k.Default = v
		}
		defaults[family] = v
		differ = differ || v != k.Default
	}
	switch {
	case differ:
		k.Defaults = defaults
	case len(defaults) > 0:
		k.Defaults = nil
	}
	return k
}

// field is a key of the settings with the way to its value, found once.
type field struct {
	Key
	index []int            // in [Settings], for reflect.Value.FieldByIndex; nil: see in
	in    map[string][]int // for a key of families: in the parameters of each that has it
	typ   reflect.Type
	tag   reflect.StructField
	tags  map[string]reflect.StructField // for a key of families: of each that has it
}

// of says whether cells of a family have the key. How far a training goes is a matter of families
// that have steps.
func (f *field) of(family string) bool {
	if f.Name == untilKey {
		return byName["train.steps"].of(family)
	}
	return f.in == nil || f.in[family] != nil
}

const labelKey = "label"

// labelField stands for the names that a zip gives its steps: an axis like any
// other, but no setting.
var labelField = &field{Key: Key{Name: labelKey, Type: "string", Sweep: true}, typ: reflect.TypeFor[string]()}

// outsideField stands for the label of images of another program, which are scored
// beside the cells of a file: which there are is not known here.
var outsideField = &field{Key: Key{Name: where.Outside, Type: "string"}, typ: reflect.TypeFor[string]()}

// seedField stands for the cell's seed where cells are chosen.
var seedField = &field{Key: Key{Name: "seed", Type: "integer"}, typ: reflect.TypeFor[uint64]()}

var (
	fields   = collect()
	byName   = index(fields)
	allNames = names(fields)
	topNames = []string{"name", "description", "repeats", "seed"}
)

// tableOrder is the tables of a file that have keys, in the order of the documentation.
var tableOrder = []string{"data", "model", "train", "seed", "sample", "metrics", "tune", "search", "measure", "check"}

// collect finds the keys of [Settings] and those of every family; of a table that
// has both, those of the families stand before the counts and behind the family.
func collect() []*field {
	_ = rows // are declared before they are looked up
	own, families := ownFields(), familyFields()
	var list []*field
	for _, table := range tableOrder {
		parts := [][]*field{families[table], own[table]}
		if table == "model" {
			slices.Reverse(parts)
		}
		list = append(list, slices.Concat(parts...)...)
	}
	return list
}

func newField(name string, f reflect.StructField, value reflect.Value) *field {
	row := quantity.FindKey(name)
	if row == nil {
		panic("experiments: the key " + name + " has no row: call quantity.Keys beside its field")
	}
	return &field{
		Key: Key{Name: name, Type: typeOf(f.Type), Default: plain(value), Doc: row.Doc,
			Sweep: !row.Outside || name == "data.root", Identity: !row.Outside},
		typ: f.Type, tag: f,
	}
}

// ownFields are the keys of [Settings] by their tables.
func ownFields() map[string][]*field {
	list := map[string][]*field{}
	defaults := reflect.ValueOf(Defaults())
	var walk func(t reflect.Type, prefix string, at []int)
	walk = func(t reflect.Type, prefix string, at []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			path := append(slices.Clone(at), i)
			tag := f.Tag.Get("toml")
			switch {
			case f.Anonymous:
				walk(f.Type, prefix, path)
			case tag == "-" || tag == "":
			case prefix == "":
				walk(f.Type, tag, path)
			default:
				of := newField(prefix+"."+tag, f, defaults.FieldByIndex(path))
				of.index = path
				list[prefix] = append(list[prefix], of)
			}
		}
	}
	walk(defaults.Type(), "", nil)
	return list
}

// familyFields are the keys of all families by their tables, each once.
func familyFields() map[string][]*field {
	list, known := map[string][]*field{}, map[string]*field{}
	for _, family := range models.Families() {
		defaults := reflect.ValueOf(family.Defaults())
		for _, f := range models.Fields(family) {
			of := known[f.Key()]
			if of == nil {
				of = newField(f.Key(), f.Struct, defaults.FieldByIndex(f.Index))
				of.in, of.tags, of.Defaults = map[string][]int{}, map[string]reflect.StructField{}, map[string]any{}
				known[f.Key()], list[f.Table] = of, append(list[f.Table], of)
			}
			if of.typ != f.Struct.Type {
				panic("experiments: two families disagree on the type of " + f.Key())
			}
			of.in[family.Name()], of.tags[family.Name()] = f.Index, f.Struct
			of.Families = append(of.Families, family.Name())
			of.Defaults[family.Name()] = plain(defaults.FieldByIndex(f.Index))
		}
	}
	for _, f := range known {
		f.Key = f.among(f.Families)
		if len(f.Families) == len(models.Families()) {
			f.Families = nil
		}
	}
	return list
}

func index(list []*field) map[string]*field {
	m := make(map[string]*field, len(list))
	for _, f := range list {
		m[f.Name] = f
	}
	return m
}

func names(list []*field) []string {
	var out []string
	for _, f := range list {
		out = append(out, f.Name)
	}
	return out
}

// Keys lists every key of a file outside [sweep] and [[figure]], in the order
// of the documentation.
func Keys() []Key {
	list := []Key{
		{Name: "name", Type: "string", Default: ""},
		{Name: "description", Type: "string", Default: ""},
		{Name: "repeats", Type: "integer", Default: defaultRepeats},
		{Name: "seed", Type: "integer", Default: defaultSeed, Identity: true},
	}
	for i := range list {
		list[i].Doc = quantity.FindKey(list[i].Name).Doc
	}
	for _, f := range fields {
		list = append(list, f.Key)
	}
	return list
}

// Get gives the value of a dotted key as int, float64, uint64 or string; a
// depth is an int, or "exact" while it is not resolved. ok is false for what is no
// key, or none of the cell's family.
func (s *Settings) Get(key string) (any, bool) {
	f, ok := byName[key]
	if !ok {
		return nil, false
	}
	if f.in == nil {
		return plain(reflect.ValueOf(s).Elem().FieldByIndex(f.index)), true
	}
	v, ok := models.Get(s.Params, key)
	if !ok {
		return nil, false
	}
	return plain(reflect.ValueOf(v)), true
}

// averagesType is the type of a key that is a number or several.
const averagesType = "floats"

func typeOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[models.Depth]():
		return "depth"
	case reflect.TypeFor[models.Averages]():
		return averagesType
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Bytes]():
		return "bytes"
	case reflect.TypeFor[Names]():
		return "names"
	case reflect.TypeFor[Grid]():
		return gridType
	case reflect.TypeFor[Steps]():
		return "steps"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "float"
	case reflect.String:
		return "string"
	}
	panic(fmt.Sprintf("experiments: no TOML type for %v", t))
}

// plain is a value without the types of its package.
func plain(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case models.Depth:
		if x == models.Exact {
			return "exact"
		}
		return int(x)
	case models.Averages:
		if d := x.Decays(); len(d) == 1 {
			return d[0]
		}
		return string(x)
	case Duration:
		return x.String()
	case Bytes:
		return x.String()
	case Names:
		return string(x)
	case Grid:
		return string(x)
	case Steps:
		return string(x)
	case int, uint64, float64, string:
		return x
	}
	panic(fmt.Sprintf("experiments: a setting of type %v", v.Type()))
}

// value is a setting, checked for its type and ready to be put in place.
type value struct {
	v     reflect.Value
	plain any
	text  string // as people read it
}

func (f *field) value(v reflect.Value) value {
	p := plain(v)
	return value{v: v, plain: p, text: textOf(p)}
}

func textOf(plain any) string {
	if x, ok := plain.(float64); ok {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(plain)
}

// convert turns a TOML value into the key's type; the error is a sentence
// without the key.
func (f *field) convert(raw any) (value, error) {
	p := reflect.New(f.typ)
	if err := f.decode(p, raw); err != nil {
		return value{}, err
	}
	v := f.value(p.Elem())
	if f.Name == models.FamilyKey { // which other keys there are depends on it
		var unknown *models.KeyError
		if _, err := models.Named(v.text); errors.As(err, &unknown) {
			return value{}, errors.New(unknown.Problem)
		}
	}
	return v, nil
}

func (f *field) decode(p reflect.Value, raw any) error {
	if names, ok := p.Interface().(*Names); ok {
		if !names.take(raw) {
			return f.wrongType(raw)
		}
		return nil
	}
	if g, ok := p.Interface().(*Grid); ok {
		return g.take(raw)
	}
	if s, ok := p.Interface().(*Steps); ok {
		return s.take(raw)
	}
	if a, ok := p.Interface().(*models.Averages); ok {
		if a.UnmarshalTOML(raw) != nil {
			return f.wrongType(raw)
		}
		return nil
	}
	switch u := p.Interface().(type) {
	case toml.Unmarshaler:
		if n, ok := raw.(int64); ok && n < 0 {
			return fmt.Errorf("%d is negative; allowed: an integer ≥ 0 or \"exact\"", n)
		} else if ok && n > math.MaxInt32 {
			return fmt.Errorf("%d is out of range; allowed: up to %d, or \"exact\"", n, math.MaxInt32)
		}
		if _, isInt := raw.(int64); !isInt {
			if s, isString := raw.(string); !isString || s != "exact" {
				return f.wrongType(raw)
			}
		}
		return u.UnmarshalTOML(raw)
	case encoding.TextUnmarshaler:
		s, ok := raw.(string)
		if !ok || u.UnmarshalText([]byte(s)) != nil {
			return f.wrongType(raw)
		}
		return nil
	}
	switch f.typ.Kind() {
	case reflect.Int:
		n, ok := raw.(int64)
		if !ok {
			return f.wrongType(raw)
		}
		if n > math.MaxInt32 || n < math.MinInt32 {
			return fmt.Errorf("%d is out of range; allowed: up to %d", n, math.MaxInt32)
		}
		p.Elem().SetInt(n)
	case reflect.Uint64:
		n, ok := raw.(int64)
		if !ok {
			return f.wrongType(raw)
		}
		if n < 0 {
			return fmt.Errorf("%d is negative; allowed: an integer ≥ 0", n)
		}
		p.Elem().SetUint(uint64(n))
	case reflect.Float64:
		x, ok := raw.(float64)
		if n, isInt := raw.(int64); isInt {
			x, ok = float64(n), true
		}
		if !ok {
			return f.wrongType(raw)
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%v is not a number; allowed: a finite float", x)
		}
		p.Elem().SetFloat(x + 0) // -0 becomes 0: equal settings have one text
	case reflect.String:
		s, ok := raw.(string)
		if !ok {
			return f.wrongType(raw)
		}
		p.Elem().SetString(s)
	}
	return nil
}

func (f *field) wrongType(raw any) error {
	allowed := map[string]string{
		"integer": "an integer", "float": "a float", "string": "a string",
		"depth":    `an integer ≥ 0 or "exact"`,
		"duration": `a time span such as "90s", "30m" or "2h"`,
		"bytes":    `an amount of memory such as "4GiB" or "512MiB", or "auto"`,
		"floats":   `a float such as 0.999, or an array of them such as [0.99, 0.999]`,
		"names":    `an array of names such as ["throughput", "latency"], or "throughput, latency"`,
	}[f.Type]
	example := ""
	explained := f.Type == "depth" || f.Type == "duration" || f.Type == "bytes" || f.Type == "names" || f.Type == "floats"
	if f != labelField && f != seedField && f != outsideField && !explained {
		example = ", for example " + show(f.Default)
	}
	return fmt.Errorf("%s is %s; allowed: %s%s", show(raw), typeName(raw), allowed, example)
}

// show writes a value as TOML would, shortened.
func show(v any) string {
	var s string
	switch v := v.(type) {
	case string:
		s = strconv.Quote(v)
	case float64:
		s = strconv.FormatFloat(v, 'g', -1, 64)
		if strings.Trim(s, "-0123456789") == "" {
			s += ".0"
		}
	case []any, []map[string]any, map[string]any:
		return "the value"
	default:
		s = fmt.Sprint(v)
	}
	if r := []rune(s); len(r) > 40 {
		s = string(r[:37]) + "…"
	}
	return s
}

// tableKeys lists the keys of a table without its name.
func tableKeys(table string) []string {
	var out []string
	for _, n := range allNames {
		if rest, ok := strings.CutPrefix(n, table+"."); ok {
			out = append(out, rest)
		}
	}
	return out
}
