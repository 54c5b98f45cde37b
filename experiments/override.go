package experiments

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// override is a --set: it wins over the file.
type override struct {
	key  string
	raw  any    // a TOML value, or the text itself
	text string // behind the equals sign
	axis bool   // "sweep." was written: the value must be a list
	at   place
}

// list gives the values of an axis; ok is false for a single value, which the
// key may be a list of.
func (o override) list() ([]any, bool) {
	if f := byName[o.key]; f != nil && (f.Type == "names" || f.Type == "steps") {
		return nil, false
	}
	l, ok := o.raw.([]any)
	return l, ok
}

// convert is field.convert, except that a key of text takes any bare word: a
// name of 2026 is a name.
func (o override) convert(f *field) (value, error) {
	if _, isString := o.raw.(string); f.Type == "string" && !isString {
		if _, isList := o.list(); !isList {
			return f.convert(o.text)
		}
	}
	return f.convert(o.raw)
}

func (r *reading) readOverrides() {
	seen := map[string]int{}
	for _, arg := range r.opts.Set {
		at := place{file: "--set " + arg}
		key, text, ok := strings.Cut(arg, "=")
		key, text = plainKey(key), strings.TrimSpace(text)
		if !ok || key == "" {
			r.problems.add(at, "", "not of the form key=value", "for example --set model.patch=4")
			continue
		}
		o := override{key: key, text: text, raw: parseValue(text), at: at}
		if rest, isAxis := strings.CutPrefix(key, "sweep."); isAxis {
			o.key, o.axis = rest, true
		}
		_, isList := o.list()
		f := byName[o.key]
		switch {
		case f == nil && (o.axis || !isTop(o.key)):
			candidates := allNames
			if !o.axis {
				candidates = append(append([]string{}, allNames...), topNames...)
			}
			r.problems.add(at, key, "unknown key; allowed: any key that `plan` prints, or sweep. and such a key",
				cmp.Or(gridHint(o.key), didYouMean(o.key, candidates)))
			continue
		case !isArray(o.raw) && strings.HasPrefix(text, "["):
			r.problems.add(at, key, text+" is no array of TOML", `words in an array need quotes, for example '["x","v"]'`)
			continue
		case o.axis && !isList:
			r.problems.add(at, key, show(o.raw)+" is "+typeName(o.raw)+"; an axis is an array of values",
				fmt.Sprintf("for example --set '%s=[%s]'", key, text))
			continue
		case f == nil && isList && o.key == "seed":
			r.problems.add(at, key, "seeds are no axis; allowed: an integer, the first of `repeats` seeds", "")
			continue
		}
		if n, twice := seen[o.key]; twice {
			r.set[n] = o
			continue
		}
		seen[o.key] = len(r.set)
		r.set = append(r.set, o)
	}
}

func isArray(raw any) bool {
	_, is := raw.([]any)
	return is
}

func isTop(key string) bool {
	for _, t := range topNames {
		if t == key {
			return true
		}
	}
	return false
}

// plainKey drops the quotes that TOML allows around parts of a key.
func plainKey(key string) string {
	return strings.NewReplacer(`"`, "", `'`, "", " ", "").Replace(key)
}

// parseValue reads a TOML value; what is not one is a bare word. In a list
// bare words need quotes.
func parseValue(text string) any {
	var v map[string]any
	if strings.ContainsAny(text, "\r\n") || nested(text) >= 0 {
		return text
	}
	if _, err := toml.Decode("v = "+text, &v); err != nil || len(v) != 1 {
		return text
	}
	if _, isTime := v["v"].(time.Time); isTime {
		return text
	}
	return v["v"]
}
