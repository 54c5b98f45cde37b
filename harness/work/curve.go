package work

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"prabench/models/pra"
)

// Curve is a training's losses, in the order of steps.
type Curve []pra.Losses

// last is the mean of one part over the last n points, and how many these were.
func (c Curve) last(n int, part func(pra.Losses) float64) (float64, int) {
	n = min(n, len(c))
	var sum float64
	for _, l := range c[len(c)-n:] {
		sum += part(l)
	}
	return sum / float64(max(n, 1)), n
}

func (c Curve) write(path string) error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	for _, l := range c {
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// ReadCurve reads the content of a curve file.
func ReadCurve(raw []byte) (Curve, error) {
	var c Curve
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		var l pra.Losses
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("a training curve: %w", err)
		}
		c = append(c, l)
	}
	return c, nil
}

// progressSoFar is what a result needs of the steps so far. It lies in the
// checkpoint itself: two files could tell of different steps.
type progressSoFar struct {
	Seconds float64 `json:"seconds"` // spent in training steps, over all attempts
	Curve   Curve   `json:"curve"`
}
