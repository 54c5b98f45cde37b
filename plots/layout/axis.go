package layout

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Axis maps values to a length. With names it is categorical: the values are
// the indices of the names.
type Axis struct {
	Label    string
	Short    string // instead of label where that does not fit
	Log      bool
	Down     bool // low values at the upper end
	Min, Max float64
	Names    []string
	At       []float64 // where ticks are wanted: the few values that a key takes
	ticks    []tick    // set by the layout, which knows the length
}

type tick struct {
	v     float64
	label string // empty is a minor tick
}

// Norm is the share of the axis below v, above it where the axis points down. On
// a log axis what is not positive lies at the end of low values: callers keep
// such points off, interval ends are cut.
func (a *Axis) Norm(v float64) float64 {
	n := (v - a.Min) / (a.Max - a.Min)
	if a.Log {
		n = 0
		if v > 0 {
			n = (math.Log(v) - math.Log(a.Min)) / (math.Log(a.Max) - math.Log(a.Min))
		}
	}
	if a.Down {
		return 1 - n
	}
	return n
}

// Beyond says that a value lies outside of the axis, such as zero on a log axis.
func (a *Axis) Beyond(v float64) bool {
	return a != nil && !a.Categorical() && (v < a.Min || v > a.Max || a.Log && v <= 0)
}

// Categorical says that the axis has names for values.
func (a *Axis) Categorical() bool { return a.Names != nil }

// Categories makes an axis of names.
func Categories(label, short string, names []string) *Axis {
	return &Axis{Label: label, Short: short, Names: names, Min: -0.5, Max: float64(len(names)) - 0.5}
}

