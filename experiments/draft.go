package experiments

import (
	"reflect"

	"prabench/models"
)

// draft is settings while they are put together: which family they are of is a
// key like any other, so the parameters of every family are at hand.
type draft struct {
	Settings                          // without its Params
	params   map[string]reflect.Value // by family, addressable
}

func newDraft() *draft {
	d := &draft{Settings: Defaults(), params: map[string]reflect.Value{}}
	d.Params = nil
	for _, f := range models.Families() {
		p := reflect.ValueOf(f.Defaults())
		d.params[f.Name()] = reflect.New(p.Type()).Elem()
		d.params[f.Name()].Set(p)
	}
	return d
}

// copy makes it the same as another one.
func (d *draft) copy(from *draft) {
	d.Settings = from.Settings
	for family, p := range from.params {
		d.params[family].Set(p)
	}
}

// put sets a key, for every family that has it.
func (d *draft) put(f *field, v value) {
	if f.index != nil {
		reflect.ValueOf(&d.Settings).Elem().FieldByIndex(f.index).Set(v.v)
	}
	for family, index := range f.in {
		d.params[family].FieldByIndex(index).Set(v.v)
	}
}

// get is the plain value of a key, see value.
func (d *draft) get(f *field) any { return plain(d.value(f)) }

// value of a key is that of the draft's family, or where this has no such key, of the
// first that has it.
func (d *draft) value(f *field) reflect.Value {
	if f.in == nil {
		return reflect.ValueOf(&d.Settings).Elem().FieldByIndex(f.index)
	}
	family := d.Model.Family
	if !f.of(family) {
		family = f.Families[0]
	}
	return d.params[family].FieldByIndex(f.in[family])
}

// settings is what the draft has come to.
func (d *draft) settings() Settings {
	s := d.Settings
	s.Params = d.params[s.Model.Family].Interface().(models.Params)
	return s
}
