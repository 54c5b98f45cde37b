package stage

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"prabench/metrics/quantity"
)

// canonical appends v as JSON with sorted keys, no blanks, and numbers as
// encoding/json writes them, so that it does not depend on the order of struct
// fields. A sweep has hundreds of thousands of them: structs of plain fields are
// written here, at once; anything else by [encoding/json].
func canonical(to []byte, v any) ([]byte, error) { return appendValue(to, reflect.ValueOf(v)) }

// Canonical is v as keys have it: JSON in which members are sorted and fields
// that came later are left out at the value that their absence means.
func Canonical(v any) (json.RawMessage, error) { return canonical(nil, v) }

// member is one field of a struct as canonical JSON has it.
type member struct {
	name      string // with quotes and colon
	index     int
	omitEmpty bool
	absent    reflect.Value // left out where it has this value; invalid: never
	byJSON    bool          // its type writes itself
}

var members sync.Map // reflect.Type → []member, in the order of their names; nil when json must write the type

func membersOf(t reflect.Type) []member {
	if known, ok := members.Load(t); ok {
		return known.([]member)
	}
	ms, plain, later := []member{}, true, false
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		absent, has := quantity.Absent(f)
		later = later || has
		plain = plain && !f.Anonymous && f.IsExported() && name != "" && name != "-" && (options == "" || options == "omitempty")
		ms = append(ms, member{strconv.Quote(name) + ":", i, options != "", absent, writesItself(f.Type)})
	}
	if !plain {
		if later { // json would write it into keys that it must stay out of
			panic(fmt.Sprintf("stage: %v has a field that came later and others that only encoding/json can write", t))
		}
		ms = nil
	}
	slices.SortFunc(ms, func(a, b member) int { return strings.Compare(a.name, b.name) })
	members.Store(t, ms)
	return ms
}

// writesItself says that [encoding/json] must write values of the type.
func writesItself(t reflect.Type) bool {
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func appendValue(to []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return append(to, "null"...), nil
	}
	if writesItself(v.Type()) {
		return byJSON(to, v)
	}
	return appendPlain(to, v)
}

// appendPlain is appendValue for a type that does not write itself.
func appendPlain(to []byte, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(to, v.Bool()), nil
	case reflect.Int, reflect.Int64, reflect.Int32:
		return strconv.AppendInt(to, v.Int(), 10), nil
	case reflect.Uint64, reflect.Uint, reflect.Uint32:
		return strconv.AppendUint(to, v.Uint(), 10), nil
	case reflect.Float64:
		if x := v.Float(); x == 0 && !math.Signbit(x) || math.Abs(x) >= 1e-6 && math.Abs(x) < 1e21 {
			return strconv.AppendFloat(to, x, 'f', -1, 64), nil
		}
	case reflect.String:
		return appendString(to, v.String()), nil
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		to = append(to, '[')
		for i := range v.Len() {
			if i > 0 {
				to = append(to, ',')
			}
			var err error
			if to, err = appendValue(to, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return append(to, ']'), nil
	case reflect.Struct:
		ms := membersOf(v.Type())
		if ms == nil {
			break
		}
		to = append(to, '{')
		first := true
		for _, m := range ms {
			f := v.Field(m.index)
			if m.omitEmpty && f.IsZero() && f.Kind() != reflect.Struct || m.absent.IsValid() && f.Equal(m.absent) {
				continue
			}
			if !first {
				to = append(to, ',')
			}
			first = false
			to = append(to, m.name...)
			var err error
			if !m.byJSON && f.Kind() != reflect.Interface {
				to, err = appendPlain(to, f)
			} else {
				to, err = appendValue(to, f)
			}
			if err != nil {
				return nil, err
			}
		}
		return append(to, '}'), nil
	}
	return byJSON(to, v)
}

func appendString(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			q, _ := json.Marshal(s) // a string always can
			return append(to, q...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}

func byJSON(to []byte, v reflect.Value) ([]byte, error) {
	text, err := written(v.Interface())
	return append(to, text...), err
}

// written is canonical for any value.
func written(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree) // maps are written in the order of their keys
}
