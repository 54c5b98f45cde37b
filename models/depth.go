package models

import "fmt"

// Depth is a rollout depth. Exact stands for K, the number of AR steps, and is
// replaced by it with [Depth.Resolve] as soon as the architecture is known.
type Depth int

// Exact is the depth at which a rollout has reached its fixed point.
const Exact Depth = -1

// Resolve replaces Exact by k.
func (d Depth) Resolve(k int) Depth {
	if d == Exact {
		return Depth(k)
	}
	return d
}

// UnmarshalTOML accepts a whole number ≥ 0 or the word "exact".
func (d *Depth) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case int64:
		if v < 0 {
			return fmt.Errorf("a rollout depth is 0 or more, or %q", "exact")
		}
		*d = Depth(v)
		return nil
	case string:
		if v == "exact" {
			*d = Exact
			return nil
		}
	}
	return fmt.Errorf("a rollout depth is a whole number ≥ 0 or %q, not %v", "exact", v)
}
