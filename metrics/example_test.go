package metrics_test

import (
	"fmt"
	"math/rand/v2"

	"prabench/metrics"
)

// normal draws n features of two numbers, the first around the mean.
func normal(r *rand.Rand, n int, mean float64) metrics.Features {
	x := make([]float32, 2*n)
	for i := range n {
		x[2*i], x[2*i+1] = float32(mean+r.NormFloat64()), float32(r.NormFloat64())
	}
	f, err := metrics.FromFloat32(x, 2, nil)
	if err != nil {
		panic(err)
	}
	return f
}

// The Fréchet distance of two normal distributions of equal covariance is the
// square of the distance of their means: here 3² = 9. The interval says how far
// finite samples carry.
func ExampleFrechetEstimate() {
	r := rand.New(rand.NewPCG(1, 2))
	real, generated := normal(r, 5000, 0), normal(r, 5000, 3)
	d, err := metrics.FrechetEstimate(real, generated)
	if err != nil {
		panic(err)
	}
	fmt.Printf("distance %.1f, 9 is within its interval: %v\n", d.Value, d.Lo < 9 && 9 < d.Hi)
	same, err := metrics.Frechet(real, real)
	if err != nil {
		panic(err)
	}
	fmt.Printf("of a set to itself: %.3f\n", same)
	// Output:
	// distance 8.9, 9 is within its interval: true
	// of a set to itself: 0.000
}

// Without a floor a distance says little: two halves of the same real images
// are that far apart, with the same counts.
func ExampleFloor() {
	r := rand.New(rand.NewPCG(3, 4))
	reference, heldOut := normal(r, 2000, 0), normal(r, 500, 0)
	floor, err := metrics.Floor(reference, heldOut, 500)
	if err != nil {
		panic(err)
	}
	scores, err := metrics.Score(reference, normal(r, 500, 0.5))
	if err != nil {
		panic(err)
	}
	fmt.Println("generated images are farther away than real ones:", scores.Frechet.Value > 10*floor.Frechet.Value)
	// Output:
	// generated images are farther away than real ones: true
}
