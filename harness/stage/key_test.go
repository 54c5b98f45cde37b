package stage

import (
	"encoding/json"
	"strings"
	"testing"
)

// What is remembered is what would be written, whatever was asked before, and
// what cannot be a key of a map is written all the same.
func TestCanonicalRemembersRightly(t *testing.T) {
	for _, seed := range []uint64{1, 2, 1, 2, 3} {
		s := settings()
		s.Train.Seed = seed
		for _, v := range []any{trainPart{Data: "<d>", Model: s.Model, Train: s.Train}, referencePart{Data: "d"}, map[string]int{"b": 1, "a": 2}} {
			want, err := written(v)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := canonical(v); err != nil || string(got) != string(want) {
				t.Errorf("%s %v, want %s", got, err, want)
			}
		}
	}
}

// An identity's fields stand in the order of their keys, so that writing it is
// canonical by itself.
func TestIdentityIsCanonical(t *testing.T) {
	v := identity{"1/core <2>", []string{"a", "b"}, "train", json.RawMessage(`{"a":1,"b":1e-7}`)}
	plain, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want, err := written(v)
	if err != nil || string(plain) != string(want) || !strings.HasPrefix(string(plain), `{"code":`) {
		t.Errorf("%s, want %s (%v)", plain, want, err)
	}
}
