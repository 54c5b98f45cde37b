package where

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Same compares values of a key by what they say: 7, 7.0 and "7" are the same, and
// so is what a figure prints of a value.
func Same(a, b any) bool { return Text(a) == Text(b) || Show(a) == Show(b) }

// Show writes a value of a key for people, with six digits: true is "on".
func Show(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return v
	case bool:
		if v {
			return "on"
		}
		return "off"
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = Show(v[i])
		}
		return strings.Join(parts, " ")
	}
	if f, ok := Float(v); ok {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return fmt.Sprint(v)
}

// Float is the value of a numeric key.
func Float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float32:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// Text writes a value of a key with all its digits.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		if x, err := strconv.ParseFloat(v, 64); err == nil && strings.ContainsAny(v, "eE.") {
			return Text(x) // 3e-5 is 3e-05
		}
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return fmt.Sprint(int64(v))
		}
	case json.Number:
		return Text(Number(v))
	case []any:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = Text(w)
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// Number reads whole numbers as int64 and others as float64.
func Number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	x, _ := n.Float64()
	return x
}
