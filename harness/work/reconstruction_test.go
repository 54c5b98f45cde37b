package work

import (
	"testing"

	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/vq"
)

// A tokenizer's reconstructions have codes; their numbers are whole.
func TestReconstructionOfCodes(t *testing.T) {
	root, s := t.TempDir(), tinyCell(t)
	shape := s.Params.Shape()
	family, err := models.Named("vq")
	if err != nil {
		t.Fatal(err)
	}
	p := family.Defaults().For(shape).(vq.Params)
	p.Model.Patch, p.Model.Width, p.Model.Depth, p.Model.Heads, p.Model.CoderWidth, p.Model.Codes = 2, 16, 1, 2, 16, 8
	p.Train.Steps, p.Train.Batch, p.Train.Threads, p.Train.Seed = 6, 4, 1, 1
	s.Params = p
	made := do(t, root, s, Reference, Train, Reconstruction)
	value := map[string]float64{}
	interval := map[string]bool{}
	for _, v := range made[Reconstruction].Values {
		value[v.Metric], interval[v.Metric] = v.Value, v.Lo != nil
	}
	for _, m := range []*quantity.Metric{quantity.RFIDProxy, quantity.RFIDProxyFloor, quantity.ReconstructionError,
		quantity.CodebookPerplexity} {
		if !interval[m.Name] {
			t.Errorf("%s is %g, without an interval", m.Name, value[m.Name])
		}
	}
	use, perplexity := value[quantity.CodebookUse.Name], value[quantity.CodebookPerplexity.Name]
	if !(use > 0 && use <= 1) || interval[quantity.CodebookUse.Name] || !(perplexity >= 1 && perplexity <= 8*use+1e-9) {
		t.Errorf("%g of 8 codes occur, their perplexity is %g", use, perplexity)
	}
	if !(value[quantity.RFIDProxy.Name] > value[quantity.RFIDProxyFloor.Name]) {
		t.Errorf("after 3 steps reconstructions score %g, the images themselves %g", value[quantity.RFIDProxy.Name],
			value[quantity.RFIDProxyFloor.Name])
	}
	if made[Reconstruction].Protocol["samples"] != "10" {
		t.Errorf("the protocol %v does not count the images", made[Reconstruction].Protocol)
	}
}
