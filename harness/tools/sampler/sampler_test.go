package sampler

import (
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/stage"
)

// Images of a cell are drawn on its device and in its precision, as those that were
// scored; where this program cannot, it says what can.
func TestTheCellsDeviceAndPrecision(t *testing.T) {
	c := engine.Cell{Settings: &stage.Settings{Measure: stage.Measure{Device: "gpu:1", Precision: "bf16"}}}
	var r Request
	if r.Of(&c, "model.safetensors"); r.Model != "model.safetensors" || r.Device != "gpu:1" || r.Precision != "bf16" {
		t.Errorf("%+v", r)
	}
	if _, err := r.Draw(t.Context()); !engine.IsMistake(err) || !strings.Contains(err.Error(), "--device cpu") {
		t.Errorf("on a device that this program does not have: %v", err)
	}
	r.Device, r.Precision = "cpu", "int8"
	if _, err := r.Draw(t.Context()); !engine.IsMistake(err) || !strings.Contains(err.Error(), `not in "int8"`) ||
		!strings.Contains(err.Error(), "prabench sample model.safetensors samples the model in fp32") {
		t.Errorf("in a precision that the device does not have: %v", err)
	}
}
