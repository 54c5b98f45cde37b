package models

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"prabench/metrics/quantity"
)

// Field is a key of a family: where the parameters hold its value.
type Field struct {
	Table, Name string              // "model", "patch"
	Index       []int               // in the parameters, for reflect.Value.FieldByIndex
	Struct      reflect.StructField // its type, and its tag `absent`
}

// Key is the field's key, "model.patch".
func (f Field) Key() string { return f.Table + "." + f.Name }

// tables are the tables of an experiment file whose keys are a family's.
var tables = []string{"model", "train", "sample"}

// layout is what is known of a type of parameters.
type layout struct {
	fields []Field
	byKey  map[string]int
	table  map[string]int // field of the parameters
}

var layouts sync.Map // reflect.Type → *layout

func fieldsOf(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout)
	}
	if t.Kind() != reflect.Struct || !t.Comparable() {
		panic(fmt.Sprintf("models: parameters are a comparable struct, not %v", t))
	}
	l := &layout{byKey: map[string]int{}, table: map[string]int{}}
	for _, table := range tables {
		for i := range t.NumField() {
			if f := t.Field(i); f.Tag.Get("toml") == table && f.Tag.Get("json") == table && f.Type.Kind() == reflect.Struct {
				l.table[table] = i
				l.walk(table, f.Type, []int{i})
			}
		}
		if _, ok := l.table[table]; !ok {
			panic(fmt.Sprintf("models: the parameters %v have no struct for the table [%s]", t, table))
		}
	}
	for i, f := range l.fields {
		l.byKey[f.Key()] = i
	}
	layouts.Store(t, l)
	return l
}

func (l *layout) walk(table string, t reflect.Type, at []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("toml")
		if tag == "" || tag == "-" {
			continue
		}
		of, name, elsewhere := strings.Cut(tag, ".") // a key of another table, such as seed.init
		if !elsewhere {
			of, name = table, tag
		}
		l.fields = append(l.fields, Field{of, name, append(append([]int{}, at...), i), f})
	}
}

// Fields are the keys of a family, in the order of its tables and their fields.
func Fields(f Family) []Field { return fieldsOf(reflect.TypeOf(f.Defaults())).fields }

// Table is the struct of a table: "model", "train" or "sample".
func Table(p Params, name string) any {
	v := reflect.ValueOf(p)
	return v.Field(fieldsOf(v.Type()).table[name]).Interface()
}

// Get is the value of a key; ok is false where the family has no such key.
func Get(p Params, key string) (v any, ok bool) {
	x := reflect.ValueOf(p)
	l := fieldsOf(x.Type())
	i, ok := l.byKey[key]
	if !ok {
		return nil, false
	}
	return x.FieldByIndex(l.fields[i].Index).Interface(), true
}

// Set gives the parameters with another value of a key, which is of its type or
// of one that converts to it. Where the family has no such key they are as they
// were, and ok is false.
func Set(p Params, key string, v any) (with Params, ok bool) {
	x := reflect.New(reflect.TypeOf(p)).Elem()
	l := fieldsOf(x.Type())
	i, ok := l.byKey[key]
	if !ok {
		return p, false
	}
	x.Set(reflect.ValueOf(p))
	to := x.FieldByIndex(l.fields[i].Index)
	to.Set(reflect.ValueOf(v).Convert(to.Type()))
	return x.Interface().(Params), true
}

// Written is parameters as JSON has them: their tables apart. The family is left
// out where it is the default one, as before there were others.
type Written struct {
	Family string          `json:"family,omitempty"`
	Model  json.RawMessage `json:"model,omitempty"`
	Train  json.RawMessage `json:"train,omitempty"`
	Sample json.RawMessage `json:"sample,omitempty"`
}

// Write is parameters as they travel and are kept.
func Write(p Params) (w Written, err error) {
	if name := p.Family().Name(); name != Default {
		w.Family = name
	}
	for _, t := range []struct {
		name string
		to   *json.RawMessage
	}{{"model", &w.Model}, {"train", &w.Train}, {"sample", &w.Sample}} {
		if *t.to, err = json.Marshal(Table(p, t.name)); err != nil {
			return w, fmt.Errorf("the table [%s]: %w", t.name, err)
		}
	}
	return w, nil
}

// Read gives back what [Write] wrote. Keys that came later have the value that
// their absence means, a table that is absent its defaults.
func (w Written) Read() (Params, error) {
	if w.Family == "" {
		w.Family = Default
	}
	f, err := Named(w.Family)
	if err != nil {
		return nil, err
	}
	p := reflect.New(reflect.TypeOf(f.Defaults())).Elem()
	p.Set(reflect.ValueOf(f.Defaults()))
	l := fieldsOf(p.Type())
	for _, t := range []struct {
		name string
		raw  json.RawMessage
	}{{"model", w.Model}, {"train", w.Train}, {"sample", w.Sample}} {
		if len(t.raw) == 0 {
			continue
		}
		table := p.Field(l.table[t.name])
		table.SetZero()
		quantity.AssumeAbsent(table.Addr().Interface())
		if err := json.Unmarshal(t.raw, table.Addr().Interface()); err != nil {
			return nil, fmt.Errorf("the table [%s]: %w", t.name, err)
		}
	}
	return p.Interface().(Params), nil
}
