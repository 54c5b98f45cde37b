package models

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Losses are the numbers that a training step tells of itself, by name: "total" is
// what it minimises, its parts and what else is worth a curve have names of the
// family's own. As JSON they are one object with the member step.
type Losses struct {
	Step   int
	Values []Loss
}

// Loss is one of them.
type Loss struct {
	Name  string
	Value float64
}

// Total is the name of the loss that a training minimises.
const Total = "total"

// Of is the value of a name, and whether there is one.
func (l Losses) Of(name string) (float64, bool) {
	for _, v := range l.Values {
		if v.Name == name {
			return v.Value, true
		}
	}
	return 0, false
}

// Total is the loss that the training minimises.
func (l Losses) Total() float64 {
	v, _ := l.Of(Total)
	return v
}

// MarshalJSON keeps the order of the values.
func (l Losses) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"step":%d`, l.Step)
	for _, v := range l.Values {
		name, err := json.Marshal(v.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(v.Value)
		if err != nil {
			return nil, fmt.Errorf("the loss %s: %w", v.Name, err)
		}
		fmt.Fprintf(&b, ",%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON keeps the order of the members.
func (l *Losses) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("losses are an object, not %v", t)
	}
	*l = Losses{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name == "step" {
			if err := d.Decode(&l.Step); err != nil {
				return err
			}
			continue
		}
		v := Loss{Name: name.(string)} // a member's name always is
		if err := d.Decode(&v.Value); err != nil {
			return err
		}
		l.Values = append(l.Values, v)
	}
	return nil
}
