package stage

import (
	"testing"

	"prabench/models"
	"prabench/results/record"
)

func settings() Settings {
	return Settings{
		DataHash: "d", EmbedderHash: "e", Model: models.DefaultConfig(), Train: models.DefaultTrain(), Sample: models.DefaultSample(),
		Count: 100, Reference: "train", Samples: 200, Batch: 50,
		Measure: Measure{Device: "cpu", Precision: "fp32", Batch: 64, Warmup: 1, Rounds: 3, Threads: 2, TrainSteps: 10},
	}
}

// TestAKeyChangesExactlyWithWhatItsStageReads lists, for a change of one
// setting, the stages that have to be done again. All others are shared.
func TestAKeyChangesExactlyWithWhatItsStageReads(t *testing.T) {
	all := []string{record.Reference, record.Train, record.Draw, record.Score, record.Time}
	for name, c := range map[string]struct {
		change func(*Settings)
		again  []string
	}{
		"nothing":         {func(s *Settings) {}, nil},
		"data":            {func(s *Settings) { s.DataHash = "other" }, all},
		"embedder":        {func(s *Settings) { s.EmbedderHash = "other" }, []string{record.Reference, record.Score}},
		"reference split": {func(s *Settings) { s.Reference = "test" }, []string{record.Reference, record.Score}},
		"reference count": {func(s *Settings) { s.Samples = 0 }, []string{record.Reference, record.Score}},
		"model":           {func(s *Settings) { s.Model.Patch = 4 }, []string{record.Train, record.Draw, record.Score, record.Time}},
		"seed":            {func(s *Settings) { s.Train.Seed++ }, []string{record.Train, record.Draw, record.Score, record.Time}},
		"threads":         {func(s *Settings) { s.Train.Threads++ }, []string{record.Train, record.Draw, record.Score, record.Time}},
		"guidance":        {func(s *Settings) { s.Sample.Guidance = 1 }, []string{record.Draw, record.Score, record.Time}},
		"sample count":    {func(s *Settings) { s.Count = 50 }, []string{record.Reference, record.Draw, record.Score}},
		"sampling batch":  {func(s *Settings) { s.Batch = 7 }, nil},
		"timing rounds":   {func(s *Settings) { s.Measure.Rounds = 5 }, []string{record.Time}},
		"device":          {func(s *Settings) { s.Measure.Device = "cuda:0" }, []string{record.Time}},
		"precision":       {func(s *Settings) { s.Measure.Precision = "bf16" }, []string{record.Train, record.Draw, record.Score, record.Time}},
		"time-out":        {func(s *Settings) { s.Measure.Timeout = 1 }, nil},
		"save interval":   {func(s *Settings) { s.SaveEvery = 1 }, nil},
		"jobs":            {func(s *Settings) { s.Beside = 3 }, nil},
	} {
		before, err := Of(settings())
		if err != nil {
			t.Fatal(err)
		}
		s := settings()
		c.change(&s)
		after, err := Of(s)
		if err != nil {
			t.Fatal(err)
		}
		again := map[string]bool{}
		for _, kind := range c.again {
			again[kind] = true
		}
		for _, kind := range all {
			if changed := before.Key(kind) != after.Key(kind); changed != again[kind] {
				t.Errorf("%s: key of %s changed: %v, expected %v", name, kind, changed, again[kind])
			}
		}
	}
}

// A key that changes without a new version of the code makes everything in
// people's databases stale.
func TestKeysOfOlderDatabasesHold(t *testing.T) {
	s := settings()
	s.Train.LR, s.Measure.Precision = 1e-7, "bf16"
	c, err := Of(s)
	if err != nil {
		t.Fatal(err)
	}
	for kind, key := range map[string]string{
		record.Reference: "04d0b713834dcd8c84fa35e0736d9167748bf8eabcef0b336519e77a3f2d07a1",
		record.Train:     "74eb54becf8fd48dcafab4968770f4bf476aece152b27a1c7928774bfc4e6cd2",
		record.Draw:      "9147a025a2d64ba50e35f23ca3235293a64584acb7cba099c6cb1502b3c8b397",
		record.Score:     "e4f0b865dd083452191ac9adc372f17617b5f64bca9a75b32381239b09dfacf9",
		record.Time:      "b3e56e647d25464796398362eddbd8699addfc4bceb5dd5acf11ed8f15a29c70",
	} {
		if c.Key(kind) != key {
			config, _ := Config(s, kind)
			t.Errorf("%s: %s, before %s; it is the hash of %s", kind, c.Key(kind), key, config)
		}
	}
}

func TestExactIsTheNumberItStandsFor(t *testing.T) {
	a, b := settings(), settings()
	a.Train.RolloutDepth, b.Train.RolloutDepth = models.Exact, models.Depth(b.Model.ARSteps())
	ca, _ := Of(a)
	cb, _ := Of(b)
	if ca.Key(record.Train) != cb.Key(record.Train) {
		t.Error("exact and K are trained twice")
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
