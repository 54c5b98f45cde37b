package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/metrics/quantity"
)

// Claim is one [[claim]]: a published sentence, and the comparison that tests it
// here. Of and Over choose points; every point of Of is compared with every
// point of Over that agrees with it in all swept keys that neither names (an
// axis of a zip is named as a whole).
type Claim struct {
	Text   string         // the sentence
	Metric string         // what is compared
	Of     map[string]any // key → value, or []any for several
	Over   map[string]any
	Expect string // "better", by the metric's direction, or "lower" or "higher"
	Figure string // name of the figure that shows it; "" is the experiment as a whole

	Source string // file:line:column
}

var claimKeys = []string{"text", "metric", "of", "over", "expect", "figure"}

// Expectations are the values of Claim.Expect.
var expectations = []string{"better", "lower", "higher"}

// readClaims reads every [[claim]], after the figures.
func (r *reading) readClaims() {
	raw, ok := r.doc.root["claim"]
	if !ok {
		return
	}
	list, ok := tables(raw)
	if !ok {
		r.problems.add(r.doc.at("claim"), "claim", fmt.Sprintf("is %s; allowed: one or more [[claim]]", typeName(raw)),
			"write two brackets on each side")
		return
	}
	for i, t := range list {
		c := &claimReading{reading: r, table: t, path: []string{"claim", element(i)}}
		r.exp.Claims = append(r.exp.Claims, c.read())
	}
}

// claimReading is one claim on its way.
type claimReading struct {
	*reading
	table map[string]any
	path  []string
}

func (c *claimReading) bad(key, problem, hint string) {
	c.problems.add(c.doc.at(append(slices.Clone(c.path), key)...), "claim."+key, problem, hint)
}

func (c *claimReading) read() Claim {
	out := Claim{Expect: "better", Source: c.doc.at(c.path...).String()}
	for _, e := range c.doc.entries(c.table, c.path...) {
		if key, _, _ := strings.Cut(e.key, "."); !slices.Contains(claimKeys, key) {
			c.problems.add(e.at, "claim."+key, "unknown key of a claim; allowed: "+strings.Join(claimKeys, ", "), didYouMean(key, claimKeys))
		}
	}
	c.text("text", &out.Text, true)
	c.text("metric", &out.Metric, true)
	if out.Metric != "" && !slices.Contains(metricNames, out.Metric) {
		c.bad("metric", fmt.Sprintf("there is no metric %q; allowed: %s", out.Metric, strings.Join(metricNames, ", ")),
			didYouMean(out.Metric, metricNames))
	}
	c.text("expect", &out.Expect, false)
	if !slices.Contains(expectations, out.Expect) {
		c.bad("expect", fmt.Sprintf("%q is no expectation; allowed: %s", out.Expect, strings.Join(expectations, ", ")),
			didYouMean(out.Expect, expectations))
	}
	if m := quantity.Find(out.Metric); m != nil && m.Better == 0 && out.Expect == expectations[0] {
		c.bad("expect", "of "+out.Metric+" neither more nor less is better; allowed here: "+strings.Join(expectations[1:], ", "), "")
	}
	c.text("figure", &out.Figure, false)
	var figures []string
	for _, f := range c.exp.Figures {
		figures = append(figures, f.Name)
	}
	if out.Figure != "" && !slices.Contains(figures, out.Figure) {
		c.bad("figure", fmt.Sprintf("the file has no figure %q; allowed: %s", out.Figure, strings.Join(figures, ", ")),
			didYouMean(out.Figure, figures))
	}
	out.Of, out.Over = c.points("of"), c.points("over")
	return out
}

func (c *claimReading) text(key string, to *string, required bool) {
	raw, ok := c.table[key]
	if !ok {
		if required {
			c.bad(key, "a claim needs it", "")
		}
		return
	}
	s, ok := raw.(string)
	switch {
	case !ok:
		c.bad(key, fmt.Sprintf("%s is %s; allowed: a string", show(raw), typeName(raw)), "")
	case s == "" && required:
		c.bad(key, "is empty", "")
	default:
		*to = s
	}
}

// points reads one side of the comparison. Each value has to be some cell's.
func (c *claimReading) points(side string) map[string]any {
	raw, ok := c.table[side]
	table, isTable := raw.(map[string]any)
	switch {
	case !ok:
		c.bad(side, `a claim needs it: a table such as { label = "PRA" }`, "")
		return nil
	case !isTable || len(table) == 0:
		c.bad(side, fmt.Sprintf("%s is no choice of points; allowed: a table such as { label = \"PRA\" }", show(raw)), "")
		return nil
	}
	out := map[string]any{}
	for _, e := range c.doc.entries(table, append(slices.Clone(c.path), side)...) {
		name := "claim." + side + "." + e.key
		f, problem := chosenField(e.key, c.exp.swept())
		if f == nil || f == seedField {
			if f == seedField || problem == unknownChoice {
				problem = "unknown key; allowed: any key of a setting, label or outside"
			}
			c.problems.add(e.at, name, problem,
				didYouMean(e.key, append(slices.Clone(allNames), labelKey)))
			continue
		}
		wanted, ok := c.wanted(f, entry{key: name, value: e.value, at: e.at})
		if !ok {
			continue
		}
		var list []any
		for _, w := range wanted {
			list = append(list, c.exp.written(f, w)...)
			if f != outsideField && len(c.exp.Cells) > 0 && !slices.ContainsFunc(c.exp.Cells, func(cell Cell) bool { return cell.has(f, w) }) {
				c.problems.add(e.at, name, fmt.Sprintf("no cell has the value %s; allowed: %s", show(w.plain), c.exp.present(f)), "")
			}
		}
		out[f.Name] = list[0]
		if len(list) > 1 {
			out[f.Name] = list
		}
	}
	return out
}
