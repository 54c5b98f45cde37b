package view

import (
	"errors"
	"fmt"
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

// Of protocols with many settings the error names those that differ, and no others.
func TestProtocolsAreToldByWhatDiffers(t *testing.T) {
	const shared = "backend=cpu; batch=64; cache=kv; rounds=5; slot=30ms; warmup=2"
	with := func(old, new string) string { return strings.Replace(shared, old, new, 1) }
	for name, c := range map[string]struct {
		protocols []string
		want      string
		not       []string
	}{
		"one of six": {[]string{shared, with("rounds=5", "rounds=7")}, "rounds=5 | rounds=7", []string{"batch", "slot", "warmup"}},
		"two of six": {[]string{shared, with("batch=64; cache=kv", "batch=8; cache=none")},
			"batch=64; cache=kv | batch=8; cache=none", []string{"rounds", "slot"}},
		"one is missing": {[]string{shared, with("; cache=kv", "")}, "cache=kv | cache not said", []string{"batch", "rounds"}},
		"an empty value": {[]string{shared, with("cache=kv", "cache=")}, "cache=kv | cache=", []string{"batch"}},
		"a sign in it":   {[]string{shared, with("slot=30ms", "slot=a=b")}, "slot=30ms | slot=a=b", []string{"batch"}},
		"three of them": {[]string{shared, with("rounds=5", "rounds=7"), with("rounds=5", "rounds=9")},
			"rounds=5 | rounds=7 | rounds=9", []string{"batch"}},
		"no protocol":   {[]string{shared, ""}, "backend=cpu; batch=64", nil},
		"another order": {[]string{"a=1; b=2", "b=2; a=1"}, "a=1; b=2 | b=2; a=1", nil},
		"no settings":   {[]string{"fast", "slow"}, "fast | slow", nil},
		"many of a value": {manyRounds(9),
			"rounds=0 | rounds=1 | rounds=2 | rounds=3 | rounds=4 | rounds=5 | 3 more", []string{"batch", "rounds=6"}},
	} {
		for _, use := range []Use{Averaged, Drawn, Compared} {
			var cs []Circumstances
			for _, p := range c.protocols {
				cs = append(cs, Circumstances{Protocol: p})
			}
			err := Rule{Use: use}.Check("latency", cs)
			if err == nil {
				t.Errorf("%s: not refused", name)
				continue
			}
			got := err.Error()
			if use != Averaged && !strings.Contains(got, c.want) { // a mean sorts them, see Check
				t.Errorf("%s: %q has no %q", name, got, c.want)
			}
			for _, not := range c.not {
				if strings.Contains(got, not) {
					t.Errorf("%s: %q names %s, which is the same", name, got, not)
				}
			}
		}
	}
}

func manyRounds(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("batch=1; rounds=%d", i))
	}
	return out
}
