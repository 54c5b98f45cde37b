package view

import (
	"fmt"
	"strings"
	"testing"

	"prabench/metrics/quantity"
)

// A table names the points of which a training diverged, also where the mean over its
// seeds hides one.
func TestDivergedPointsAreNamed(t *testing.T) {
	point := func(label string, rises ...float64) Point {
		p := Point{Label: label, Means: map[string]Mean{}, Seeds: len(rises)}
		if len(rises) > 0 {
			m := Mean{Metric: quantity.LossRise.Name, Values: rises}
			for _, r := range rises {
				m.Value += r / float64(len(rises))
			}
			p.Means[m.Metric] = m
		}
		return p
	}
	for _, c := range []struct {
		points []Point
		want   string
	}{
		{nil, ""},
		{[]Point{point("a", 1, 1, 1.3), point("b")}, ""},
		{[]Point{point("a", 1, 1, 1), point("b", 1, 3.5, 1)}, "trainings of 1 of 2 points diverged (loss_rise above 2): b"},
		{[]Point{point("a", 900), point("b", 2.01), point("c", 2)}, "trainings of 2 of 3 points diverged (loss_rise above 2): a, b"},
	} {
		if notes := strings.Join((Summary{Points: c.points}).Notes(), "\n"); notes != c.want {
			t.Errorf("%q, want %q", notes, c.want)
		}
	}
	var many []Point
	for i := range 9 {
		many = append(many, point(fmt.Sprint("p", i), 5))
	}
	if notes := (Summary{Points: many}).Notes(); len(notes) != 1 || !strings.HasSuffix(notes[0], "p5, 3 more") {
		t.Errorf("%q", notes)
	}
}
