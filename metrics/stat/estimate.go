package stat

// Confidence of every interval, and Level, what is left for a false alarm over
// all comparisons of one question.
const (
	Confidence = 0.95
	Level      = 0.05
)

// Estimate is a value with its 95 % interval, if it has one.
type Estimate struct {
	Value  float64
	Lo, Hi float64 // of the interval; 0 and without meaning where Method is None
	SE     float64 // standard error that the interval was made from; 0 where it was made without one
	N      int     // images, rounds, seeds, … behind the value
	Method Method  // None: there is no interval
}

// Point is a value without an interval.
func Point(value float64, n int) Estimate { return Estimate{Value: value, N: n} }

// HasInterval says whether Lo and Hi mean anything.
func (e Estimate) HasInterval() bool { return e.Method != None }

// Bounds are pointers to the ends of the interval, both nil where there is none:
// the form in which values are stored.
func (e Estimate) Bounds() (lo, hi *float64) {
	if !e.HasInterval() {
		return nil, nil
	}
	return &e.Lo, &e.Hi
}

// FromBounds is the estimate of stored values; one end alone is no interval.
func FromBounds(value float64, lo, hi *float64, n int, m Method) Estimate {
	e := Point(value, n)
	if lo == nil || hi == nil || m == None {
		return e
	}
	return e.with(*lo, *hi, 0, m)
}

// Within keeps the interval inside the range that the quantity can take.
func (e Estimate) Within(lo, hi float64) Estimate {
	if e.HasInterval() {
		e.Lo, e.Hi = max(e.Lo, lo), min(e.Hi, hi)
	}
	return e
}

// Excludes says that there is an interval and v lies outside.
func (e Estimate) Excludes(v float64) bool { return e.HasInterval() && (v < e.Lo || e.Hi < v) }

// Apart says that both have intervals and these do not meet.
func (e Estimate) Apart(o Estimate) bool {
	return e.HasInterval() && o.HasInterval() && (e.Hi < o.Lo || o.Hi < e.Lo)
}

func (e Estimate) with(lo, hi, se float64, m Method) Estimate {
	e.Lo, e.Hi, e.SE, e.Method = lo, hi, se, m
	return e
}

// Difference is an estimate of b − a, or of a shift, with its test.
type Difference struct {
	Estimate
	P float64 // two-sided, of no difference; NaN where there is no test
	R float64 // correlation of the pairs, of [Paired] and [PairedGroups] alone
}

// Separated says that there is an interval and it leaves out zero.
func (d Difference) Separated() bool { return d.Excludes(0) }
