package stage

import (
	"slices"
	"testing"

	"prabench/models"
	"prabench/models/pra"
)

var defaults = pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()}

func none(*Settings, *Costs) Effort { return Effort{} }
func free(Host) int64               { return 0 }

// Kinds of a small world of their own: some cells have a tokenizer, which goes
// before their trainings, and some are scored.
var (
	tokens = &Kind{Name: "tokens", Version: "1", Effort: none, Memory: free,
		Wanted: func(s *Settings) bool { return s.Embedder == "tokens" },
		Part:   func(s *Settings) any { return s.DataHash }}
	training = &Kind{Name: "training", Version: "1", Effort: none, Memory: free, Optional: []*Kind{tokens}, Chief: tokens,
		Part: func(s *Settings) any { return models.Table(s.Params, "train") }}
	continued = &Kind{Name: "continued", Version: "1", Effort: none, Memory: free, Inputs: []*Kind{training}, Chief: training,
		Asks: []Capability{Continues}}
	decoded = &Kind{Name: "decoded", Version: "1", Effort: none, Memory: free, Inputs: []*Kind{training, tokens}, Chief: training}
)

func init() { Register(tokens, training, continued, decoded) }

func TestAStageThatSomeCellsHaveBeforeTheirTraining(t *testing.T) {
	s := Settings{DataHash: "d", Params: defaults}
	plain, err := Of(s)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Key(tokens) != "" || plain.Key(decoded) != "" || plain.Key(training) == "" {
		t.Fatalf("without a tokenizer: %q", plain)
	}
	config, err := Config(s, training)
	if err != nil {
		t.Fatal(err)
	}
	bare, _, err := Key("training", "1", defaults.Train)
	if err != nil || plain.Key(training) != bare {
		t.Errorf("an optional input that is absent changes the key, the hash of %s", config)
	}

	s.Embedder = "tokens"
	a, _ := Of(s)
	s.Params = s.Params.Seeded(7)
	b, _ := Of(s)
	if a.Key(tokens) == "" || a.Key(tokens) != b.Key(tokens) || a.Key(training) == b.Key(training) || a.Key(decoded) == "" {
		t.Errorf("two seeds do not share the tokenizer: %q, %q", a, b)
	}
	for _, st := range a.Stages() {
		if st.Kind == training && (st.Input(tokens) != a.Key(tokens) || !slices.Equal(st.Needs(), []string{a.Key(tokens)}) ||
			st.By()["tokens"] != a.Key(tokens)) {
			t.Errorf("the training's inputs: %q", st.Inputs)
		}
		if st.Kind == decoded && (st.Input(training) != a.Key(training) || st.Input(tokens) != a.Key(tokens) || st.Input(continued) != "") {
			t.Errorf("the inputs of %s: %q", st.Kind, st.Inputs)
		}
	}
	for _, st := range plain.Stages() {
		if st.Kind == training && (len(st.Needs()) != 0 || len(st.By()) != 0 || st.Input(tokens) != "") {
			t.Errorf("a training without tokenizer needs %q", st.Inputs)
		}
	}
}

func TestAStageIsPlannedOnlyForModelsThatCanDoIt(t *testing.T) {
	s := Settings{Params: defaults}
	if c, _ := Of(s); c.Key(continued) == "" {
		t.Error("the default model has no prefixes")
	}
	s.Params = pra.Edit(s.Params, func(p *pra.Params) { p.Model.Patch = p.Model.Size })
	if c, _ := Of(s); c.Key(continued) != "" || c.Key(training) == "" {
		t.Error("a model of one token is continued")
	}
	if s.Can("fly") {
		t.Error("a model can do what nobody has heard of")
	}
}

func TestKnownChainsHaveTheKeysOfTheirKinds(t *testing.T) {
	c := Known(map[string]string{"training": "t", "tokens": "k", "of another program": "x"})
	if c.Key(training) != "t" || c.Key(tokens) != "k" || c.Key(continued) != "" || len(c.Stages()) != 2 {
		t.Errorf("%q", c)
	}
	if Chain(nil).Key(training) != "" {
		t.Error("a chain that is not known has a key")
	}
	if Named("of another program") != nil || Named("tokens") != tokens {
		t.Error("kinds are not found by their names")
	}
}

func TestKindsThatCannotBeAreRefused(t *testing.T) {
	good := func() *Kind {
		return &Kind{Name: "good", Version: "1", Effort: none, Memory: free, Inputs: []*Kind{training}, Chief: training}
	}
	if p := good().problem(); p != "" {
		t.Fatal(p)
	}
	for name, spoil := range map[string]func(*Kind){
		"a name of two words":      func(k *Kind) { k.Name = "two words" },
		"a name twice":             func(k *Kind) { k.Name = "tokens" },
		"no version":               func(k *Kind) { k.Version = "" },
		"no effort":                func(k *Kind) { k.Effort = nil },
		"no memory":                func(k *Kind) { k.Memory = nil },
		"no chief":                 func(k *Kind) { k.Chief = nil },
		"a chief that is no input": func(k *Kind) { k.Chief = tokens },
		"itself as input":          func(k *Kind) { k.Inputs = append(k.Inputs, k) },
		"an input that comes later": func(k *Kind) {
			k.Optional = []*Kind{good()}
		},
	} {
		k := good()
		if spoil(k); k.problem() == "" {
			t.Errorf("%s: not refused", name)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: registered", name)
				}
			}()
			Register(k)
		}()
	}
}
