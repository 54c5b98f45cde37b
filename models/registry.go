package models

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

var registered []Family

// Register makes a family known; a family calls it when its package is
// initialised. It panics on one that cannot be: that is the program's mistake.
func Register(f Family) {
	for _, known := range registered {
		if known.Name() == f.Name() || known.Version() == f.Version() {
			panic(fmt.Sprintf("models: two families have the name %q or the version %q", f.Name(), f.Version()))
		}
	}
	fieldsOf(reflect.TypeOf(f.Defaults()))
	registered = append(registered, f)
	slices.SortFunc(registered, func(a, b Family) int {
		if (a.Name() == Default) != (b.Name() == Default) {
			return map[bool]int{true: -1, false: 1}[a.Name() == Default]
		}
		return strings.Compare(a.Name(), b.Name())
	})
}

// Families are the registered families: the default one, then the others by name.
func Families() []Family { return registered }

// Names are their names.
func Names() []string {
	var names []string
	for _, f := range registered {
		names = append(names, f.Name())
	}
	return names
}

// Named is the family of a name; the error is a *[KeyError] of [FamilyKey].
func Named(name string) (Family, error) {
	for _, f := range registered {
		if f.Name() == name {
			return f, nil
		}
	}
	return nil, BadKey(FamilyKey, "there is no family %q; allowed: %s", name, strings.Join(Names(), ", "))
}
