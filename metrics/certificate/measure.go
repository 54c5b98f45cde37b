package certificate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/stat"
)

// Split is real images that are read one at a time.
type Split struct {
	N      int
	Labels []int32
	Read   func(i int, into []uint8) error
}

// Subject is what is certified, and how.
type Subject struct {
	Extractor      embed.Embedder
	Data, DataHash string
	Size, Channels int
	Train, HeldOut Split
	Images         int // on each side; 0 is [DefaultImages], or fewer of a small set
	Threads        int
	// Known is what an earlier attempt measured, by name; Keep is given all of it after
	// every set of images. Both may be nil.
	Known map[string]Pair
	Keep  func(known map[string]Pair) error
	// Progress is called for each set of images, and of portions of the largest; its error
	// stops the measuring.
	Progress func(done, total int, what string) error
}

// Pair is both distances of one set, by [Metrics], with what their intervals are
// made of.
type Pair [2]metrics.LeftOut

// DefaultImages is how many images are on each side where there are enough.
const DefaultImages = 2000

// poolOf is how many images of the training split are compared with each other.
func poolOf(train, images int) int { return min(train, 30*images) }

// count is how many images there are on each side: half of the held-out ones where
// these are enough, since sets without some of the classes are drawn from them.
func (s *Subject) count() (int, error) {
	n, least := s.Images, s.Extractor.Dim()+1
	if n == 0 {
		n = DefaultImages
	}
	most := s.HeldOut.N
	if most/2 >= least {
		most /= 2
	}
	n = min(n, s.Train.N, most)
	if n < least || n < metrics.Least {
		return 0, &TooFew{s.Train.N, s.HeldOut.N, s.Extractor.Dim()}
	}
	return n, nil
}

// measuring is a measurement under way.
type measuring struct {
	*Subject
	n           int
	reference   metrics.Features
	held        metrics.Pictures
	done, total int
}

// Measure measures and judges.
func Measure(s Subject) (*Certificate, error) {
	if s.Known == nil {
		s.Known = map[string]Pair{}
	}
	n, err := s.count()
	if err != nil {
		return nil, err
	}
	m := &measuring{Subject: &s, n: n}
	c := &Certificate{Version: Version, Extractor: s.Extractor.Name(), ExtractorHash: s.Extractor.Hash(), Features: s.Extractor.Dim(),
		Data: s.Data, DataHash: s.DataHash, Size: s.Size, Channels: s.Channels, Images: n, Failed: []Finding{}, Untested: []Finding{}}
	drops := m.drops()
	m.total = 1 + len(damages)*Severities + len(drops) + Severities + 3 + 1
	real, err := m.chosen(s.Train, n)
	if err != nil {
		return nil, err
	}
	if m.held, err = m.chosen(s.HeldOut, n); err != nil {
		return nil, err
	}
	if m.reference, err = m.embed(real); err != nil {
		return nil, err
	}
	if why := sameEverywhere(m.reference); why != nil {
		return nil, fmt.Errorf("%s: %w", s.Extractor.Name(), why)
	}
	base, err := m.measured("real images", func() (metrics.Pictures, error) { return m.held, nil })
	if err != nil {
		return nil, err
	}
	c.Baseline = base.scores()
	for _, d := range damages {
		r, err := m.response(d.kind, d.unit, d.severities[:], base, func(s float64) (metrics.Pictures, error) { return m.damaged(d, s), nil })
		if err != nil {
			return nil, err
		}
		c.Responses = append(c.Responses, r)
	}
	dropped, err := m.response(DroppedClasses, "classes without an image", drops, base, m.without)
	if err != nil {
		return nil, err
	}
	repeated, err := m.response(Repeated, "times each image is there", repeats(n), base, m.repeated)
	if err != nil {
		return nil, err
	}
	c.Responses = append(c.Responses, dropped, repeated)
	for _, kind := range []string{constantImage, MeanImage, colouredNoise} {
		p, err := m.measured(kind, func() (metrics.Pictures, error) {
			per := s.Size * s.Size * s.Channels
			return metrics.Pictures{N: n, Size: s.Size, Channels: s.Channels, Pixels: controlPixels(kind, real.Pixels, n, per, n)}, nil
		})
		if err != nil {
			return nil, err
		}
		control := Control{Kind: kind, Scores: p.scores()}
		for i, score := range control.Scores {
			control.Worse[i] = score.above(c.Baseline[i])
		}
		c.Controls = append(c.Controls, control)
	}
	pool, err := m.pool()
	if err != nil {
		return nil, err
	}
	if c.Real, err = realAgainstReal(pool, func() error { return m.tell("real images against real images") }); err != nil {
		return nil, err
	}
	c.judge(s.Train.N, s.HeldOut.N, classes(s.HeldOut.Labels))
	return c, nil
}

