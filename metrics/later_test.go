package metrics

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"prabench/metrics/stat"
)

// The later scores are those of NumPy and SciPy by the definitions, at equal and
// unequal counts. later.py wrote them.
func TestLaterScoresAreThoseOfOthers(t *testing.T) {
	raw, err := os.ReadFile("testdata/oracle/later.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Cases []struct {
			Real, Generated, Features, Classes, Repeated int
			Shift                                        float64
			Sliced, RBF, Infinite, KID, Duplicates       float64
			KIDClass                                     float64 `json:"kid_class"`
			KIDClassWorst                                float64 `json:"kid_class_worst"`
		}
	}
	if err := json.Unmarshal(raw, &oracle); err != nil || len(oracle.Cases) < 6 {
		t.Fatal(len(oracle.Cases), err)
	}
	for _, c := range oracle.Cases {
		real, gen := madeUp(c.Real, c.Features, 1, 0), madeUp(c.Generated, c.Features, 2, c.Shift)
		copy(gen.X[(gen.N-c.Repeated)*gen.D:], gen.X[:c.Repeated*gen.D])
		real.Labels, gen.Labels = cyclic(real.N, c.Classes), cyclic(gen.N, c.Classes)
		kid, err := KID(real, gen)
		if err != nil {
			t.Fatal(err)
		}
		type value struct {
			name           string
			got, want, off float64
		}
		values := []value{{"kernel distance", kid, c.KID, 1e-9}}
		put := func(name string, e stat.Estimate, err error, want, off float64) {
			if err != nil {
				t.Fatal(name, err)
			}
			if !(e.Lo <= e.Value && e.Value <= e.Hi) || e.N != gen.N {
				t.Errorf("%s: %+v", name, e)
			}
			values = append(values, value{name, e.Value, want, off})
		}
		e, err := KIDEstimate(real, gen)
		put("kernel distance with its interval", e, err, c.KID, 1e-9)
		e, err = SlicedWasserstein(real, gen)
		put("sliced distance", e, err, c.Sliced, 1e-9*c.Sliced)
		e, err = RBF(real, gen)
		put("rbf", e, err, c.RBF, 1e-9*c.RBF+1e-11)
		e, err = Duplicates(real, gen)
		put("duplicates", e, err, c.Duplicates, 1e-12)
		mean, worst, err := KIDByClass(real, gen)
		put("kid by class", mean, err, c.KIDClass, 1e-9)
		put("kid of the worst class", worst, err, c.KIDClassWorst, 1e-9)
		if min(real.N, gen.N) >= 2*(real.D+2) {
			e, err = FrechetInfinite(real, gen)
			put("infinite", e, err, c.Infinite, 1e-6*math.Abs(c.Infinite)+1e-9)
		}
		for _, v := range values {
			if !(math.Abs(v.got-v.want) <= v.off) {
				t.Errorf("%d against %d images of %d features: %s is %v, theirs %v", c.Real, c.Generated, c.Features, v.name, v.got, v.want)
			}
		}
	}
}

func cyclic(n, classes int) []int32 {
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(i % classes)
	}
	return labels
}

// without is the set without the images of a block.
func without(f Features, b int) Features {
	block, _ := deal(f)
	var keep []int
	for i := range f.N {
		if block[i] != b {
			keep = append(keep, i)
		}
	}
	return f.pick(keep)
}

// An interval is the jackknife of the values with a block of either side left out,
// computed from nothing but the remaining images.
func TestLaterIntervalsLeaveBlocksOut(t *testing.T) {
	real, gen := normal(1, 90, 4, 1, 0), normal(2, 110, 4, 1.3, .4)
	real.Labels, gen.Labels = cyclic(90, 2), cyclic(110, 2)
	copy(gen.X[100*4:], gen.X[:10*4])
	plain := map[string]func(real, gen Features) (stat.Estimate, error){
		"sliced": SlicedWasserstein, "rbf": RBF, "duplicates": Duplicates,
		"kid_class": func(r, g Features) (stat.Estimate, error) { e, _, err := KIDByClass(r, g); return e, err },
		"worst":     func(r, g Features) (stat.Estimate, error) { _, e, err := KIDByClass(r, g); return e, err },
		"pairs": func(r, g Features) (stat.Estimate, error) {
			v, left, err := kidLeftByPairs(r, g)
			return stat.DeleteGroup(v, g.N, left[:]...), err
		},
	}
	for name, of := range plain {
		e, err := of(real, gen)
		if err != nil {
			t.Fatal(name, err)
		}
		var left [2][]float64
		for b := range 20 {
			for s, sides := range [2][2]Features{{without(real, b), gen}, {real, without(gen, b)}} {
				v, err := of(sides[0], sides[1])
				if err != nil {
					t.Fatal(name, err)
				}
				left[s] = append(left[s], v.Value)
			}
		}
		want := stat.DeleteGroup(e.Value, gen.N, left[:]...)
		if math.Abs(e.SE-want.SE) > 1e-9*want.SE {
			t.Errorf("%s: standard error %v, by definition %v", name, e.SE, want.SE)
		}
	}
	mono, byPairs := must(KIDEstimate(real, gen)), must(plain["pairs"](real, gen))
	if math.Abs(mono.Value-byPairs.Value) > 1e-12 || math.Abs(mono.SE-byPairs.SE) > 1e-9*mono.SE {
		t.Errorf("kernel distance by monomials %+v, by pairs %+v", mono, byPairs)
	}
}

