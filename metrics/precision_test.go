package metrics

import (
	"math"
	"slices"
	"testing"

	"prabench/metrics/stat"
)

// covered is the definition: the share of points in the union of k-NN balls.
func covered(centres, points Features, k int) float64 {
	dist := func(x, y []float64) float64 {
		var s float64
		for i := range x {
			s += (x[i] - y[i]) * (x[i] - y[i])
		}
		return s
	}
	radius := make([]float64, centres.N)
	for i := range radius {
		var d []float64
		for j := range centres.N {
			if j != i {
				d = append(d, dist(centres.row(i), centres.row(j)))
			}
		}
		slices.Sort(d)
		radius[i] = d[k-1]
	}
	hits := 0
	for p := range points.N {
		for i := range radius {
			if dist(points.row(p), centres.row(i)) <= radius[i] {
				hits++
				break
			}
		}
	}
	return float64(hits) / float64(points.N)
}

func TestPrecisionRecallEqualsItsDefinition(t *testing.T) {
	real, gen := normal(1, 130, 4, 1, 0), normal(2, 97, 4, 1.4, .4)
	for _, k := range []int{1, 3, 5} {
		p, r, err := PrecisionRecall(real, gen, k)
		if err != nil {
			t.Fatal(err)
		}
		var left [2][2][]float64 // [precision, recall][side]
		for side, f := range []Features{real, gen} {
			block, g := deal(f)
			for out := range g {
				var keep []int
				for i := range f.N {
					if block[i] != out {
						keep = append(keep, i)
					}
				}
				sets := []Features{real, gen}
				sets[side] = f.pick(keep)
				left[0][side] = append(left[0][side], covered(sets[0], sets[1], k))
				left[1][side] = append(left[1][side], covered(sets[1], sets[0], k))
			}
		}
		for what, c := range []struct {
			got  stat.Estimate
			want float64
		}{{p, covered(real, gen, k)}, {r, covered(gen, real, k)}} {
			ref := stat.DeleteGroup(c.want, gen.N, left[what][0], left[what][1]).Within(0, 1)
			if c.got.Value != c.want || math.Abs(c.got.SE-ref.SE) > 1e-12 || math.Abs(c.got.Lo-ref.Lo) > 1e-12 {
				t.Errorf("k=%d, quantity %d: %+v, want %+v", k, what, c.got, ref)
			}
		}
	}
}

func TestPrecisionRecallExtremes(t *testing.T) {
	real := normal(1, 100, 3, 1, 0)
	p, r, err := PrecisionRecall(real, real, 3)
	if err != nil || p.Value != 1 || r.Value != 1 {
		t.Errorf("a set against itself: %+v %+v %v", p, r, err)
	}
	p, r, _ = PrecisionRecall(real, normal(2, 100, 3, 1, 1000), 3)
	// No group hits anything: a jackknife would say that none ever will.
	if p.Value != 0 || r.Value != 0 || r.Method != stat.Wilson || r.Lo != 0 || r.Hi < 0.03 || r.Hi > 0.05 {
		t.Errorf("far apart: %+v %+v", p, r)
	}
	// One real image repeated: precise, without recall.
	one := Features{N: 100, D: 3}
	for range one.N {
		one.X = append(one.X, real.row(0)...)
	}
	p, r, _ = PrecisionRecall(real, one, 3)
	if p.Value != 1 || r.Value > .01 {
		t.Errorf("one image repeated: %+v %+v", p, r)
	}
	if _, _, err := PrecisionRecall(real, normal(3, 4, 3, 1, 0), 3); err == nil {
		t.Error("4 images with k=3 were accepted")
	}
}

func BenchmarkPrecisionRecall(b *testing.B) {
	real, gen := normal(1, 10000, 64, 1, 0), normal(2, 2000, 64, 1, .1)
	for b.Loop() {
		if _, _, err := PrecisionRecall(real, gen, Neighbours); err != nil {
			b.Fatal(err)
		}
	}
}

// What is refused before anything is trained is what cannot be scored, to the image.
func TestCountsThatCannotBeScored(t *testing.T) {
	set := func(n int) Features {
		f := Features{N: n, D: 2, X: make([]float64, 2*n)}
		for i := range f.X {
			f.X[i] = float64(mix(uint64(i))%1000) / 1000
		}
		return f
	}
	for real := 1; real <= 24; real++ {
		for gen := 1; gen <= 24; gen++ {
			_, err := Score(set(real), set(gen))
			if foreseen := CheckScore(real, gen); (err == nil) != (foreseen == nil) {
				t.Errorf("%d real and %d drawn images: %v, foreseen %v", real, gen, err, foreseen)
			}
			for _, l := range LaterScores {
				if l.Classes || l.Least != nil { // they ask for more than a number of images
					continue
				}
				_, err := l.Of(set(real), set(gen))
				if foreseen := l.Enough(real, gen); (err == nil) != (foreseen == nil) {
					t.Errorf("%s of %d real and %d drawn images: %v, foreseen %v", l.Name, real, gen, err, foreseen)
				}
			}
			for _, metric := range []string{"fid_proxy", "kid", "precision"} {
				_, err := ScoreBy(metric, set(real), set(gen))
				if foreseen := CheckScoreBy(metric, real, gen); (err == nil) != (foreseen == nil) {
					t.Errorf("%s of %d real and %d drawn images: %v, foreseen %v", metric, real, gen, err, foreseen)
				}
			}
		}
	}
	const want = "precision and recall: k=3 neighbours do not fit 5 images: at least 6 are needed"
	if err := CheckScore(100, 5); err == nil || err.Error() != want {
		t.Error(err)
	}
}