func (m *measuring) tell(what string) error {
	if m.Progress == nil {
		return nil
	}
	return m.Progress(m.done, m.total, what)
}

// Chosen are n images of a split, spread evenly over its classes, as a score's are.
func Chosen(s Split, n, size, channels int) (metrics.Pictures, error) {
	numbers := metrics.Features{N: s.N, D: 1, X: make([]float64, s.N), Labels: s.Labels}
	for i := range numbers.X {
		numbers.X[i] = float64(i)
	}
	taken, err := numbers.Take(n)
	if err != nil {
		return metrics.Pictures{}, err
	}
	at := make([]int, n)
	for i, v := range taken.X {
		at[i] = int(v)
	}
	return s.read(at, size, channels)
}

func (s Split) read(at []int, size, channels int) (metrics.Pictures, error) {
	per := size * size * channels
	p := metrics.Pictures{N: len(at), Size: size, Channels: channels, Pixels: make([]uint8, len(at)*per)}
	for i, from := range at {
		if err := s.Read(from, p.Pixels[i*per:(i+1)*per]); err != nil {
			return p, err
		}
		if s.Labels != nil {
			p.Labels = append(p.Labels, s.Labels[from])
		}
	}
	return p, nil
}

func (m *measuring) chosen(s Split, n int) (metrics.Pictures, error) {
	return Chosen(s, n, m.Size, m.Channels)
}

// portion is how many bytes of images are embedded before somebody may stop it.
const portion = 16 << 20

func (m *measuring) embed(p metrics.Pictures) (metrics.Features, error) {
	per := m.Size * m.Size * m.Channels
	var x []float32
	for at, k := 0, 0; at < p.N; at += k {
		k = min(p.N-at, max(1, portion/per))
		part, err := m.Extractor.Embed(p.Pixels[at*per:(at+k)*per], k, m.Size, m.Channels, m.Threads)
		if err != nil {
			return metrics.Features{}, fmt.Errorf("features of %s: %w", m.Extractor.Name(), err)
		}
		x = append(x, part...)
		if err := m.tell("embedding"); err != nil {
			return metrics.Features{}, err
		}
	}
	return metrics.FromFloat32(x, m.Extractor.Dim(), p.Labels)
}

// pool is the features of real images that are compared with each other.
func (m *measuring) pool() (metrics.Features, error) {
	order := rand.New(rand.NewPCG(23, 29)).Perm(m.Train.N)[:poolOf(m.Train.N, m.n)]
	slices.Sort(order)
	out := metrics.Features{D: m.Extractor.Dim()}
	per := m.Size * m.Size * m.Channels
	for k := max(1, portion/per); len(order) > 0; order = order[min(k, len(order)):] {
		p, err := m.Train.read(order[:min(k, len(order))], m.Size, m.Channels)
		if err != nil {
			return out, err
		}
		f, err := m.embed(p)
		if err != nil {
			return out, err
		}
		out.N += f.N
		out.X = append(out.X, f.X...)
	}
	return out, nil
}

// measured is both distances of a set, known or measured now.
func (m *measuring) measured(name string, images func() (metrics.Pictures, error)) (Pair, error) {
	if err := m.tell(name); err != nil {
		return Pair{}, err
	}
	m.done++
	if p, ok := m.Known[name]; ok {
		return p, nil
	}
	var p Pair
	pictures, err := images()
	if err != nil {
		return p, err
	}
	gen, err := m.embed(pictures)
	if err != nil {
		return p, err
	}
	var errs [2]error
	p[0], errs[0] = metrics.FrechetLeftOut(m.reference, gen)
	p[1], errs[1] = metrics.KIDLeftOut(m.reference, gen)
	if err := errors.Join(errs[:]...); err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	m.Known[name] = p
	if m.Keep != nil {
		err = m.Keep(m.Known)
	}
	return p, err
}

func (p Pair) scores() (out [2]Score) {
	for i, l := range p {
		out[i] = scoreOf(estimate(i, l))
	}
	return out
}

// estimate is a distance of [Metrics] with its interval, as the metric gives it: no
// Fréchet distance is negative.
func estimate(metric int, l metrics.LeftOut) stat.Estimate {
	e := l.Estimate()
	if metric == 0 {
		e = e.Within(0, math.Inf(1))
	}
	return e
}

