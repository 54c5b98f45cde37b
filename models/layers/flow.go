package layers

import (
	"math"

	"prabench/models/device"
)

// MinRemain bounds 1 − t from below where a flow whose head predicts the clean token
// divides by it.
const MinRemain = 0.05

// Flow is how a flow is integrated: from noise at t = 0 to the clean values at 1.
type Flow struct {
	Steps    int
	Solver   string  // "euler", "heun", "midpoint" or "euler-maruyama"
	Last     float64 // size of euler-maruyama's last step
	Guidance float64 // 0 is none
	From, To float64 // guidance is on for t within
	Clean    bool    // the clean values are predicted, not the velocity
	Anchor   float64 // time to begin at, but with euler-maruyama
}

// Time is when step i begins; that of the step after the last is 1.
func (f Flow) Time(i int) float64 {
	if f.Solver == "euler-maruyama" && f.Steps > 1 {
		if i == f.Steps {
			return 1
		}
		return (1 - f.Last) * float64(i) / float64(f.Steps-1)
	}
	return f.Anchor + (1-f.Anchor)*float64(i)/float64(f.Steps)
}

// Times are those of the head's evaluations: one per step, two with "midpoint".
func (f Flow) Times() []float64 {
	var out []float64
	for i := range f.Steps {
		out = append(out, f.Time(i))
		if f.Solver == "midpoint" {
			out = append(out, (f.Time(i)+f.Time(i+1))/2)
		}
	}
	return out
}

// Guided says whether guidance is on at a time.
func (f Flow) Guided(t float64) bool { return f.Guidance != 0 && f.From <= t && t <= f.To }

// Inverse is what a velocity is multiplied with at a time: 0 where it is predicted.
func (f Flow) Inverse(t float64) float32 {
	if !f.Clean {
		return 0
	}
	return float32(1 / math.Max(1-t, MinRemain))
}

// Guides says whether guidance is on at any time.
func (f Flow) Guides() bool {
	for _, t := range f.Times() {
		if f.Guided(t) {
			return true
		}
	}
	return false
}

// Evaluations of the head for one token, those of the null class among them.
func (f Flow) Evaluations() int {
	n, times := 0, f.Times()
	at := func(i int) {
		n++
		if f.Guided(times[i]) {
			n++
		}
	}
	for i := range times {
		at(i)
		if f.Solver == "heun" && i < f.Steps-1 {
			at(i + 1)
		}
	}
	return n
}

// aheadRows is for about how many rows modulations are computed at once where the
// backend has no number of its own: enough to make a matrix product of what would be
// products with few rows, few enough to stay in a cache of a processor.
const aheadRows = 128

// Ahead is of how many evaluations, for so many rows each, modulations are computed
// together.
func Ahead(be device.Backend, evaluations, rows int) int {
	ahead := be.Caps().AheadRows
	if ahead == 0 {
		ahead = aheadRows
	}
	return max(1, min(evaluations, ahead/rows))
}

// FlowSolver integrates the flows of a head for at most so many tokens at a time. With
// guidance the conditions of as many tokens again, under the null class, follow theirs.
type FlowSolver struct {
	Flow
	Z device.Buffer // [tokens, width]: noise before, tokens afterwards; twice the room with guidance
	// More and Less are 1 + w and −w of every token, where its guidance is not the weight
	// that Solve is given; else absent.
	More, Less device.Buffer

	head        *Head
	acts        *HeadActs
	at          []float64 // times of the evaluations
	times       device.Buffer
	temb        *TimeActs
	zt, v, v2   device.Buffer
	rep         int // 2 with guidance
	ahead       int // evaluations whose modulations are computed together
	from, have  int // first evaluation and number of those whose modulations are there
	width, rows int
}

// Solver allocates for so many tokens.
func (h *Head) Solver(m *Memory, f Flow, tokens int) *FlowSolver {
	s := &FlowSolver{Flow: f, head: h, at: f.Times(), rep: 1, width: h.Out.Out}
	if f.Guides() {
		s.rep = 2
	}
	all := s.rep * tokens
	s.ahead = Ahead(m.Be, len(s.at), all)
	s.acts = h.Acts(m, all, s.ahead*all, all, len(s.at), false)
	s.times, s.temb = m.Act(len(s.at)), h.Time.Acts(m, len(s.at))
	s.Z, s.zt, s.v = m.Act(all*s.width), m.Act(all*s.width), m.Act(tokens*s.width)
	if f.Solver == "heun" || f.Solver == "euler-maruyama" {
		s.v2 = m.Act(tokens * s.width)
	}
	if m.Err == nil {
		t := make([]float32, len(s.at))
		for i := range t {
			t[i] = float32(s.at[i])
		}
		m.Be.Upload(s.times, t)
	}
	return s
}

// Scratch is room for n values of a token, of no use while it solves.
func (s *FlowSolver) Scratch(n int) device.Buffer { return s.zt.Slice(0, n) }

