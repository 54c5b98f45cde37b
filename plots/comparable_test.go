package plots

import (
	"errors"
	"testing"
)

// What a figure shows on an axis may differ between its values; nothing else of
// a protocol may.
func TestProtocolThatIsShown(t *testing.T) {
	cell := func(id string, batch int, protocol string, v float64) CellData {
		return CellData{Label: id, Params: map[string]any{"measure.batch": batch}, Outcome: "ok",
			Metrics: map[string]MetricValue{"throughput": {Value: v, Unit: "images/s", Protocol: protocol}}}
	}
	data := Data{Experiment: "e", Cells: []CellData{cell("a", 1, "batch=1; device=cpu", 10), cell("b", 4, "batch=4; device=cpu", 30)}}
	line := Figure{Kind: "line", X: "measure.batch", Y: "throughput"}
	if _, err := lineSheet(line, data); err != nil {
		t.Errorf("throughput against the batch: %v", err)
	}
	var mixed *MixedError
	if _, err := lineSheet(Figure{Kind: "line", X: "label", Y: "throughput"}, data); !errors.As(err, &mixed) {
		t.Errorf("throughput of two batches against the label: %v", err)
	}
	data.Cells[1].Metrics["throughput"] = MetricValue{Value: 30, Unit: "images/s", Protocol: "batch=4; device=cuda:0"}
	if _, err := lineSheet(line, data); !errors.As(err, &mixed) {
		t.Errorf("throughput of two devices against the batch: %v", err)
	}
}