// Decades is the span of values in powers of ten, 0 unless all are positive.
func Decades(values []float64) float64 {
	lo, hi := math.Inf(1), 0.0
	for _, v := range values {
		if v < Smallest {
			return 0
		}
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	if hi == 0 {
		return 0
	}
	return math.Log10(hi) - math.Log10(lo)
}

// Largest is the magnitude up to which values have a place on an axis: twice that far
// apart, with a margin, is still a number. Smallest is that from which they have one on
// a log axis; a linear axis that is not as long shows zero alone.
const (
	Largest  = 2e307
	Smallest = 1e-290
)

// Placeable says that a value has a place on the axis.
func (a *Axis) Placeable(v float64) bool { return math.Abs(v) <= Largest && !(a.Log && v < Smallest) }

// Widen sets the range to hold all values with a margin. Linear axes of values
// that are nowhere negative do not reach below zero.
func (a *Axis) Widen(values []float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if a.Placeable(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	switch {
	case lo > hi:
	case !a.Log && math.Max(math.Abs(lo), math.Abs(hi)) < Smallest:
		lo, hi = 0, 0
	case Same(lo, hi):
		hi = lo
	}
	const margin = 0.07
	switch {
	case lo > hi:
		lo, hi = 1, 2
	case a.Log:
		f := 2.0
		if lo < hi { // their ratio may be no number
			f = math.Exp((math.Log(hi) - math.Log(lo)) * margin)
		}
		lo, hi = math.Max(lo/f, 1e-305), math.Min(hi*f, 1e308)
	case lo == hi && lo == 0:
		lo, hi = -0.5, 0.5
	case lo == hi:
		lo, hi = lo-math.Abs(lo)/4, hi+math.Abs(hi)/4
	default:
		d := (hi - lo) * margin
		if lo >= 0 && lo-d < 0 {
			lo = -d * 0.6
		} else {
			lo -= d
		}
		hi += d
	}
	a.Min, a.Max = lo, hi
}

// steps sets about n ticks.
func (a *Axis) steps(n int) {
	a.ticks = nil
	switch {
	case a.Categorical():
		for i, s := range a.Names {
			a.ticks = append(a.ticks, tick{float64(i), s})
		}
	case len(a.At) > 0:
		for _, v := range a.At {
			a.ticks = append(a.ticks, tick{v, plainNumber(v)})
		}
	case a.Log && math.Log10(a.Max)-math.Log10(a.Min) > math.Log10(5):
		a.logSteps(n)
	default:
		a.linearSteps(n)
	}
	if !a.Categorical() {
		for i := range a.ticks {
			a.ticks[i].label = strings.ReplaceAll(a.ticks[i].label, "-", "−") // a minus, not a hyphen
		}
	}
}

// Same tells whether values differ by no more than rounding: no axis can resolve
// them.
func Same(lo, hi float64) bool { return math.Abs(hi-lo) <= 1e-9*math.Max(math.Abs(lo), math.Abs(hi)) }

func (a *Axis) linearSteps(n int) {
	step := niceStep((a.Max - a.Min) / float64(max(n, 1)))
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if s := step * math.Pow10(digits); math.Abs(s-math.Round(s)) > 1e-6 {
		digits++
	}
	big := math.Max(math.Abs(a.Min), math.Abs(a.Max))
	for i := math.Ceil(a.Min/step - 1e-9); i*step <= a.Max+step*1e-9; i++ {
		v := i * step
		if a.Log && v <= 0 {
			continue
		}
		label := strconv.FormatFloat(v, 'f', digits, 64)
		if i == 0 {
			label = "0"
		}
		a.ticks = append(a.ticks, tick{v, label})
	}
	if big >= 1e6 || big < 1e-3 {
		a.powers(step, big)
	}
}

// powers writes the ticks as powers of ten, with digits enough to tell them apart.
func (a *Axis) powers(step, big float64) {
	digits := max(4, 1+int(math.Floor(math.Log10(big))-math.Floor(math.Log10(step))))
	for i, t := range a.ticks {
		if t.label != "0" {
			a.ticks[i].label = significant(t.v, min(digits, 15))
		}
	}
}

// niceStep is the smallest 1, 2, 2.5 or 5 times a power of ten that is at least d.
func niceStep(d float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(d)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*p >= d*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// logSteps labels decades; where these are few, also 2 and 5, or 3, between them.
func (a *Axis) logSteps(n int) {
	first, last := int(math.Floor(math.Log10(a.Min))), int(math.Ceil(math.Log10(a.Max)))
	span := math.Log10(a.Max) - math.Log10(a.Min)
	labelled := map[int]bool{1: true}
	switch {
	case span*3 <= float64(n)+1:
		labelled[2], labelled[5] = true, true
	case span*2 <= float64(n)+1:
		labelled[3] = true
	}
	every := max(1, int(math.Ceil(span/float64(max(n, 1)))))
	for e := first; e <= last; e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow10(e)
			if v < a.Min*(1-1e-9) || v > a.Max*(1+1e-9) {
				continue
			}
			if m > 1 && span > 6 { // too dense to count
				continue
			}
			t := tick{v: v}
			if labelled[m] && (m > 1 || ((e%every)+every)%every == 0) {
				t.label = logLabel(m, e, first < -3 || last > 5)
			}
			if t.label == "" && span > 60 { // a black bar
				continue
			}
			a.ticks = append(a.ticks, t)
		}
	}
}

// logLabel writes m·10^e. A caret sets what follows as an exponent.
func logLabel(m, e int, powers bool) string {
	if !powers {
		return plainNumber(float64(m) * math.Pow10(e))
	}
	s := "10^" + strconv.Itoa(e)
	if m > 1 {
		s = strconv.Itoa(m) + "×" + s
	}
	return s
}

// plainNumber writes v with up to six digits, large and small ones by powers.
func plainNumber(v float64) string {
	a := math.Abs(v)
	if v == 0 || a >= 1e-4 && a < 1e6 {
		s := strconv.FormatFloat(v, 'g', 6, 64)
		if strings.Contains(s, "e") {
			s = strconv.FormatFloat(v, 'f', -1, 64)
		}
		return s
	}
	return significant(v, 4)
}

// significant writes v with up to n digits, and powers where these are shorter.
func significant(v float64, n int) string {
	if a := math.Abs(v); a >= 1e-4 && a < 1e6 {
		n = max(n, 6)
	}
	s := strconv.FormatFloat(v, 'g', n, 64)
	mant, exp, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	power, _ := strconv.Atoi(exp)
	if mant == "1" {
		return "10^" + strconv.Itoa(power)
	}
	return mant + "×10^" + strconv.Itoa(power)
}

// Tick labels may hold one exponent, set smaller and raised.

func tickWidth(pn Pen, s string) vg.Length {
	base, exp, ok := strings.Cut(s, "^")
	if !ok {
		return pn.Width(s)
	}
	return pn.Width(base) + raised(pn).Width(exp)
}

func raised(pn Pen) Pen { pn.Size *= 0.72; return pn }

func (p *Painter) tickText(pn Pen, x, y vg.Length, h, v float64, s string) {
	pn.serif = p.serif
	base, exp, ok := strings.Cut(s, "^")
	if !ok {
		p.Text(pn, x, y, h, v, s)
		return
	}
	x -= vg.Length(h) * tickWidth(pn, s)
	y -= vg.Length(v) * pn.Capital()
	p.Text(pn, x, y, Start, Start, base)
	n := len(p.Texts)
	p.Text(raised(pn), x+pn.Width(base), y+pn.Size*0.36, Start, Start, exp)
	if n > 0 && len(p.Texts) > n { // one label to the tests
		p.Texts[n-1].Box.X1 = p.Texts[n].Box.X1
		p.Texts[n-1].Box.Y1 = p.Texts[n].Box.Y1
		p.Texts = p.Texts[:n]
	}
}

// title is the axis' label in at most n lines of a width: the whole one, else
// the short one, cut only when even that is too long.
func (a *Axis) title(pn Pen, width vg.Length, n int) []string {
	for _, l := range []string{a.Label, a.Short} {
		if lines := pn.balance(l, width); l != "" && len(lines) <= n {
			return lines
		}
	}
	if a.Short != "" {
		return pn.Elide(a.Short, width, n)
	}
	return pn.Elide(a.Label, width, n)
}

// TickLabels are the labels of the ticks, once the axis has its place.
func (a *Axis) TickLabels() (labels []string) {
	for _, t := range a.ticks {
		if t.label != "" {
			labels = append(labels, t.label)
		}
	}
	return labels
}
