package work

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models"
)

// Curve is a training's losses, in the order of steps.
type Curve []models.Losses

// lossMetrics are the losses that are kept as metrics: those of them that a
// training has, each a mean over the last points of its curve.
var lossMetrics = []struct {
	loss   string
	metric *quantity.Metric
}{{models.Total, quantity.TrainLoss}, {"flow", quantity.FlowLoss}, {"rec", quantity.RecLoss}}

// LossName is what a loss is called beside metrics, in figures of a curve: its
// metric's name where it has one.
func LossName(loss string) string {
	for _, of := range lossMetrics {
		if of.loss == loss {
			return of.metric.Name
		}
	}
	return loss
}

// last is the mean of one loss over the last n points, and how many of them have
// it.
func (c Curve) last(n int, loss string) (mean float64, of int) {
	var sum float64
	for _, l := range c[len(c)-min(n, len(c)):] {
		if v, ok := l.Of(loss); ok {
			sum += v
			of++
		}
	}
	return sum / float64(max(of, 1)), of
}

// leastRise is the fewest points of a curve whose tenths have medians worth comparing.
const leastRise = 50

// rise is the median of the last tenth of the losses over the lowest of the medians of
// all tenths; ok is false for curves too short to tell. Points that lack a loss of the
// last one are of another part of the training, as a tokenizer's: they minimise another loss.
func (c Curve) rise() (rise float64, of int, ok bool) {
	var losses []float64
	for _, l := range c {
		lacks := func(v models.Loss) bool {
			_, has := l.Of(v.Name)
			return !has
		}
		if !slices.ContainsFunc(c[len(c)-1].Values, lacks) {
			losses = append(losses, l.Total())
		}
	}
	if len(losses) < leastRise {
		return 0, 0, false
	}
	of = len(losses) / 10
	lowest, last := math.Inf(1), 0.0
	for end := len(losses); end >= of; end -= of {
		m := stat.Median(losses[end-of:end], stat.None).Value
		if end == len(losses) {
			last = m
		}
		lowest = min(lowest, m)
	}
	return last / lowest, of, lowest > 0
}

// drop leaves out a last point that only the end of a shorter training made.
func (c *Curve) drop(every int) {
	*c = slices.DeleteFunc(*c, func(l models.Losses) bool { return l.Step%every != 0 })
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

// progressSoFar is what a result needs of the steps so far. It lies in the
// checkpoint itself: two files could tell of different steps.
type progressSoFar struct {
	Seconds float64 `json:"seconds"` // spent in training steps, over all attempts
	Curve   Curve   `json:"curve"`

	Memory int64 `json:"memory,omitempty"` // largest resident size of the process that trained the tokenizer
}
