package stage

import (
	"encoding/json"
	"math"
	"testing"
	"testing/quick"

	"prabench/models"
)

// Canonical text written at once is what encoding/json writes of the same tree,
// whatever the fields hold.
func TestCanonicalIsWhatJSONWrites(t *testing.T) {
	same := func(v any) bool {
		want, err := written(v)
		got, fail := canonical(nil, v)
		if (err == nil) != (fail == nil) || err == nil && string(got) != string(want) {
			t.Errorf("%s (%v), want %s (%v)", got, fail, want, err)
			return false
		}
		return true
	}
	if err := quick.Check(func(data, split, precision string, samples int, m models.Config, tr models.TrainConfig, s models.SampleConfig) bool {
		w := &writer{parts: map[string]writtenPart{}} // remembers, and must not mistake one part for another
		for _, id := range []identity{
			{data, []string{split, "<"}, "é", trainPart{data, m, tr, precision}}, {data, []string{}, "é", trainPart{data, m, tr, precision}},
			{split, []string{split}, "é", trainPart{split, m, tr, precision}}, {data, []string{}, "s", samplePart{s, samples, precision}},
		} {
			want, _ := written(id)
			if _, got, err := w.key(id); err != nil || string(got) != string(want) {
				t.Errorf("%s (%v), want %s", got, err, want)
				return false
			}
		}
		return same(identity{data, []string{split, "<"}, "é", trainPart{data, m, tr, precision}}) && same(samplePart{s, samples, precision}) &&
			same(referencePart{data, split, precision, samples, 1}) && same(timePart{Sample: s, Device: split, Batch: samples})
	}, nil); err != nil {
		t.Error(err)
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1e-6, 9.999e-7, 1e-7, 1e-9, 1e20, 1e21, -1e21, 1.5e300, 0.1, 1234567.25, math.Inf(1), math.NaN()} {
		same(trainPart{Train: models.TrainConfig{LR: x, Clip: -x}})
	}
	for _, v := range []any{nil, struct{}{}, map[string]int{"b": 1, "a": 2}, []string(nil), []byte("x"), "a\"b", true, uint64(math.MaxUint64), json.RawMessage(`{"b": 1, "a": 2}`),
		struct{ B, A int }{1, 2}, struct {
			P *int `json:"p"`
		}{}} {
		same(v)
	}
}
