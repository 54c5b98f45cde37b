package stage

import (
	"encoding/json"
	"math"
	"testing"
	"testing/quick"

	"prabench/models"
	"prabench/models/pra"
)

// trained and drawn are parts such as kinds of stages have.
type trained struct {
	Data      string          `json:"data"`
	Model     pra.Config      `json:"model"`
	Train     pra.TrainConfig `json:"train"`
	Precision string          `json:"precision,omitempty"`
}

type drawn struct {
	Sample    pra.SampleConfig `json:"sample"`
	Count     int              `json:"count"`
	Precision string           `json:"precision,omitempty"`
}

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
	if err := quick.Check(func(data, split, precision string, samples int, m pra.Config, tr pra.TrainConfig, s pra.SampleConfig) bool {
		// No text at random is a list of decays.
		tr.EMA = models.AveragesOf(append([]float64{tr.LR}, []float64{tr.Clip, tr.Mix}[:samples&1]...)...)
		w := &writer{parts: map[string]writtenPart{}} // remembers, and must not mistake one part for another
		for _, id := range []identity{
			{data, []string{split, "<"}, "é", trained{data, m, tr, precision}}, {data, []string{}, "é", trained{data, m, tr, precision}},
			{split, []string{split}, "é", trained{split, m, tr, precision}}, {data, []string{}, "s", drawn{s, samples, precision}},
		} {
			want, _ := written(id)
			if _, got, err := w.key(id); err != nil || string(got) != string(want) {
				t.Errorf("%s (%v), want %s", got, err, want)
				return false
			}
		}
		return same(identity{data, []string{split, "<"}, "é", trained{data, m, tr, precision}}) && same(drawn{s, samples, precision}) &&
			same(struct {
				Data, Embedder, Split string
				Samples, Count        int
			}{data, split, precision, samples, 1}) && same(Measure{Device: split, Batch: samples})
	}, nil); err != nil {
		t.Error(err)
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1e-6, 9.999e-7, 1e-7, 1e-9, 1e20, 1e21, -1e21, 1.5e300, 0.1, 1234567.25,
		math.Inf(1), math.NaN()} {
		same(trained{Train: pra.TrainConfig{LR: x, Clip: -x}})
	}
	for _, v := range []any{nil, struct{}{}, map[string]int{"b": 1, "a": 2}, []string(nil), []byte("x"), "a\"b", true, uint64(math.MaxUint64),
		json.RawMessage(`{"b": 1, "a": 2}`),
		struct{ B, A int }{1, 2}, struct {
			P *int `json:"p"`
		}{}} {
		same(v)
	}
}

func TestKeysDoNotDependOnTheOrderOfFields(t *testing.T) {
	a, _, err := Key("train", "1", struct {
		A int     `json:"a"`
		B float64 `json:"b"`
	}{1, 0.1})
	if err != nil {
		t.Fatal(err)
	}
	b, config, err := Key("train", "1", struct {
		B float64 `json:"b"`
		A int     `json:"a"`
	}{0.1, 1})
	if err != nil || a != b || len(a) != 64 {
		t.Errorf("%s %s %v", a, b, err)
	}
	if want := `{"code":"1","inputs":[],"kind":"train","part":{"a":1,"b":0.1}}`; string(config) != want {
		t.Errorf("%s", config)
	}
}

// A field that came later is left out at the value that its absence means, at
// zero it is written.
func TestLaterFieldsAreLeftOutAtTheirAbsentValue(t *testing.T) {
	type recipe struct {
		LR     float64 `json:"lr"`
		Beta2  float64 `json:"beta2" absent:"0.95"`
		Solver string  `json:"solver" absent:"euler"`
		Extra  int     `json:"extra" absent:"0"`
	}
	type part struct {
		Train recipe `json:"train"`
	}
	for _, c := range []struct {
		recipe recipe
		want   string
	}{
		{recipe{0.1, 0.95, "euler", 0}, `{"train":{"lr":0.1}}`},
		{recipe{0.1, 0, "", 0}, `{"train":{"beta2":0,"lr":0.1,"solver":""}}`},
		{recipe{0.1, 0.9, "heun", 3}, `{"train":{"beta2":0.9,"extra":3,"lr":0.1,"solver":"heun"}}`},
	} {
		if got, err := canonical(nil, part{c.recipe}); err != nil || string(got) != c.want {
			t.Errorf("%+v: %s, %v; want %s", c.recipe, got, err, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a later field in a struct that only encoding/json can write is written into keys")
		}
	}()
	canonical(nil, struct {
		recipe
		Beta3 float64 `json:"beta3" absent:"1"`
	}{})
}

// Settings travel to workers, to programs of earlier revisions among them, and lie
// in frozen plans: the model's tables stand beside the rest, a family only where it
// is not the default one.
func TestSettingsTravelAsTheyDid(t *testing.T) {
	s := Settings{DataHash: "d", Count: 3, Params: defaults.Seeded(5), Measure: Measure{Device: "cpu", Timeout: 7}}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var tables struct {
		Family *string
		Model  pra.Config
		Train  pra.TrainConfig
		Sample pra.SampleConfig
		Count  int
	}
	if err := json.Unmarshal(raw, &tables); err != nil {
		t.Fatal(err)
	}
	if tables.Family != nil || tables.Model != defaults.Model || tables.Train.Seed != 5 || tables.Sample != defaults.Sample ||
		tables.Count != 3 {
		t.Errorf("%s", raw)
	}
	var back Settings
	if err := json.Unmarshal(raw, &back); err != nil || back != s {
		t.Errorf("%+v, %v; was %+v", back, err, s)
	}
	if err := json.Unmarshal([]byte(`{"family":"x","model":{}}`), &back); err == nil {
		t.Error("a family that nobody has is read")
	}
	var none Settings
	if raw, err = json.Marshal(Settings{Count: 1}); err != nil || json.Unmarshal(raw, &none) != nil || none.Params != nil || none.Count != 1 {
		t.Errorf("settings without a model: %s, %v", raw, err)
	}
}

// Images whose labels are numbers have the key that they have always had; only where a
// data set's classes number them are those in it.
func TestClassesAreInTheKeyOfNamedLabelsAlone(t *testing.T) {
	o := Outside{Name: "x.npz", SHA256: "f00d", Count: 7}
	raw, err := Canonical(o)
	if err != nil || string(raw) != `{"count":7,"name":"x.npz","sha256":"f00d"}` {
		t.Errorf("%s, %v", raw, err)
	}
	o.Classes = "c1a55e5"
	if raw, err = Canonical(o); err != nil || string(raw) != `{"classes":"c1a55e5","count":7,"name":"x.npz","sha256":"f00d"}` {
		t.Errorf("%s, %v", raw, err)
	}
}
