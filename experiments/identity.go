package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"prabench/metrics/quantity"
	"prabench/models/dataset"
)

// identity writes the settings that matter for results as canonical JSON: one
// object, dotted keys in alphabetical order, numbers in their shortest form,
// and the seed last. Its SHA-256 names the cell. Values are the resolved ones,
// so that data.size = 0 and the set's own size are one cell. The folder of the
// data counts only for image folders, where it says which images are meant.
// Keys that came later, which have a tag `absent`, count only where they differ
// from what their absence means, so that older cells keep their names.
//
// A key of families is one of a cell only where the cell's family has it.
type identity struct {
	fields []named
	buf    []byte
}

// named is a key that cells are named by.
type named struct {
	*field
	absent map[string]reflect.Value // by family, "" for a key of no family; none where it always counts
	prefix string                   // `"model.patch":`
}

func newIdentity() *identity {
	id := &identity{}
	for _, f := range fields {
		if f.Identity || f.Name == "data.root" {
			absent := map[string]reflect.Value{}
			if v, ok := quantity.Absent(f.tag); ok && f.in == nil {
				absent[""] = v
			}
			for family, tag := range f.tags {
				if v, ok := quantity.Absent(tag); ok {
					absent[family] = v
				}
			}
			id.fields = append(id.fields, named{f, absent, strconv.Quote(f.Name) + ":"})
		}
	}
	slices.SortFunc(id.fields, func(a, b named) int { return strings.Compare(a.Name, b.Name) })
	return id
}

// of gives the text without its end: the seed and the closing brace follow.
// The result is valid until the next call.
func (id *identity) of(s *Settings) []byte {
	b := append(id.buf[:0], '{')
	own, params := reflect.ValueOf(s).Elem(), reflect.ValueOf(s.Params)
	for i := range id.fields {
		f := &id.fields[i]
		if f.Name == "data.root" && s.Data.Set != dataset.Folder || !f.of(s.Model.Family) {
			continue
		}
		var x, absent reflect.Value
		if f.in == nil {
			x, absent = own.FieldByIndex(f.index), f.absent[""]
		} else {
			x, absent = params.FieldByIndex(f.in[s.Model.Family]), f.absent[s.Model.Family]
		}
		if absent.IsValid() && x.Equal(absent) {
			continue
		}
		b = append(b, f.prefix...)
		if f.Type == averagesType { // one decay is the number that it was before there could be several
			x = reflect.ValueOf(plain(x))
		}
		switch x.Kind() {
		case reflect.Int:
			b = strconv.AppendInt(b, x.Int(), 10)
		case reflect.Uint64:
			b = strconv.AppendUint(b, x.Uint(), 10)
		case reflect.Float64:
			b = strconv.AppendFloat(b, x.Float(), 'g', -1, 64)
		case reflect.String:
			b = appendString(b, x.String())
		default:
			panic("experiments: no canonical text for " + f.Name)
		}
		b = append(b, ',')
	}
	id.buf = b
	return b
}

// cell gives the cell's id; text is what of returned.
func (id *identity) cell(text []byte, seed uint64) string {
	n := len(text)
	text = append(text, `"seed":`...)
	text = strconv.AppendUint(text, seed, 10)
	text = append(text, '}')
	id.buf = text[:n]
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			q, _ := json.Marshal(s) // a string always can
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