// response is both distances at all severities of one kind of damage.
func (m *measuring) response(kind, unit string, severities []float64, base Pair,
	images func(s float64) (metrics.Pictures, error),
) (Response, error) {
	r := Response{Kind: kind, Unit: unit, Severities: severities}
	var all []Pair
	for _, s := range severities {
		p, err := m.measured(kind+" "+strconv.FormatFloat(s, 'g', -1, 64), func() (metrics.Pictures, error) { return images(s) })
		if err != nil {
			return r, err
		}
		all = append(all, p)
	}
	for i := range r.Curves {
		at := make([]metrics.LeftOut, len(all))
		for k, p := range all {
			at[k] = p[i]
		}
		r.Curves[i] = curveOf(i, base[i], at, severities)
	}
	return r, nil
}

func curveOf(metric int, base metrics.LeftOut, at []metrics.LeftOut, severities []float64) Curve {
	var c Curve
	values := make([]float64, len(at))
	real := scoreOf(estimate(metric, base))
	for k, l := range at {
		values[k] = l.Value
		c.Scores = append(c.Scores, scoreOf(estimate(metric, l)))
	}
	for k := len(at) - 1; k >= 0 && c.Scores[k].above(real); k-- {
		c.First = k + 1
	}
	if len(at) > 1 {
		c.Tau, _, _, _ = Kendall(severities, values)
	}
	pairs := float64(len(at) * (len(at) - 1) / 2)
	for j := range at {
		for i := range j {
			// Each pair is tested at its share of the level (Bonferroni).
			if d := at[i].To(at[j]); d.Value < 0 && d.P < stat.Level/pairs {
				c.Falls = append(c.Falls, [2]int{i + 1, j + 1})
			}
		}
	}
	return c
}

func (m *measuring) damaged(d damage, severity float64) metrics.Pictures {
	p := m.held
	p.Pixels = slices.Clone(p.Pixels)
	per := m.Size * m.Size * m.Channels
	for i := range p.N {
		d.apply(p.Pixels[i*per:(i+1)*per], m.Size, m.Channels, severity, rand.New(rand.NewPCG(uint64(i), 31)))
	}
	return p
}

// Kinds of damage to a set, whose images are real ones.
const (
	DroppedClasses = "dropped classes"
	Repeated       = "repeated images"
)

func classes(labels []int32) int {
	l := slices.Clone(labels)
	slices.Sort(l)
	return len(slices.Compact(l))
}

// drops are numbers of classes to leave out that leave enough held-out images.
func (m *measuring) drops() (out []float64) {
	k := classes(m.HeldOut.Labels)
	all := []int{1, 2, 5, k / 10, k / 2}
	slices.Sort(all)
	for _, d := range slices.Compact(all) {
		if d < 1 || d > k/2 || m.left(d) < m.n {
			continue
		}
		out = append(out, float64(d))
	}
	return out
}

// left is how many held-out images the classes from the d-th on have.
func (m *measuring) left(d int) (n int) {
	kept := keptClasses(m.HeldOut.Labels, d)
	for _, l := range m.HeldOut.Labels {
		if kept[l] {
			n++
		}
	}
	return n
}

func keptClasses(labels []int32, dropped int) map[int32]bool {
	l := slices.Clone(labels)
	slices.Sort(l)
	kept := map[int32]bool{}
	for _, c := range slices.Compact(l)[dropped:] {
		kept[c] = true
	}
	return kept
}

// without are as many held-out images, none of the first classes.
func (m *measuring) without(dropped float64) (metrics.Pictures, error) {
	kept := keptClasses(m.HeldOut.Labels, int(dropped))
	var at []int
	s := Split{Read: m.HeldOut.Read}
	for i, l := range m.HeldOut.Labels {
		if kept[l] {
			at, s.Labels = append(at, i), append(s.Labels, l)
		}
	}
	s.N, s.Read = len(at), func(i int, into []uint8) error { return m.HeldOut.Read(at[i], into) }
	return m.chosen(s, m.n)
}

// repeats are how often each image may be there.
func repeats(n int) (out []float64) {
	for _, k := range []float64{2, 5, 10, 20, 50, 100} {
		if n >= 2*int(k) {
			out = append(out, k)
		}
	}
	return out
}

// repeated are held-out images of which each is there several times.
func (m *measuring) repeated(times float64) (metrics.Pictures, error) {
	few := (m.n + int(times) - 1) / int(times)
	p, err := m.chosen(m.HeldOut, few)
	if err != nil {
		return p, err
	}
	at := make([]int, m.n)
	for i := range at {
		at[i] = i % few
	}
	of := Split{N: few, Labels: p.Labels, Read: func(i int, into []uint8) error { copy(into, p.Pixels[i*len(into):]); return nil }}
	return of.read(at, m.Size, m.Channels)
}

// sameEverywhere refuses features that tell no two images apart.
func sameEverywhere(f metrics.Features) error {
	for i, v := range f.X {
		if v != f.X[i%f.D] {
			return nil
		}
	}
	return fmt.Errorf("all %d real images have the same features: no distance in them can say anything", f.N)
}
