package quantity

import (
	"reflect"
	"testing"
)

func TestAbsentValues(t *testing.T) {
	type settings struct {
		Old    float64
		Beta   float64 `absent:"0.95"`
		Steps  int     `absent:"-3"`
		Seed   uint64  `absent:"7"`
		Solver string  `absent:"euler"`
		Fused  bool    `absent:"true"`
	}
	s := settings{Old: 1, Beta: 2, Steps: 3, Seed: 4, Solver: "heun"}
	AssumeAbsent(&s)
	if want := (settings{1, 0.95, -3, 7, "euler", true}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if _, ok := Absent(reflect.TypeFor[settings]().Field(0)); ok {
		t.Error("a field that was always there has an absent value")
	}
	defer func() {
		if recover() == nil {
			t.Error("a tag that is no number goes unnoticed")
		}
	}()
	Absent(reflect.TypeFor[struct {
		Beta float64 `absent:"lots"`
	}]().Field(0))
}

func TestKeyNames(t *testing.T) {
	Keys("test_of_keys", Key{Name: "flow_steps", Doc: "steps"}, Key{Name: "lr", Label: "learning rate", Doc: "rate"},
		Key{Name: "n", Label: "number", Short: "N", Doc: "n"})
	for name, want := range map[string][2]string{"test_of_keys.flow_steps": {"flow steps", "flow steps"},
		"test_of_keys.lr": {"learning rate", "lr"}, "test_of_keys.n": {"number", "N"}} {
		if k := FindKey(name); k == nil || k.Label != want[0] || k.Short != want[1] {
			t.Errorf("%s: %+v", name, k)
		}
	}
	if FindKey("lr") != nil || FullKey("patch") != "model.patch" || ShortKey("model.patch") != "patch" ||
		FullKey("model.width") != "model.width" || ShortKey("model.width") != "" {
		t.Error("short names")
	}
	defer func() {
		if recover() == nil {
			t.Error("a key has two rows")
		}
	}()
	Keys("test_of_keys", Key{Name: "lr"})
}
