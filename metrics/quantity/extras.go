package quantity

import "reflect"

// Extras are measurements that a cell need not have, each by the number of
// images it takes; 0 is none. It is the rest of the table [metrics], and what
// stages read of it: a new one is a field here with its row below.
type Extras struct {
	Probe    int `toml:"probe" json:"probe,omitempty" absent:"0"`       // training images of the linear probe
	Exposure int `toml:"exposure" json:"exposure,omitempty" absent:"0"` // held-out images whose prefixes are continued
	Seam     int `toml:"seam" json:"seam,omitempty" absent:"0"`         // drawn images whose seams are compared
	Nearest  int `toml:"nearest" json:"nearest,omitempty" absent:"0"`   // drawn images whose nearest training images are sought
	Vendi    int `toml:"vendi" json:"vendi,omitempty" absent:"0"`       // drawn images whose Vendi score is taken

	Reconstruction int `toml:"reconstruction" json:"reconstruction,omitempty" absent:"0"` // held-out images that the coder reconstructs
}

// Each gives every key of the table with its number of images.
func (e Extras) Each() (keys []string, images []int) {
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		keys = append(keys, "metrics."+v.Type().Field(i).Tag.Get("toml"))
		images = append(images, int(v.Field(i).Int()))
	}
	return keys, images
}

var _ = Keys("metrics",
	Key{Name: "probe", Label: "images of the linear probe",
		Doc: "training images of a linear probe on the trunk's features; 0 measures none"},
	Key{Name: "exposure", Label: "images of the exposure",
		Doc: "held-out images whose prefixes the model continues, for the exposure-bias gap and the error of each AR step; 0 measures none"},
	Key{Name: "seam", Label: "images of the blockiness",
		Doc: "drawn images whose borders of patches are compared with real ones; 0 measures none"},
	Key{Name: "nearest", Label: "images of the nearest neighbours",
		Doc: "drawn images whose nearest training images are sought; 0 measures none"},
	Key{Name: "vendi", Label: "images of the Vendi score",
		Doc: "drawn images for the Vendi score, an effective number of dissimilar images; 0 measures none"},
	Key{Name: "reconstruction", Label: "images of the reconstruction",
		Doc: "held-out images whose reconstructions by the model's coder are scored; 0 measures none"},
)
