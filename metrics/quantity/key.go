package quantity

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Key is how a key of an experiment file is called and what it does. Its type,
// default and value are those of the field that holds it, its row stands beside
// that field: see [Keys].
type Key struct {
	Name  string // dotted: "model.patch"; without its table in a call of [Keys]
	Label string // on axes; empty is the name's last part, with spaces
	Short string // in tables, headings and legends; empty is Label
	Doc   string // one line, as `plan --keys` prints it

	// Outside says that a cell's results are not named by the key: it belongs to
	// an attempt (hardware, care of measuring) or to a check. It cannot be swept,
	// since its cells would be one.
	Outside bool
}

var keys = map[string]*Key{}

// Keys declares the keys of a table ("" for those at the top of a file), where
// their fields are declared. It returns nothing of use: a package calls it in
// an initialiser.
func Keys(table string, rows ...Key) struct{} {
	for _, k := range rows {
		last := strings.ReplaceAll(k.Name, "_", " ")
		if table != "" {
			k.Name = table + "." + k.Name
		}
		if keys[k.Name] != nil {
			panic("quantity: the key " + k.Name + " has two rows")
		}
		if k.Short == "" {
			k.Short = last
		}
		if k.Label == "" {
			k.Label = k.Short
		}
		keys[k.Name] = &k
	}
	return struct{}{}
}

// FindKey is the row of a key by its full or its short name, nil where there is
// none: results may hold keys of another version of the program.
func FindKey(name string) *Key { return keys[FullKey(name)] }

// KeyNames are the full names of all keys that have a row, sorted.
func KeyNames() []string { return slices.Sorted(maps.Keys(keys)) }

// short are the names that the views of the results give to four keys.
var short = map[string]string{
	"patch": "model.patch", "block": "model.block", "state": "model.state", "rollout_depth": "train.rollout_depth",
}

// ShortKeys are the short names, sorted.
func ShortKeys() []string { return slices.Sorted(maps.Keys(short)) }

// FullKey is the full name of a key that is called by its short one; any other
// name stays as it is.
func FullKey(name string) string {
	if full, ok := short[name]; ok {
		return full
	}
	return name
}

// ShortKey is the short name of a key, "" where it has none.
func ShortKey(full string) string {
	for s, f := range short {
		if f == full {
			return s
		}
	}
	return ""
}

// Absent is what a configuration without the key means that a field holds: the
// value of the field's tag `absent`. A key that comes after others has one: it
// is left out of what names cells and stages wherever it has that value, so
// that everything named before it came keeps its name, whatever the key's
// default is or becomes. ok is false for a key that was always written.
func Absent(f reflect.StructField) (v reflect.Value, ok bool) {
	text, ok := f.Tag.Lookup("absent")
	if !ok {
		return v, false
	}
	v = reflect.New(f.Type).Elem()
	var err error
	switch f.Type.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
	case reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		v.SetUint(n)
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(text, 64)
		v.SetFloat(x)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	default:
		err = fmt.Errorf("its type is %v", f.Type)
	}
	if err != nil {
		panic(fmt.Sprintf("quantity: the tag `absent` of the field %s: %v", f.Name, err))
	}
	return v, true
}

// AssumeAbsent gives every field of a struct that came later the value that its
// absence means. It is called before older JSON is read into the struct.
func AssumeAbsent(settings any) {
	s := reflect.ValueOf(settings).Elem()
	for i := range s.NumField() {
		if v, ok := Absent(s.Type().Field(i)); ok {
			s.Field(i).Set(v)
		}
	}
}
