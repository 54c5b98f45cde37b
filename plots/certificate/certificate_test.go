package certificate

import (
	"bytes"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"

	"prabench/plots/layout"
)

func example() Figure {
	f := Figure{Title: "striped on stripes", Metrics: []string{"FD", "KD"}, Floors: []Mark{{.001, .0005, .002}, {-.001, -.002, .0004}},
		Source: "100 images"}
	for _, kind := range []string{"noise", "a seam that nobody sees", "blur"} {
		p := Panel{Kind: kind, Severities: []string{"1", "2", "3"}, First: []int{1, 2}}
		for i := range 2 {
			var marks []Mark
			for k := range 3 {
				v := .001 * math.Pow(10, float64(k))
				if i == 1 {
					v -= .002
				}
				marks = append(marks, Mark{v, v * .8, v * 1.2})
			}
			p.Marks = append(p.Marks, marks)
		}
		f.Panels = append(f.Panels, p)
	}
	f.Panels[1].First[1] = 0
	return f
}

// Everything has its place: a panel for each kind, no text over another, and what
// cannot stand on a logarithmic axis is said.
func TestEveryKindHasItsPanel(t *testing.T) {
	s, err := example().sheet()
	if err != nil {
		t.Fatal(err)
	}
	page := s.Page()
	p := layout.NewPainter(vgimg.New(page.W, page.H))
	page.Paint(p)
	var all []string
	for i, a := range p.Texts {
		all = append(all, a.Text)
		for _, b := range p.Texts[:i] {
			if a.Box.Grow(-vg.Length(.5)).Meets(b.Box.Grow(-vg.Length(.5))) {
				t.Errorf("%q lies over %q", a.Text, b.Text)
			}
		}
	}
	for _, want := range []string{"noise", "blur", "striped on stripes", "100 images"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not drawn: %q", want, all)
		}
	}
	for _, want := range []string{"not seen by KD", "or below 0"} {
		if !strings.Contains(strings.Join(all, " "), want) {
			t.Errorf("%q is not said: %q", want, all)
		}
	}
	if len(p.Frames) != 3 {
		t.Errorf("%d panels", len(p.Frames))
	}
}

func TestTheSameBytes(t *testing.T) {
	for _, format := range []string{"png", "svg", "pdf"} {
		a, err1 := Draw(example(), format)
		b, err2 := Draw(example(), format)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) || len(a) < 1000 {
			t.Errorf("%s: %v, %v, %d and %d bytes", format, err1, err2, len(a), len(b))
		}
	}
	raw, err := Draw(example(), "png")
	if err == nil {
		_, err = png.Decode(bytes.NewReader(raw))
	}
	if err != nil {
		t.Error(err)
	}
	if _, err := Draw(Figure{Title: "nothing"}, "png"); err == nil || !strings.Contains(err.Error(), "no damage was measured") {
		t.Errorf("a figure of nothing: %v", err)
	}
}
