package work

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"

	"prabench/models"
)

// Curve is a training's losses, in the order of steps.
type Curve []models.Losses

// last is the mean of one part over the last n points, and how many these were.
func (c Curve) last(n int, part func(models.Losses) float64) (float64, int) {
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
		var l models.Losses
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("a training curve: %w", err)
		}
		c = append(c, l)
	}
	return c, nil
}

// progressSoFar is what a checkpoint does not hold and the result needs.
type progressSoFar struct {
	Seconds float64 `json:"seconds"` // spent in training steps, over all attempts
	Curve   Curve   `json:"curve"`
}

// write replaces the file in one step.
func (p *progressSoFar) write(path string) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%d.part", path, rand.Uint64()) // two machines may train the same for a while
	if err := os.WriteFile(part, raw, 0o644); err != nil {
		os.Remove(part)
		return err
	}
	return os.Rename(part, path)
}

// readProgress is what was kept of the first steps. A file that cannot be read
// costs the seconds and the curve so far, not the training.
func readProgress(path string, steps int) *progressSoFar {
	p := &progressSoFar{}
	raw, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(raw, p) != nil {
		return &progressSoFar{}
	}
	for i, l := range p.Curve {
		if l.Step > steps {
			p.Curve = p.Curve[:i]
			break
		}
	}
	return p
}