func must(e stat.Estimate, err error) stat.Estimate {
	if err != nil {
		panic(err)
	}
	return e
}

// Real images against real ones lie around 0, below as often as above, where the
// plain distance lies far above; a known distance is found.
func TestInfiniteCentresOnTheTruth(t *testing.T) {
	for _, c := range []struct {
		n, m         int
		scale, shift float64
		truth        float64
	}{
		{400, 400, 1, 0, 0},
		{1200, 400, 1, 0, 0},
		{400, 400, 1.5, .5, 8 * (.5*.5 + .5*.5)},
	} {
		var sum, squares, plain float64
		below, held := 0, 0
		const draws = 60
		for i := range uint64(draws) {
			real, gen := normal(100+i, c.n, 8, 1, 0), normal(900+i, c.m, 8, c.scale, c.shift)
			e := must(FrechetInfinite(real, gen))
			sum += e.Value / draws
			squares += e.Value * e.Value / draws
			plain += must(FrechetEstimate(real, gen)).Value / draws
			if e.Value < c.truth {
				below++
			}
			if !e.Excludes(c.truth) {
				held++
			}
		}
		t.Logf("%+v: mean %.4f, plain %.4f, %d below, %d of %d intervals hold the truth", c, sum, plain, below, held, draws)
		off := max(.1*(plain-c.truth), 3*math.Sqrt((squares-sum*sum)/draws)) // what is left of the bias, or three standard errors
		if math.Abs(sum-c.truth) > off || off > .5*(plain-c.truth) && c.truth == 0 ||
			below < draws/5 || below > draws*4/5 || held < draws*85/100 {
			t.Errorf("%+v: mean %g, plain %g, %d of %d below, %d hold", c, sum, plain, below, draws, held)
		}
	}
}

// The sliced distance of two shifted copies is 3 times the squared shift: D times
// the mean of (u·s)² over directions is ‖s‖². Of equal sets it is 0.
func TestSlicedClosedForm(t *testing.T) {
	a := normal(1, 50, 6, 1, 0)
	b := Features{N: a.N, D: a.D, X: make([]float64, len(a.X))}
	for i, v := range a.X {
		b.X[i] = v + .7
	}
	if e := must(SlicedWasserstein(a, b)); math.Abs(e.Value/(3*6*.49)-1) > .1 {
		t.Errorf("%g, want about %g", e.Value, 3*6*.49)
	}
	if e := must(SlicedWasserstein(a, a)); e.Value != 0 {
		t.Errorf("%+v of equal sets", e)
	}
}

// A constant generator repeats itself; exact copies are found among real images
// that have copies themselves.
func TestDuplicatesOfConstantsAndCopies(t *testing.T) {
	real, gen := normal(1, 200, 5, 1, 0), normal(2, 200, 5, 1, 0)
	floor := must(Duplicates(real, gen))
	if floor.Value > .06 || floor.Lo > .01 {
		t.Errorf("%+v of unlike images", floor)
	}
	same := Features{N: 200, D: 5, X: make([]float64, 1000)}
	for i := range same.X {
		same.X[i] = .1 * float64(i%5)
	}
	if e := must(Duplicates(real, same)); e.Value != 1 || !e.HasInterval() {
		t.Errorf("%+v of one image over and over", e)
	}
	copy(real.X[100*5:], real.X[:100*5])
	copy(gen.X[190*5:], gen.X[:10*5])
	if e := must(Duplicates(real, gen)); e.Value != .1 {
		t.Errorf("%+v of 20 copies in 200", e)
	}
}

func TestLaterScoresRefuse(t *testing.T) {
	ok := normal(1, 40, 3, 1, 0)
	labelled := ok
	labelled.Labels = cyclic(40, 2)
	other := labelled
	other.Labels = cyclic(40, 3)
	few := labelled
	few.Labels = cyclic(40, 11)
	zero := normal(2, 40, 3, 1, 0)
	copy(zero.X[9:12], []float64{0, 0, 0})
	wide := normal(3, 40, 30, 1, 0)
	for _, c := range []struct {
		of   func() error
		want string
	}{
		{func() error { _, err := FrechetInfinite(wide, wide); return err }, "at least 64 images are needed"},
		{func() error { _, err := RBF(ok, zero); return err }, "in image 3 of the generated images"},
		{func() error { _, _, err := KIDByClass(ok, labelled); return err }, "have no classes"},
		{func() error { _, _, err := KIDByClass(labelled, other); return err }, "classes [0 1], generated ones of [0 1 2]"},
		{func() error { _, _, err := KIDByClass(few, few); return err }, "class 7 has 3 real images"},
		{func() error { _, err := SlicedWasserstein(ok, wide); return err }, "must pass the same embedder"},
		{func() error { _, err := Duplicates(ok.pick([]int{1, 2, 3}), ok); return err }, "at least 4 images"},
	} {
		if err := c.of(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
