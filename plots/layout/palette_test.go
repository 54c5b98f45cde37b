package layout

import (
	"fmt"
	"testing"
)

// Every shape and colour pair, and every dash and colour pair, is its own.
func TestLooksDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := 0; i < 35; i++ {
		l := LookOf(i)
		for _, id := range []string{fmt.Sprint(l.Color, " shape ", l.Shape), fmt.Sprint(l.Color, " dash ", l.Dash)} {
			if j, dup := seen[id]; dup {
				t.Errorf("series %d looks like series %d: %s", i, j, id)
			}
			seen[id] = i
		}
	}
}
