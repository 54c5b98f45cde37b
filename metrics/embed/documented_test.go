package embed

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"prabench/metrics"
	"prabench/metrics/stat"
)

var tables = flag.Bool("tables", false, "measure the tables of metrics/README.md and print them")

// TestTables prints the measured tables of metrics/README.md:
//
//	go test -run Tables -v ./metrics/embed -tables
func TestTables(t *testing.T) {
	if !*tables {
		t.Skip("measures the tables of the README for some minutes; run with -tables")
	}
	const size, pixels, count = 28, 784, 2000
	for _, set := range []string{"mnist", "fashion-mnist"} {
		train, trainLabels := split(t, set, "train")
		test, testLabels := split(t, set, "test")
		for _, want := range []string{Classified, AnyImages} {
			e := mustFor(t, set, size, 1, want)
			features := func(images []uint8, labels []int32) metrics.Features {
				x, err := e.Embed(images, len(labels), size, 1, 2)
				if err != nil {
					t.Fatal(err)
				}
				f, err := metrics.FromFloat32(x, e.Dim(), labels)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			score := func(what string, reference, gen metrics.Features) {
				start := time.Now()
				s, err := metrics.Score(reference, gen)
				if err != nil {
					t.Fatal(err)
				}
				show := func(e stat.Estimate, format string) string {
					return fmt.Sprintf(format+" ["+format+", "+format+"]", e.Value, e.Lo, e.Hi)
				}
				fmt.Printf("| %s | %s | %s | %d / %d | %s | %s | %s | %s | %.1f s |\n", set, e.Name(), what, reference.N, gen.N,
					show(s.Frechet, "%.3f"), show(s.KID, "%.5f"), show(s.Precision, "%.3f"), show(s.Recall, "%.3f"), time.Since(start).Seconds())
			}
			start := time.Now()
			reference, heldOut := features(train, trainLabels), features(test, testLabels)
			fmt.Printf("%s %s %s: %d images embedded in %.1f s\n", set, e.Name(), e.Hash(), reference.N+heldOut.N, time.Since(start).Seconds())
			if c, ok := e.(*Classifier); ok {
				fmt.Printf("%+v\n", c.About)
			}
			cut := func(f metrics.Features, n int) metrics.Features {
				g, err := f.Take(n)
				if err != nil {
					t.Fatal(err)
				}
				return g
			}
			a, b := reference.Halves()
			score("floor, test split", reference, cut(heldOut, count))
			score("train halves", a, cut(b, count))
			score("equal counts", cut(a, count), cut(b, count))

			altered := func(what string, change func(to []uint8, i int)) {
				other := make([]uint8, count*pixels)
				for i := range count {
					change(other[i*pixels:(i+1)*pixels], i)
				}
				score(what, reference, features(other, testLabels[:count]))
			}
			for _, deviation := range []float64{4, 16, 64} {
				draw := splitmix(1)
				altered(fmt.Sprintf("noise, deviation %g grey levels", deviation), func(to []uint8, i int) {
					for j, v := range test[i*pixels : (i+1)*pixels] {
						z := math.Sqrt(-2*math.Log(1-draw.unit())) * math.Cos(2*math.Pi*draw.unit())
						to[j] = uint8(min(max(float64(v)+deviation*z, 0), 255))
					}
				})
			}
			altered("3×3 mean", func(to []uint8, i int) {
				for j := range to {
					sum, n := 0, 0
					for y := max(j/size-1, 0); y <= min(j/size+1, size-1); y++ {
						for x := max(j%size-1, 0); x <= min(j%size+1, size-1); x++ {
							sum += int(test[i*pixels+y*size+x])
							n++
						}
					}
					to[j] = uint8(sum / n)
				}
			})
			altered("quadrants of different images", func(to []uint8, i int) {
				for j := range to {
					from := (i + j%size/(size/2)*7 + j/size/(size/2)*13) % count
					to[j] = test[from*pixels+j]
				}
			})
			altered("100 images, each 20 times", func(to []uint8, i int) {
				copy(to, test[i%100*pixels:][:pixels])
			})
		}
	}
}
