package check

import (
	"encoding/json"
	"math"
)

// Bound is the end of an interval; one that is infinite, because there are too
// few rounds, is null in JSON.
type Bound float64

// MarshalJSON writes a number or null.
func (b Bound) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(b), 0) || math.IsNaN(float64(b)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(b))
}

// Known says whether there is such an end.
func (b Bound) Known() bool { return !math.IsInf(float64(b), 0) && !math.IsNaN(float64(b)) }

// UnmarshalJSON reads what MarshalJSON writes; null is not a number.
func (b *Bound) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*b = Bound(math.NaN())
		return nil
	}
	return json.Unmarshal(raw, (*float64)(b))
}
