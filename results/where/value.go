package where

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Same compares values of a key by what they say: 7, 7.0 and "7" are the same.
func Same(a, b any) bool { return Text(a) == Text(b) }

// Text writes a value of a key the one way that Same compares.
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
