package sampler

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models"
)

// Setting is a key of the table [sample] as a flag of a command line: what it is
// set to changes the request that it was made for.
type Setting struct {
	Name, Doc string // "flow-steps"

	request *Request
	field   models.Field
	text    string // of its value
}

// Settings are those of all families, each key once.
func (r *Request) Settings() []*Setting {
	var out []*Setting
	known := map[string]bool{}
	for _, f := range models.Families() {
		for _, field := range models.Fields(f) {
			if field.Table != "sample" || known[field.Name] {
				continue
			}
			known[field.Name] = true
			v, _ := models.Get(f.Defaults(), field.Key())
			out = append(out, &Setting{strings.ReplaceAll(field.Name, "_", "-"), quantity.FindKey(field.Key()).Doc, r, field, fmt.Sprint(v)})
		}
	}
	return out
}

// String is the value, at first the default one.
func (s *Setting) String() string { return s.text }

// Type is what help calls the value.
func (s *Setting) Type() string {
	switch s.field.Struct.Type.Kind() {
	case reflect.Float64:
		return "float"
	case reflect.String:
		return "string"
	case reflect.Uint64:
		return "uint"
	}
	return "int"
}

// Set reads a value of the key's type.
func (s *Setting) Set(text string) (err error) {
	v := reflect.New(s.field.Struct.Type).Elem()
	switch v.Kind() {
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(text, 64)
		v.SetFloat(x)
	case reflect.String:
		v.SetString(text)
	case reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		v.SetUint(n)
	default:
		if d, ok := v.Addr().Interface().(*models.Depth); ok && text == "exact" {
			*d = models.Exact
			break
		}
		var n int64
		n, err = strconv.ParseInt(text, 10, 32)
		v.SetInt(n)
	}
	if err != nil {
		return fmt.Errorf("%q is no %s", text, s.Type())
	}
	if s.request.Set == nil {
		s.request.Set = map[string]any{}
	}
	s.text, s.request.Set[s.field.Key()] = text, v.Interface()
	return nil
}
