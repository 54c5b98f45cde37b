package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
)

func mustLoad(t testing.TB, s Spec) *Data {
	t.Helper()
	d, err := Load(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The bytes of the shapes are pinned: a change here must raise shapesVersion,
// for Data.Hash is taken over the version and not over the bytes.
func TestShapesGolden(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Set: Shapes, Size: 16, Limit: 200}, "07f1c96fe5ad554edac30c93073f0b0da8250fe9ad1acb714e35c6c83e3aeb0a"},
		{Spec{Set: Shapes, Size: 32, Limit: 64, Channels: 1, Seed: 7}, "1efcf25888105ada6d087255b9bef1149fbebadaf3d7e698b7b21dfc965d5fb6"},
	} {
		d := mustLoad(t, c.spec)
		sum := sha256.Sum256(slices.Concat(d.Train.Pixels, d.Test.Pixels))
		if got := hex.EncodeToString(sum[:]); got != c.want {
			t.Errorf("%+v: pixels have SHA-256 %s, want %s (shapesVersion %d)", c.spec, got, c.want, shapesVersion)
		}
	}
}

func TestShapesDoNotDependOnTheCount(t *testing.T) {
	few, many := mustLoad(t, Spec{Set: Shapes, Size: 12, Limit: 37}), mustLoad(t, Spec{Set: Shapes, Size: 12, Limit: 500})
	if few.Train.N != 37 || many.Train.N != 500 || few.Test.N != shapesTest {
		t.Fatalf("drew %d, %d and %d images", few.Train.N, many.Train.N, few.Test.N)
	}
	if !bytes.Equal(few.Train.Pixels, many.Train.Pixels[:len(few.Train.Pixels)]) || !slices.Equal(few.Train.Labels, many.Train.Labels[:37]) {
		t.Error("the first images change with the number of images")
	}
	if !bytes.Equal(few.Test.Pixels, many.Test.Pixels) {
		t.Error("the test split changes with data.limit")
	}
	if few.Hash == many.Hash {
		t.Error("different data, same hash")
	}
	if more := mustLoad(t, Spec{Set: Shapes, Size: 4, Limit: shapesTrain + 1}); more.Train.N != shapesTrain+1 {
		t.Errorf("limit %d drew %d images", shapesTrain+1, more.Train.N)
	}
}

func TestShapesSeedAndSplitMatter(t *testing.T) {
	a, b := mustLoad(t, Spec{Set: Shapes, Size: 12, Limit: 50, Seed: 1}), mustLoad(t, Spec{Set: Shapes, Size: 12, Limit: 50, Seed: 2})
	if bytes.Equal(a.Train.Pixels, b.Train.Pixels) || a.Hash == b.Hash {
		t.Error("two seeds draw the same")
	}
	if bytes.Equal(a.Train.Pixels, a.Test.Pixels[:len(a.Train.Pixels)]) {
		t.Error("test and training images are the same")
	}
	seen := map[string]bool{}
	each := 12 * 12 * 3
	for i := range a.Test.N {
		seen[string(a.Test.Pixels[i*each:][:each])] = true
	}
	if len(seen) != a.Test.N {
		t.Errorf("%d of %d test images differ", len(seen), a.Test.N)
	}
}

// In every picture, grey ones too, the shape can be told from its background
// and stays inside the frame.
func TestShapesAreVisible(t *testing.T) {
	for i := range 2000 {
		s := newScene(3, 0, uint64(i), i%len(shapes))
		end := s.ground
		for c := range end {
			end[c] += s.fade[c]
		}
		for _, g := range [][3]float64{s.ground, end} {
			if d := lightness(g) - lightness(s.ink); d < 50 && d > -50 {
				t.Errorf("scene %d: lightness of shape and background differ by %.0f", i, d)
			}
		}
		for k := range 64 {
			at := (float64(k) + 0.5) / 64
			for _, p := range [][2]float64{{at, 0}, {at, 1}, {0, at}, {1, at}} {
				if s.coverage(p[0], p[1], 1.0/64) != 0 {
					t.Fatalf("scene %d touches the frame at %v", i, p)
				}
			}
		}
	}
}

// Each outline is what its name says where it is easy to tell.
func TestOutlines(t *testing.T) {
	type at struct {
		x, y   float64
		inside bool
	}
	for name, points := range map[string][]at{
		"circle":   {{0, 0, true}, {0.9, 0, true}, {0.7, 0.7, false}},
		"square":   {{0, 0, true}, {0.69, 0.69, true}, {0.75, 0, false}},
		"triangle": {{0, 0, true}, {0, -0.95, true}, {0.5, -0.9, false}, {0, 0.55, false}},
		"cross":    {{0, 0, true}, {0.9, 0, true}, {0, -0.9, true}, {0.5, 0.5, false}},
		"ring":     {{0, 0, false}, {0.73, 0, true}, {1, 0, false}},
		"star":     {{0, 0, true}, {0, -0.9, true}, {0, 0.6, false}, {0.6, -0.7, false}},
		"crescent": {{-0.8, 0, true}, {0, 0, false}, {0.9, 0, false}},
		"bars":     {{0, 0, false}, {0.4, 0, true}, {-0.4, 0.7, true}, {0.8, 0, false}},
	} {
		i := slices.Index(shapeNames(), name)
		if i < 0 {
			t.Errorf("no shape %s", name)
			continue
		}
		for _, p := range points {
			if got := shapes[i].distance(p.x, p.y) < 0; got != p.inside {
				t.Errorf("%s at (%v, %v): inside = %v", name, p.x, p.y, got)
			}
		}
	}
	if len(shapes) != 8 {
		t.Errorf("%d shapes, 8 are tested", len(shapes))
	}
}

func BenchmarkShapes(b *testing.B) {
	for b.Loop() {
		mustLoad(b, Spec{Set: Shapes})
	}
}
