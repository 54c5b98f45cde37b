package models

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Averages are decays of averaged weights: one number, or several between commas,
// "0.99, 0.999". A training keeps an average for each; the first is "ema".
type Averages string

// MostAverages is how many a training may keep: each is as large as the model.
const MostAverages = 8

// AveragesOf is the text of decays.
func AveragesOf(decays ...float64) Averages {
	var texts []string
	for _, d := range decays {
		texts = append(texts, strconv.FormatFloat(d, 'g', -1, 64))
	}
	return Averages(strings.Join(texts, ", "))
}

// Decays are the numbers of the text, at least one.
func (a Averages) Decays() []float64 {
	var out []float64
	for _, name := range a.Names() {
		d, err := strconv.ParseFloat(name, 64)
		if err != nil {
			panic("models: decays of averaged weights: " + err.Error()) // only AveragesOf makes them
		}
		out = append(out, d)
	}
	return out
}

// Names are the decays as text, which is what sample.weights may say.
func (a Averages) Names() []string {
	if a == "" {
		return []string{"0"}
	}
	return strings.Split(string(a), ", ")
}

// Weights are the allowed values of sample.weights for a training that keeps these.
func (a Averages) Weights() []string {
	out := []string{"ema", "raw"}
	if names := a.Names(); len(names) > 1 {
		out = append(out, names...)
	}
	return out
}

// CheckWeights says what is wrong with a value of sample.weights.
func (a Averages) CheckWeights(weights string) error {
	return OneOf("sample.weights", weights, a.Weights()...)
}

// Check says what is wrong with the decays.
func (a Averages) Check() error {
	const key = "train.ema"
	names := a.Names()
	for i, d := range a.Decays() {
		if err := Within(key, d, 0, 1); err != nil {
			return err
		}
		if slices.Contains(names[:i], names[i]) {
			return BadKey(key, "%s is listed twice; allowed: different decays", names[i])
		}
	}
	if len(names) > MostAverages {
		return BadKey(key, "%d averages; allowed: up to %d", len(names), MostAverages)
	}
	return nil
}

// Decay is the decay of an average in the step after done others: it follows the weights
// faster at first, min(decay, (1+n)/(10+n)) with n = done.
func Decay(decay float64, done int) float64 {
	s := float64(done + 1)
	return math.Min(decay, s/(9+s))
}

// Unreached are the decays that a training of so many steps never comes to, since that of
// its last step is smaller: averages of two such decays are the same.
func (a Averages) Unreached(steps int) (names []string) {
	for i, d := range a.Decays() {
		if d > Decay(d, steps-1) {
			names = append(names, a.Names()[i])
		}
	}
	return names
}

// UnmarshalTOML accepts a number, or an array of numbers.
func (a *Averages) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var decays []float64
	for _, x := range list {
		d, ok := x.(float64)
		if n, isInt := x.(int64); isInt {
			d, ok = float64(n), true
		}
		if !ok || math.IsNaN(d) || math.IsInf(d, 0) {
			return fmt.Errorf("%v is no decay; allowed: a number such as 0.999, or an array of them such as [0.99, 0.999]", x)
		}
		decays = append(decays, d+0) // -0 becomes 0: equal settings have one text
	}
	if len(decays) == 0 {
		return fmt.Errorf("an empty array; allowed: a number such as 0.999, or an array of them such as [0.99, 0.999]")
	}
	*a = AveragesOf(decays...)
	return nil
}

// MarshalJSON writes one decay as the number that it was before there could be several.
func (a Averages) MarshalJSON() ([]byte, error) {
	if d := a.Decays(); len(d) > 1 {
		return json.Marshal(d)
	}
	return json.Marshal(a.Decays()[0])
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Averages) UnmarshalJSON(raw []byte) error {
	var list []float64
	if len(raw) > 0 && raw[0] != '[' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("no decay of averaged weights")
	}
	*a = AveragesOf(list...)
	return nil
}
