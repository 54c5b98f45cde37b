package where

import (
	"slices"
	"strconv"
	"strings"
)

// Filter names the values that keys must have: one value, or any of a list.
type Filter map[string]any

// Outside is the key of the label of images of another program: those cells have
// no other key. All keys of settings have a table and a dot.
const Outside = "outside"

// External begins the ids of cells whose images a program of the experiment file
// draws: they belong to its plan, as other cells with a label of [Outside] do not.
const External = "external-"

// Accepts says whether a thing has all of them; get gives its value of a key.
func (f Filter) Accepts(get func(key string) (any, bool)) bool {
	for key, want := range f {
		have, ok := get(key)
		if isLabel(key) {
			have, want = spelled(have), spelled(want)
		}
		if !ok || !Any(have, want) {
			return false
		}
	}
	return true
}

// Names are several values of one key, such as a short and a long label: any of
// them is enough.
type Names []any

// Any says whether a value is the one wanted, or one of the list wanted.
func Any(have, want any) bool {
	names, several := have.(Names)
	if !several {
		names = Names{have}
	}
	return slices.ContainsFunc(Values(want), func(w any) bool {
		return slices.ContainsFunc(names, func(have any) bool { return Same(have, w) })
	})
}

// Values are those that a condition accepts.
func Values(want any) []any {
	switch list := want.(type) {
	case []any:
		return list
	case []string:
		out := make([]any, len(list))
		for i, w := range list {
			out[i] = w
		}
		return out
	}
	return []any{want}
}

// Words writes what a condition accepts: "2 or 4".
func Words(want any) string {
	var words []string
	for _, w := range Values(want) {
		words = append(words, Show(w))
	}
	return strings.Join(words, " or ")
}

// Pair is one condition as it was typed: a value of a key. Without a key it is no
// condition, and Part is what was typed.
type Pair struct{ Key, Value, Part string }

// Pairs splits a typed filter, "key=value,key=value", at its commas outside of
// quotes. A key that comes again has further values.
func Pairs(text string) []Pair {
	var out []Pair
	for _, part := range split(text) {
		p := Pair{Part: strings.TrimSpace(part)}
		if key, value, ok := strings.Cut(part, "="); ok {
			p.Key, p.Value = Bare(key), strings.TrimSpace(value)
		} else if n, ok := strings.CutPrefix(p.Part, "seed "); ok && number(n) { // as it is printed behind a label
			p.Key, p.Value, p.Part = "seed", strings.TrimSpace(n), "seed="+strings.TrimSpace(n)
		}
		out = append(out, p)
	}
	return out
}

func number(text string) bool {
	_, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	return err == nil
}

// Bare is what was typed without spaces around it, nor the quotes that enclose it.
func Bare(typed string) string {
	typed = strings.TrimSpace(typed)
	for _, quote := range []string{`"`, "'"} {
		if inner, ok := strings.CutPrefix(typed, quote); ok && len(inner) > 0 && strings.Index(inner, quote) == len(inner)-1 {
			return inner[:len(inner)-1]
		}
	}
	return typed
}

// Signs is how often a character that is no quote stands outside of quotes.
func Signs(text string, sign rune) int { return len(cut(text, sign)) - 1 }

// Add gives a condition one more value.
func (f Filter) Add(key string, value any) {
	if have, ok := f[key]; ok {
		value = append(slices.Clone(Values(have)), value)
	}
	f[key] = value
}

// split cuts a text at commas outside quotes.
func split(text string) []string { return cut(text, ',') }

// cut cuts a text at a sign outside quotes.
func cut(text string, sign rune) []string {
	var parts []string
	var quote rune
	start := 0
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == sign:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}
