package page

import "math"

// Axis places values between two ends of a picture, linearly or by their
// logarithms.
type Axis struct {
	Log         bool
	from, to    float64 // places of the ends
	least, most float64 // values at the ends
	low, high   float64 // values that are shown
}

// NewAxis shows the values from low to high between two places, with a share
// room of their distance left free at both ends. A log axis needs positive
// values.
func NewAxis(low, high, room, from, to float64, log bool) Axis {
	a := Axis{Log: log, from: from, to: to, low: low, high: high}
	a.least, a.most = a.scale(low), a.scale(high)
	if d := (a.most - a.least) * room; d > 0 {
		a.least, a.most = a.least-d, a.most+d
	} else if a.most <= a.least {
		a.least, a.most = a.least-1, a.most+1
	}
	return a
}

func (a Axis) scale(v float64) float64 {
	if a.Log {
		return math.Log(v)
	}
	return v
}

// At is the place of a value, to a tenth.
func (a Axis) At(v float64) float64 {
	return math.Round((a.from+(a.scale(v)-a.least)/(a.most-a.least)*(a.to-a.from))*10) / 10
}

// Ticks are round numbers on the axis, about n of them where it is linear.
func (a Axis) Ticks(n int) []float64 {
	if a.Log {
		return logTicks(a.low, a.high, n)
	}
	return linearTicks(a.low, a.high, n)
}

// linearTicks are round numbers between two others, about n of them.
func linearTicks(from, to float64, n int) []float64 {
	if !(to > from) {
		return []float64{from}
	}
	raw := (to - from) / float64(n)
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if size*m >= raw {
			size *= m
			break
		}
	}
	var out []float64
	first := math.Ceil(from/size-1e-9) + 0 // no negative zero
	for i := first; i*size <= to*(1+1e-9); i++ {
		out = append(out, i*size)
		if i+1 == i || len(out) > 10*n { // two neighbouring numbers: there is nothing round between them
			break
		}
	}
	return out
}

// logTicks are 1, 2 and 5 times powers of ten between two positive numbers, or
// powers alone when there would be many; where there would be fewer than two,
// linear ones.
func logTicks(from, to float64, n int) []float64 {
	every := 1.0 // of the powers, where they are hundreds
	collect := func(factors ...float64) (out []float64) {
		first := math.Floor(math.Log10(from))
		for e := math.Ceil(first/every) * every; e <= math.Ceil(math.Log10(to)); e += every {
			for _, f := range factors {
				if x := f * math.Pow(10, e); x >= from && x <= to {
					out = append(out, x)
				}
			}
		}
		return out
	}
	ticks := collect(1, 2, 5)
	switch {
	case len(ticks) > 6:
		every = max(1, math.Ceil(math.Log10(to/from)/12))
		ticks = collect(1)
	case len(ticks) < 2:
		ticks = linearTicks(from, to, n)
	}
	return ticks
}
