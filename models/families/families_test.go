package families_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"prabench/metrics/quantity"
	"prabench/models"
	_ "prabench/models/families"
)

func TestTheDefaultFamilyIsTheFirst(t *testing.T) {
	if names := models.Names(); len(names) == 0 || names[0] != models.Default || !slices.IsSorted(names[1:]) {
		t.Errorf("the families are %q", names)
	}
	if _, err := models.Named(models.Default); err != nil {
		t.Error(err)
	}
	var ke *models.KeyError
	if _, err := models.Named("x"); !errors.As(err, &ke) || ke.Key != models.FamilyKey || !strings.Contains(ke.Problem, models.Default) {
		t.Errorf("a family that nobody has: %v", err)
	}
}

// What the other packages rely on, for every family.
func TestParametersOfEveryFamily(t *testing.T) {
	for _, f := range models.Families() {
		t.Run(f.Name(), func(t *testing.T) {
			p := f.Defaults().For(models.Shape{Size: 14, Channels: 1, Classes: 3})
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			if p.Family() != f || p.Shape() != (models.Shape{Size: 14, Channels: 1, Classes: 3}) {
				t.Errorf("%v of %v", p.Shape(), p.Family())
			}
			if p.Seeded(7) == p.Seeded(8) || p.Seeded(7).Seeded(8) != p.Seeded(8) || p.Seeded(7).Seed() != 7 {
				t.Error("the seed is no part of the parameters, or not the last one")
			}
			if c := p.Canonical(); c != c.Canonical() || p.Resolved() != p.Resolved().Resolved() {
				t.Error("doing it twice changes it")
			}
			if tr := p.Training(); tr.Steps < 1 || tr.Threads < 1 || tr.Batch < 0 {
				t.Errorf("%+v", tr)
			}
			if c := p.Costs(); c.ARSteps < 1 || c.NFE < 1 || c.FLOPsImage <= 0 || p.Size() < 1 || p.SampleMemory(4).Total() <= 0 {
				t.Errorf("%+v, %d parameters", c, p.Size())
			}
			w, err := models.Write(p.Seeded(3))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(w)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), `"family"`) == (f.Name() == models.Default) {
				t.Errorf("%s", raw)
			}
			var back models.Written
			if err := json.Unmarshal(raw, &back); err != nil {
				t.Fatal(err)
			}
			if q, err := back.Read(); err != nil || q != p.Seeded(3) {
				t.Errorf("%+v, read back %+v, %v", p, q, err)
			}
			for _, field := range models.Fields(f) {
				if quantity.FindKey(field.Key()) == nil {
					t.Errorf("%s has no row", field.Key())
				}
				v, ok := models.Get(p, field.Key())
				if q, same := models.Set(p, field.Key(), v); !ok || !same || q != p || reflect.TypeOf(v) != field.Struct.Type {
					t.Errorf("%s is %v, set to it %+v", field.Key(), v, q)
				}
			}
			if _, ok := models.Get(p, "model.x"); ok {
				t.Error("it has a key that nobody has")
			}
		})
	}
}

func TestLossesKeepTheirOrder(t *testing.T) {
	const text = `{"step":3,"flow":0.25,"rec":2,"total":8.25,"lr":1e-7}`
	var l models.Losses
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	if rec, ok := l.Of("rec"); l.Step != 3 || len(l.Values) != 4 || l.Total() != 8.25 || !ok || rec != 2 {
		t.Errorf("%+v", l)
	}
	if _, ok := l.Of("x"); ok {
		t.Error("there is a loss that nobody wrote")
	}
	if raw, err := json.Marshal(l); err != nil || string(raw) != text {
		t.Errorf("%s, %v", raw, err)
	}
	for _, bad := range []string{`[1]`, `{"step":"x"}`, `{"flow":"x"}`, `3`} {
		if json.Unmarshal([]byte(bad), &l) == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
