package machine

import (
	"fmt"
	"strings"
)

// Size writes a number of bytes for people: "1.5 GiB", "512 MiB".
func Size(n int64) string {
	x, unit := float64(n)/(1<<10), "KiB"
	for _, larger := range []string{"MiB", "GiB", "TiB"} {
		if x < 1024 {
			break
		}
		x, unit = x/1024, larger
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0") + " " + unit
}
