package view

import (
	"fmt"
	"slices"
	"strings"
)

// Circumstances are what a value depends on besides its cell. Values that differ
// in them are not averaged, compared or drawn on one axis unless the difference is
// shown or accepted.
type Circumstances struct{ Unit, Protocol, Device, Code string }

// Circumstances are those of the row's value.
func (r *Row) Circumstances() Circumstances {
	return Circumstances{r.Unit, r.Protocol, r.DeviceClass, r.Code}
}

// Circumstances are those of the mean's values.
func (m *Mean) Circumstances() Circumstances {
	return Circumstances{m.Unit, m.Protocol, m.Device, m.Code}
}

// CheckAcross refuses names of differences that cannot be accepted.
func CheckAcross(names []string) error {
	for _, name := range names {
		if !slices.Contains(Acceptable, name) {
			return fmt.Errorf("--across %s: there is no such difference to accept; choose of %s", name, strings.Join(Acceptable, ", "))
		}
	}
	return nil
}

// Acceptable names the differences that a user can accept, with --across.
var Acceptable = []string{"code", "device", "protocol"}

// Use is what values are put together for.
type Use int

// The uses.
const (
	Averaged Use = iota // into a mean over seeds
	Drawn               // on one axis
	Compared            // two of them, as a claim says
)

// Rule says which differences do not count.
type Rule struct {
	Use    Use
	Where  string   // of a mean: the group that is averaged
	Accept []string // of [Acceptable]
	Shown  []string // keys of [measure] in which values differ before the reader's eyes
}

// Check gives a [*MixedError] of the first difference that counts, in the unit,
// the protocol, the device or the code.
func (r Rule) Check(metric string, values []Circumstances) error {
	backend := ownBackend(values)
	for _, d := range []struct {
		field string
		of    func(Circumstances) string
	}{
		{"unit", func(c Circumstances) string { return c.Unit }},
		{"protocol", func(c Circumstances) string { return r.hidden(r.backed(c.Protocol, backend)) }},
		{"device", func(c Circumstances) string { return c.Device }},
		{"code", func(c Circumstances) string { return c.Code }},
	} {
		if d.field != "unit" && slices.Contains(r.Accept, d.field) || d.field == "device" && slices.Contains(r.Shown, "measure.device") {
			continue
		}
		var different []string
		for _, c := range values {
			v := d.of(c)
			if v == "" {
				v = "(none)"
			}
			if !slices.Contains(different, v) {
				different = append(different, v)
			}
		}
		if r.Use == Averaged {
			slices.Sort(different) // rows come in the order of seeds, which says nothing
		}
		if len(different) > 1 {
			return &MixedError{Use: r.Use, Metric: metric, Where: r.Where, Field: d.field, Values: different}
		}
	}
	return nil
}

// programBackend begins the backend of a program of [[external]]. A program is what is
// compared, beside the cells: that it computes with something else is no hidden
// difference, and its row is marked. Seeds of one program must be of one program.
const programBackend = "backend=program "

// backed gives a program's protocol the backend of the cells that it stands beside.
func (r Rule) backed(protocol, backend string) string {
	if r.Use == Averaged || !strings.Contains(protocol, programBackend) {
		return protocol
	}
	parts := strings.Split(protocol, "; ")
	for i, p := range parts {
		if strings.HasPrefix(p, programBackend) {
			parts[i] = backend
		}
	}
	return strings.Join(parts, "; ")
}

// ownBackend is that of the first value that is none of a program.
func ownBackend(values []Circumstances) string {
	for _, c := range values {
		for p := range strings.SplitSeq(c.Protocol, "; ") {
			if strings.HasPrefix(p, "backend=") && !strings.HasPrefix(p, programBackend) {
				return p
			}
		}
	}
	return "backend"
}

// hidden is the part of a protocol that is not shown: where a key of [measure],
// such as its batch, is an axis, that part may differ.
func (r Rule) hidden(protocol string) string {
	parts := strings.Split(protocol, "; ")
	for _, name := range r.Shown {
		if key, ok := strings.CutPrefix(name, "measure."); ok {
			parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, key+"=") })
		}
	}
	return strings.Join(parts, "; ")
}

// MixedError refuses to put values together whose difference would be hidden.
type MixedError struct {
	Use    Use
	Metric string
	Where  string   // of a mean: the group, as key=value, …
	Field  string   // what differs: device, code, protocol, unit; of a mean also cell, or a parameter's dotted key
	Values []string // the different values
}

func (e *MixedError) Error() string {
	values := strings.Join(e.Values, " | ")
	if e.Field == "protocol" {
		values = differing(e.Values)
	}
	switch e.Use {
	case Drawn:
		return fmt.Sprintf("%s was measured in %d different %s, which never share an axis: %s; %s",
			e.Metric, len(e.Values), e.several(), values, e.advice())
	case Compared:
		return fmt.Sprintf("refused: the comparison would hide a difference in %s (%s)", e.Field, values)
	}
	where := ""
	if e.Where != "" {
		where = " at " + e.Where
	}
	return fmt.Sprintf("the mean of %s over seeds%s would hide a difference in %s (%s): %s", e.Metric, where, e.Field, values, e.advice())
}

// differing are the protocols without the settings that all of them share: of a dozen a
// reader would have to find those that differ. An earlier version of the program may
// have had a setting not at all.
func differing(protocols []string) string {
	const most = 6
	var keys []string
	of := make([]map[string]string, len(protocols))
	for i, p := range protocols {
		of[i] = map[string]string{}
		for part := range strings.SplitSeq(p, "; ") {
			key, value, ok := strings.Cut(part, "=")
			if !ok {
				return strings.Join(protocols, " | ") // no list of settings
			}
			of[i][key] = value
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	keys = slices.DeleteFunc(keys, func(key string) bool {
		first, said := of[0][key]
		return !slices.ContainsFunc(of, func(p map[string]string) bool { v, ok := p[key]; return v != first || ok != said })
	})
	if len(keys) == 0 {
		return strings.Join(protocols, " | ") // the same settings in another order
	}
	var out []string
	for _, p := range of {
		var parts []string
		for _, key := range keys {
			if v, ok := p[key]; ok {
				parts = append(parts, key+"="+v)
			} else {
				parts = append(parts, key+" not said")
			}
		}
		out = append(out, strings.Join(parts, "; "))
	}
	if n := len(out); n > most {
		out = append(out[:most:most], fmt.Sprintf("%d more", n-most))
	}
	return strings.Join(out, " | ")
}

// several is what an axis would mix.
func (e *MixedError) several() string {
	if e.Field == "code" {
		return "code revisions"
	}
	return e.Field + "s"
}

// advice says what can be done about a difference.
func (e *MixedError) advice() string {
	if e.Use == Drawn {
		switch e.Field {
		case "code":
			return "run the cells again from one commit, draw them apart with where, or accept it with --across code"
		case "device":
			return "measure again on one machine, draw them apart with where, or accept it with --across device"
		}
		return "draw them apart with where, or measure again under one protocol"
	}
	switch e.Field {
	case "code":
		return "run the cells again from one commit without local changes, keep them apart by code, or choose one"
	case "cell":
		return "one seed has several cells: choose one, or keep them apart by cell"
	}
	return "keep them apart by " + e.Field + ", or choose one"
}