// Begin prepares what depends on the weights alone.
func (s *FlowSolver) Begin(p *Pass) {
	s.head.Time.Forward(p, s.temb, s.times, len(s.at))
	s.head.Times(p, s.acts, s.temb.Out, len(s.at))
}

// Solve takes the noise of tokens in s.Z to tokens, given their conditions, under a
// guidance weight. noise draws what euler-maruyama adds in a step.
func (s *FlowSolver) Solve(p *Pass, conditions device.Buffer, tokens int, guidance float64, noise func(dst device.Buffer, step int)) {
	s.rows, s.have = tokens, 0
	s.head.Condition(p, s.acts, conditions, s.rep*tokens)
	for i := range s.Steps {
		s.step(p, i, float32(guidance), noise)
	}
}

func (s *FlowSolver) step(p *Pass, i int, guidance float32, noise func(dst device.Buffer, step int)) {
	size := s.rows * s.width
	z, v, zt := s.Z.Slice(0, size), s.v.Slice(0, size), s.zt.Slice(0, size)
	t, e := s.Time(i), i
	dt := s.Time(i+1) - t
	switch {
	case s.Solver == "midpoint":
		e = 2 * i
		s.velocity(p, v, s.Z, e, guidance)
		device.Do(p.Be, device.Mix{Dst: zt, A: 1, X: z, B: float32(dt / 2), Y: v})
		s.velocity(p, v, s.zt, e+1, guidance)
		device.Do(p.Be, device.Mix{Dst: z, A: 1, X: z, B: float32(dt), Y: v})
	case s.Solver == "heun" && i < s.Steps-1:
		v2 := s.v2.Slice(0, size)
		s.velocity(p, v, s.Z, e, guidance)
		device.Do(p.Be, device.Mix{Dst: zt, A: 1, X: z, B: float32(dt), Y: v})
		s.velocity(p, v2, s.zt, e+1, guidance)
		device.Do(p.Be, device.Mix{Dst: v, A: 0.5, X: v, B: 0.5, Y: v2})
		device.Do(p.Be, device.Mix{Dst: z, A: 1, X: z, B: float32(dt), Y: v})
	case s.Solver == "euler-maruyama":
		// dz = (v + ½(t·v − z))·dt + √(1−t)·dW: (t·v − z)/(1−t) is the score, and 1−t how
		// strong the noise is. The last step adds none.
		s.velocity(p, v, s.Z, e, guidance)
		device.Do(p.Be, device.Mix{Dst: z, A: float32(1 - dt/2), X: z, B: float32(dt * (1 + t/2)), Y: v})
		if i < s.Steps-1 {
			n := s.v2.Slice(0, size)
			noise(n, i)
			device.Do(p.Be, device.Mix{Dst: z, A: 1, X: z, B: float32(math.Sqrt((1 - t) * dt)), Y: n})
		}
	default:
		o, null := s.evaluate(p, s.Z, e)
		device.Do(p.Be, device.FlowStep{Z: z, V: v, O: o, Null: null, Guidance: guidance, Inv: s.Inverse(s.at[e]), DT: float32(dt)})
	}
}

// velocity evaluates the head at z and writes the flow's velocity.
func (s *FlowSolver) velocity(p *Pass, v, z device.Buffer, e int, guidance float32) {
	o, null := s.evaluate(p, z, e)
	device.Do(p.Be, device.Velocity{V: v, O: o, Null: null, Z: z.Slice(0, v.N), Guidance: guidance, Inv: s.Inverse(s.at[e])})
}

// evaluate is the head's output at z at the time of evaluation e; where guidance is on
// also that of the null class, unless it is in o already.
func (s *FlowSolver) evaluate(p *Pass, z device.Buffer, e int) (o, null device.Buffer) {
	size, mod := s.rows*s.width, s.modulations(p, e)
	rows := s.rows
	if s.Guided(s.at[e]) {
		rows *= 2
		device.Do(p.Be, device.Copy{Dst: z.Slice(size, size), Src: z.Slice(0, size)})
		null = s.acts.Out.Slice(size, size)
	}
	s.head.Forward(p, s.acts, mod, z.Slice(0, rows*s.width), rows)
	o = s.acts.Out.Slice(0, size)
	if null.Absent() || s.More.Absent() {
		return o, null
	}
	device.Do(p.Be, device.RowMix{
		Dst: o, A: s.More.Slice(0, s.rows), X: o, B: s.Less.Slice(0, s.rows), Y: null, Rows: s.rows, N: s.width, XRows: s.rows,
	})
	return o, device.Buffer{}
}

// modulations are those of evaluation e; where they are missing they are computed
// together with those of the next ones.
func (s *FlowSolver) modulations(p *Pass, e int) device.Buffer {
	rows := s.rep * s.rows
	if e < s.from || e >= s.from+s.have {
		s.from, s.have = e, min(s.ahead, len(s.at)-e)
		s.head.Modulate(p, s.acts, s.temb.Out, s.have*rows, e, s.have, rows)
	}
	size := rows * s.head.Mod.Out
	return s.acts.Mod.Slice((e-s.from)*size, size)
}
