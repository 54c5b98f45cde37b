package figure

import (
	"fmt"
	"slices"
	"strings"
)

// Field is a key of [[figure]] that a kind takes.
type Field struct {
	Key, Doc string
	Is       Role     // of names: what they may name
	Words    []string // of names: words that are allowed besides
	Required bool
	Least    int    // of lists: at least so many
	Default  string // of names
	Low      float64
	High     float64 // of numbers: from Low to High

	to func(*Figure) any
}

// Role is what a name may be.
type Role int

// A name is a metric or a key, or either.
const (
	Metric Role = 1 << iota
	Key         // of the configuration, or seed or label
)

// To is where in the figure the value goes. Its type says what the value is:
// *string is a name, or a text where the field has neither roles nor words;
// *[]string names, or values where the field has no roles; *int a count; *bool and
// **bool a flag; *float64 a number; *[]float64 two ends; *map[string]any a filter;
// *map[string]string texts; *[]Reference given values.
func (f Field) To(fig *Figure) any { return f.to(fig) }

// Takes says what the value may be, in words.
func (f Field) Takes() string {
	var names []string
	if f.Is&Metric != 0 {
		names = append(names, "metric")
	}
	if f.Is&Key != 0 {
		names = append(names, "key")
	}
	for _, w := range f.Words {
		names = append(names, "`"+w+"`")
	}
	name := strings.Join(names, ", ")
	if n := len(names); n > 1 {
		name = strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	switch f.To(new(Figure)).(type) {
	case *string:
		if name == "" {
			return "text"
		}
		return name
	case *[]string:
		if name == "" {
			return "list of values"
		}
		return "list of: " + name
	case *int:
		return "integer"
	case *bool, **bool:
		return "`true` or `false`"
	case *float64:
		return fmt.Sprintf("number from %g to %g", f.Low, f.High)
	case *[]float64:
		return "`[from, to]`"
	case *map[string]string:
		return "table of value = text"
	case *[]Reference:
		return "list of tables"
	}
	return "table of key = value"
}

// Absent says what holds without the key.
func (f Field) Absent() string {
	switch {
	case f.Required && f.Least > 1:
		return fmt.Sprintf("required, at least %d", f.Least)
	case f.Required:
		return "required"
	case f.Default != "":
		return "`" + f.Default + "`"
	}
	return ""
}

// The following make a field of a kind from one of the common definitions.

func (f Field) of(r Role) Field { f.Is = r; return f }

func (f Field) words(w ...string) Field { f.Words = w; return f }

func (f Field) or(name string) Field { f.Default = name; return f }

func (f Field) needed() Field { f.Required = true; return f }

func (f Field) least(n int) Field { f.Least = n; return f }

// Common are the keys of every kind, besides kind itself.
func Common() []Field { return slices.Clone(common) }
