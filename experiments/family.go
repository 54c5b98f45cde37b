package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/models"
)

// families are those of the file's points.
func (r *reading) families() []string {
	a, i := find(r.axes, models.FamilyKey)
	if a == nil {
		return []string{r.base.Model.Family}
	}
	var out []string
	for _, v := range a.values[i] {
		if !slices.Contains(out, v.text) {
			out = append(out, v.text)
		}
	}
	return out
}

// checkFamilies reports keys that no point's family has: a point that has one
// simply lacks the keys of the others.
func (r *reading) checkFamilies() {
	if r.faulty[models.FamilyKey] {
		return
	}
	families := r.families()
	for _, f := range fields {
		if slices.ContainsFunc(families, f.of) || r.faulty[f.Name] {
			continue
		}
		a, i := find(r.axes, f.Name)
		at, given := r.sources[f.Name]
		if a != nil {
			at, a.faulty = a.at[i], true
		} else if !given {
			continue
		}
		r.fault(at, f.Name, fmt.Sprintf("is a key of the %s; the models here are of the family %s", familiesText(f.Families),
			strings.Join(families, ", ")), "set "+models.FamilyKey+", or leave the key out")
	}
}

// familiesText is "family a" or "families a, b".
func familiesText(names []string) string {
	if len(names) == 1 {
		return "family " + names[0]
	}
	return "families " + strings.Join(names, ", ")
}
