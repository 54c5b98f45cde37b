package view

import (
	"errors"
	"strings"
	"testing"
)

// The one rule, for each use of it: what differs is refused by name unless it is
// accepted or shown; a unit always.
func TestRule(t *testing.T) {
	base := Circumstances{Unit: "s", Protocol: "batch=1; rounds=3", Device: "cpu A", Code: "abc"}
	other := func(change func(*Circumstances)) Circumstances { c := base; change(&c); return c }
	code := other(func(c *Circumstances) { c.Code = "" })
	for name, c := range map[string]struct {
		r     Rule
		other Circumstances
		want  string // the field that is refused, and a part of the text
		text  string
	}{
		"same": {Rule{}, base, "", ""},
		"unit": {Rule{Accept: Acceptable}, other(func(c *Circumstances) { c.Unit = "1" }), "unit",
			"hide a difference in unit (1 | s): keep them apart by unit"},
		"unit before the rest": {Rule{Use: Drawn}, Circumstances{Unit: "1"}, "unit", "measured in 2 different units"},
		"code": {Rule{Use: Drawn}, code, "code",
			"m was measured in 2 different code revisions, which never share an axis: abc | (none); run the cells again"},
		"code of a mean": {Rule{Where: "model.patch=7"}, code, "code",
			"the mean of m over seeds at model.patch=7 would hide a difference in code ((none) | abc): run the cells again from one commit"},
		"code accepted": {Rule{Use: Drawn, Accept: []string{"code"}}, code, "", ""},
		"device": {Rule{Use: Compared}, other(func(c *Circumstances) { c.Device = "cpu B" }), "device",
			"refused: the comparison would hide a difference in device (cpu A | cpu B)"},
		"device shown": {Rule{Use: Compared, Shown: []string{"measure.device"}},
			other(func(c *Circumstances) { c.Device = "cpu B" }), "", ""},
		"protocol": {Rule{Use: Drawn}, other(func(c *Circumstances) { c.Protocol = "batch=4; rounds=3" }), "protocol",
			"2 different protocols"},
		"batch shown": {Rule{Use: Drawn, Shown: []string{"measure.batch"}},
			other(func(c *Circumstances) { c.Protocol = "batch=4; rounds=3" }), "", ""},
		"more than what is shown": {Rule{Use: Drawn, Shown: []string{"measure.batch"}},
			other(func(c *Circumstances) { c.Protocol = "batch=4; rounds=9" }), "protocol", "rounds=3 | rounds=9"},
	} {
		err := c.r.Check("m", []Circumstances{base, c.other, base})
		var mixed *MixedError
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &mixed) || mixed.Field != c.want || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %s refused: %s", name, err, c.want, c.text)
		}
	}
	if err := (Rule{}).Check("m", nil); err != nil {
		t.Error(err)
	}
}

// A program is compared with cells whatever it computes with; cells with each other,
// and the seeds of a program, as ever.
func TestProgramsBesideCells(t *testing.T) {
	of := func(backend string) Circumstances { return Circumstances{Protocol: "backend=" + backend + "; batch=8"} }
	one, two, cell := of("program a"), of("program b"), of("own avx512")
	for _, use := range []Use{Drawn, Compared} {
		if err := (Rule{Use: use}).Check("throughput", []Circumstances{one, cell, two}); err != nil {
			t.Error(err)
		}
	}
	for _, refused := range []struct {
		use    Use
		values []Circumstances
	}{
		{Averaged, []Circumstances{one, two}},
		{Drawn, []Circumstances{one, cell, of("oneDNN")}},
		{Drawn, []Circumstances{{Protocol: "backend=program a; batch=4"}, cell}},
	} {
		var mixed *MixedError
		if err := (Rule{Use: refused.use}).Check("throughput", refused.values); !errors.As(err, &mixed) {
			t.Errorf("%v are not refused", refused.values)
		}
	}
}
