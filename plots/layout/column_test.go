package layout

import (
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
)

// Labels of an axis inside a panel stay on their side, inside the room and off
// each other; an axis that points down has its low values at the upper end.
func TestColumn(t *testing.T) {
	long := Categories("", "", []string{"teacher forcing with a long name", "PRA"})
	near := &Axis{Min: 0, Max: 64, At: []float64{1, 2, 3, 4, 32, 64}}
	down := &Axis{Min: 1, Max: 1000, Log: true, Down: true}
	for name, c := range map[string]struct {
		axis   *Axis
		anchor float64
		room   vg.Length
		want   string // upwards
	}{
		"long": {long, End, 45, "teacher f… | PRA"}, "close": {near, Start, 45, "1 | 32 | 64"}, "down": {down, End, 45, "1000 | 100 | 10 | 1"},
		"wide": {&Axis{Min: 0, Max: 4e5}, End, 20, "0"},
	} {
		p := NewPainter(new(recorder.Canvas))
		c.axis.Column(p, 100, 0, 120, c.anchor, c.room)
		var texts []string
		last := Rect{Y1: -1000}
		for i := range p.Texts {
			q := p.Texts[i]
			if c.axis.Down { // drawn from the top
				q = p.Texts[len(p.Texts)-1-i]
			}
			texts = append(texts, q.Text)
			if q.Box.Y0 < last.Y1-3 {
				t.Errorf("%s: %q lies on the label below", name, q.Text)
			}
			last = q.Box
			if c.anchor == End && (q.Box.X1 > 100 || q.Box.X0 < 40) || c.anchor == Start && q.Box.X0 < 100 {
				t.Errorf("%s: %q is on the wrong side or too wide: %v", name, q.Text, q.Box)
			}
		}
		if got := strings.Join(texts, " | "); got != c.want {
			t.Errorf("%s: labels %s, want %s", name, got, c.want)
		}
	}
}
