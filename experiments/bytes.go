package experiments

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is an amount of memory that is written "4GiB", "512MiB" or "auto".
type Bytes int64

var byteUnits = []struct {
	name string
	size Bytes
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// String writes whole units: "4GiB", "1536MiB"; 0 is "auto".
func (b Bytes) String() string {
	if b == 0 {
		return "auto"
	}
	for _, u := range byteUnits {
		if b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return ""
}

// MarshalText is String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText accepts a number above 0 with a unit, or "auto".
func (b *Bytes) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "auto" {
		*b = 0
		return nil
	}
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if n := x * float64(u.size); err == nil && n >= 1 && n < math.MaxInt64 {
			*b = Bytes(n)
			return nil
		}
		break
	}
	return fmt.Errorf("%q is no amount of memory", s)
}
