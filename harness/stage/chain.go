package stage

import (
	"encoding/json"
	"slices"
	"sync"

	"prabench/harness/artifact"
)

// Stage is content-addressed work. What its key is the hash of is written again
// when it is asked for, see [Config]: a sweep has more stages than memory for
// their texts.
type Stage struct {
	Key  string
	Kind *Kind
	// Inputs are the keys of what it builds on, in the order of its kind's inputs,
	// optional ones and those aside; "" for one of the latter two that the cell has not.
	Inputs []string
}

// Ref is the stage's artifact.
func (s Stage) Ref() artifact.Ref { return s.Kind.Ref(s.Key) }

// By gives the keys of the inputs by the names of their kinds.
func (s Stage) By() map[string]string {
	by := make(map[string]string, len(s.Inputs))
	for i, at := range inputPlaces[s.Kind.place-1] {
		if i < len(s.Inputs) && s.Inputs[i] != "" {
			by[kinds[at].Name] = s.Inputs[i]
		}
	}
	return by
}

// Input is the key of the input of a kind, "" where there is none.
func (s Stage) Input(k *Kind) string {
	if k != nil {
		for i, at := range inputPlaces[s.Kind.place-1] {
			if at == k.place-1 && i < len(s.Inputs) {
				return s.Inputs[i]
			}
		}
	}
	return ""
}

// Needs are the keys of the inputs that there are.
func (s Stage) Needs() []string { return present(s.Inputs) }

// present is keys without the absent ones; as a rule all are there.
func present(keys []string) []string {
	if !slices.Contains(keys, "") {
		return keys
	}
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == "" })
}

// Chain is the keys of one cell's stages, in the order of [Kinds]; "" for a
// kind that the cell does not ask for.
type Chain []string

// Known is a chain of which the keys are known already, by the names of their
// kinds. A kind that this program does not know is left out.
func Known(keys map[string]string) Chain {
	c := make(Chain, len(kinds))
	for name, key := range keys {
		if k := Named(name); k != nil {
			c[k.place-1] = key
		}
	}
	return c
}

// Key is the key of the stage of a kind, "" where the cell has none.
func (c Chain) Key(k *Kind) string {
	if k.place == 0 || k.place > len(c) {
		return ""
	}
	return c[k.place-1]
}

// inputs are the keys of the inputs of the stage at a place.
func (c Chain) inputs(at int) []string {
	from := inputPlaces[at]
	switch len(from) {
	case 0:
		return nil
	case 1:
		return c[from[0] : from[0]+1 : from[0]+1]
	}
	keys := make([]string, len(from))
	for i, in := range from {
		keys[i] = c[in]
	}
	return keys
}

// Stages are the stages that the chain has, in the order of [Kinds].
func (c Chain) Stages() []Stage {
	out := make([]Stage, 0, len(c))
	for i, key := range c {
		if key != "" {
			out = append(out, Stage{Key: key, Kind: kinds[i], Inputs: c.inputs(i)})
		}
	}
	return out
}

// Of gives the stages of a cell. Depths that stand for "exact" are resolved
// first, so that "exact" and the same number share their work, as do trainings
// that differ in keys that nothing reads (see [models.Params]).
func Of(s Settings) (Chain, error) { return chain(s, nil) }

// identity is what the key of a cell's stage is the hash of, if the cell has one.
func (k *Kind) identity(s *Settings, inputs []string) (id identity, ok bool) {
	if s.Outside.SHA256 != "" {
		switch {
		case k.Given != "":
			return identity{k.Given, []string{}, k.Name, s.Outside}, true
		case k.OnDevice || len(k.Asks) > 0: // of a model, and there is none
			return id, false
		}
	}
	if s.Program.Is() {
		switch {
		case k.Program != nil && k.wanted(s):
			return identity{k.Program.Version, []string{}, k.Name, k.Program.Part(s)}, true
		case k.Program != nil, k.OnDevice, len(k.Asks) > 0:
			return id, false
		}
	}
	if !k.wanted(s) || slices.Contains(inputs[:len(k.Inputs)], "") {
		return id, false
	}
	return identity{k.code(s), present(inputs[:len(k.Inputs)+len(k.Optional)]), k.Name, k.part(s)}, true
}

// Config is what the key of the cell's stage of a kind is the hash of.
func Config(s Settings, kind *Kind) (config json.RawMessage, err error) {
	_, err = chain(s, func(k *Kind, text []byte) {
		if k == kind {
			config = slices.Clone(text)
		}
	})
	return config, err
}

// writers serve cell after cell: a large sweep would fill memory with texts.
var writers = sync.Pool{New: func() any { return &writer{parts: map[string]writtenPart{}} }}

// chain shows each text, which is valid until show returns; show may be nil.
func chain(s Settings, show func(kind *Kind, config []byte)) (Chain, error) {
	s.Params = s.Params.Resolved()
	c := make(Chain, len(kinds))
	w := writers.Get().(*writer)
	defer writers.Put(w)
	for at, kind := range kinds {
		id, ok := kind.identity(&s, c.inputs(at))
		if !ok {
			continue
		}
		key, config, err := w.key(id)
		if err != nil {
			return nil, err
		}
		c[at] = key
		if show != nil {
			show(kind, config)
		}
	}
	return c, nil
}
