package metrics

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestBlocksAreBalanced(t *testing.T) {
	for _, n := range []int{8, 40, 97, 2000} {
		for name, label := range map[string]func(i int) int32{
			"cyclic":   func(i int) int32 { return int32(i % 10) },
			"by class": func(i int) int32 { return int32(i * 10 / n) },
		} {
			f := Features{N: n, D: 1, X: make([]float64, n), Labels: make([]int32, n)}
			for i := range n {
				f.Labels[i] = label(i)
			}
			block, g := deal(f)
			size := make([]int, g)
			class := make(map[[2]int]int)
			for i, b := range block {
				size[b]++
				class[[2]int{b, int(f.Labels[i])}]++
			}
			for b := range g {
				if size[b] < n/g || size[b] > n/g+1 {
					t.Errorf("n=%d %s: block %d has %d images", n, name, b, size[b])
				}
				for c := range 10 {
					if d := class[[2]int{b, c}] - n/g/10; d < -1 || d > 1 {
						t.Errorf("n=%d %s: block %d has %d of class %d", n, name, b, class[[2]int{b, c}], c)
					}
				}
			}
		}
	}
	// Without labels no period of the file order may show: cyclic classes
	// must not fall into one block each.
	block, g := deal(Features{N: 2000, D: 1, X: make([]float64, 2000)})
	seen := make([]map[int]bool, g)
	for i, b := range block {
		if seen[b] == nil {
			seen[b] = map[int]bool{}
		}
		seen[b][i%10] = true
	}
	for b := range seen {
		if len(seen[b]) != 10 {
			t.Errorf("block %d holds %d of 10 cyclic classes", b, len(seen[b]))
		}
	}
}

func TestClassAccuracy(t *testing.T) {
	e, err := ClassAccuracy([]int32{1, 2, 3, 4}, []int32{1, 2, 3, 0})
	// Wilson for 3 of 4: 0.3006 to 0.9544.
	if err != nil || e.Value != .75 || math.Abs(e.Lo-.30064) > 1e-4 || math.Abs(e.Hi-.95441) > 1e-4 {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := ClassAccuracy([]int32{1}, nil); err == nil {
		t.Error("unequal lengths were accepted")
	}
}

func TestBadFeaturesAreRefused(t *testing.T) {
	good := normal(1, 50, 3, 1, 0)
	nan := normal(1, 50, 3, 1, 0)
	nan.X[7] = math.NaN()
	for _, c := range []struct {
		a, b Features
		want string
	}{
		{good, nan, "generated images: features: image 2 has the value NaN in feature 1"},
		{good, normal(1, 50, 4, 1, 0), "must pass the same embedder"},
		{Features{N: 1, D: 3, X: make([]float64, 3)}, good, "real images: features: 1 images"},
		{Features{N: 50, D: 3, X: make([]float64, 3)}, good, "3 numbers for 50 images"},
		{good, normal(1, 3, 3, 1, 0), "at least 4 images"},
	} {
		for _, of := range []func(a, b Features) error{
			func(a, b Features) error { _, err := FrechetEstimate(a, b); return err },
			func(a, b Features) error { _, err := KIDEstimate(a, b); return err },
			func(a, b Features) error { _, _, err := PrecisionRecall(a, b, 1); return err },
		} {
			if err := of(c.a, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		}
	}
}

func TestTakeAndHalves(t *testing.T) {
	f := Features{N: 100, D: 1}
	for i := range f.N {
		f.X = append(f.X, float64(i))
		f.Labels = append(f.Labels, int32(i%5))
	}
	g, err := f.Take(40)
	if err != nil || g.N != 40 {
		t.Fatal(g.N, err)
	}
	count := map[int32]int{}
	for i, l := range g.Labels {
		count[l]++
		if int32(g.X[i])%5 != l {
			t.Error("a label left its image")
		}
	}
	for c, n := range count {
		if n != 8 {
			t.Errorf("class %d: %d images, want 8", c, n)
		}
	}
	a, b := f.Halves()
	seen := map[float64]bool{}
	for _, v := range append(append([]float64(nil), a.X...), b.X...) {
		seen[v] = true
	}
	if a.N != 50 || b.N != 50 || len(seen) != 100 {
		t.Errorf("halves of %d and %d, %d different", a.N, b.N, len(seen))
	}
	if _, err := f.Take(101); err == nil {
		t.Error("101 of 100 images were taken")
	}
}

func TestFloorIsBelowABadGenerator(t *testing.T) {
	real, held := normal(1, 1000, 8, 1, 0), normal(2, 600, 8, 1, 0)
	floor, err := Floor(real, held, 500)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := Score(real, normal(3, 500, 8, 1.1, .2))
	if err != nil {
		t.Fatal(err)
	}
	if floor.Frechet.Hi >= bad.Frechet.Lo || floor.KID.Value >= bad.KID.Lo || floor.Frechet.N != 500 {
		t.Errorf("floor %+v, bad generator %+v", floor, bad)
	}
	cut, _ := real.Take(500)
	taken, _ := held.Take(500)
	p, r, err := PrecisionRecall(cut, taken, Neighbours)
	if err != nil || p != floor.Precision || r != floor.Recall {
		t.Errorf("precision and recall %+v %+v are not those of equal counts, %+v %+v", floor.Precision, floor.Recall, p, r)
	}
	if _, err := Floor(real, held, 601); err == nil || !strings.Contains(err.Error(), "there are 600") {
		t.Errorf("601 of 600: %v", err)
	}
}

func TestProtocol(t *testing.T) {
	p := Protocol{Embedder: "e", EmbedderHash: "ab", Data: "mnist", DataHash: "cd", Split: "train", Size: 28, Channels: 1, Reference: 60000,
		Samples: 2000}
	const want = "metrics=1 embedder=e embedder_hash=ab data=mnist data_hash=cd split=train size=28 channels=1 reference=60000 samples=2000"
	if p.String() != want {
		t.Errorf("%s\nwant %s", p, want)
	}
	q := p
	q.Samples = rand.IntN(1000)
	if p.Hash() == q.Hash() || len(p.Hash()) != 64 || p.Map()["split"] != "train" {
		t.Error("different protocols share a hash, or the map lacks a field")
	}
}
