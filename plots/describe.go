package plots

import "prabench/metrics/quantity"

// Quantity is how a metric or a key is called where its values are shown.
type Quantity struct {
	Label  string // on axes
	Short  string // in tables, headings and legends
	Better int    // +1 when higher is better, −1 when lower is, 0 when neither
}

// Describe names a metric or a key; one that is not known keeps its own name,
// with spaces for underscores.
func Describe(name string) Quantity {
	q := describe(name)
	return Quantity{q.label, q.short, q.better}
}

// Direction is the reader's hint: "lower is better", or "".
func (q Quantity) Direction() string { return quantity.Direction(q.Better) }

// ShownUnit chooses how values of a metric are shown that are stored in a unit:
// shown = stored · factor. largest is the largest finite magnitude among them.
func ShownUnit(metric, stored string, largest float64) (factor float64, unit string) {
	return quantity.Scaled(quantity.Find(metric).ShownAs(stored), largest)
}

// Show writes the value of a key.
func Show(v any) string { return show(v) }
