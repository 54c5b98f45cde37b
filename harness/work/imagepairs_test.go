package work

import (
	"math/rand/v2"
	"testing"

	"prabench/metrics"
	"prabench/metrics/embed"
)

// Hits of single images are those that the score counts.
func TestHitsOfImagesAreTheAccuracy(t *testing.T) {
	e, err := embed.For("fashion-mnist", 28, 1, "auto")
	if err != nil {
		t.Fatal(err)
	}
	c := e.(*embed.Classifier)
	const n = 60
	r := rand.New(rand.NewPCG(1, 14))
	pixels := make([]uint8, n*28*28)
	for i := range pixels {
		if i%28 > 8 && i%28 < 20 && i/28%28 > r.IntN(9) { // blobs, so that not all are of one class
			pixels[i] = uint8(120 + r.IntN(100))
		}
	}
	x, err := e.Embed(pixels, n, 28, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen, _ := c.ClassifyFeatures(x)
	labels := EvenLabels(n, 10)
	for i := range n / 2 { // a known half is right
		labels[i] = seen[i]
	}
	of, err := metrics.FromFloat32(x, e.Dim(), labels)
	if err != nil {
		t.Fatal(err)
	}
	want, err := metrics.ClassAccuracy(seen, labels)
	if err != nil {
		t.Fatal(err)
	}
	hits := 0.0
	for i, h := range asked(c, of) {
		if h != 0 && h != 1 || i < n/2 && h != 1 {
			t.Errorf("image %d: %g", i, h)
		}
		hits += h
	}
	if hits/n != want.Value || hits == n {
		t.Errorf("%g of %d hits, an accuracy of %g", hits, n, want.Value)
	}
}
