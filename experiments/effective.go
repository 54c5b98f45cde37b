package experiments

import "prabench/models"

// Effective is a key with the value that it has in an experiment.
type Effective struct {
	Key
	Value  any    `json:"value"`            // plain; of a swept key the axis' values as []any
	Swept  bool   `json:"swept"`            // Value is a list
	Source string `json:"source,omitempty"` // file:line:column or the flag; "" where the default holds
}

// Effective lists every key in the order of the documentation with its value,
// its default and where the value was given.
func (e *Experiment) Effective() []Effective {
	var list []Effective
	for _, k := range Keys() {
		v := Effective{Key: k}
		switch k.Name {
		case "name":
			v.Value = e.Name
		case "description":
			v.Value = e.Description
		case "repeats":
			v.Value = e.Repeats
		case "seed":
			v.Value = e.Seed
		default:
			v.Value = e.base.get(byName[k.Name])
		}
		if at, ok := e.sources[k.Name]; ok {
			v.Source = at.String()
		}
		for _, a := range e.Axes {
			for i, key := range a.Keys {
				if key != k.Name {
					continue
				}
				values := make([]any, len(a.Values))
				for s, step := range a.Values {
					values[s] = step[i]
				}
				v.Value, v.Swept, v.Source = values, true, a.Source
			}
		}
		list = append(list, v)
	}
	return list
}

// Keys is [Experiment.Effective] with the defaults of the families that the file names,
// also as the values of keys that nothing sets.
func (e *Experiment) Keys() []Effective {
	list := e.Effective()
	families := []string{e.Base.Model.Family}
	for _, v := range list {
		if values, swept := v.Value.([]any); swept && v.Name == models.FamilyKey {
			families = families[:0]
			for _, family := range values {
				families = append(families, family.(string))
			}
		}
	}
	for i := range list {
		v := &list[i]
		unset := v.Source == "" && v.Defaults != nil
		if v.Key = v.among(families); unset {
			v.Value = v.Default
		}
	}
	return list
}
