package layers

import (
	"fmt"
	"maps"
	"slices"

	"prabench/models/device"
	"prabench/models/safetensors"
)

// Download brings flat arrays to the host as named tensors, with the prefix of
// each before the names.
func (l *Parameters) Download(be device.Backend, flats map[string]device.Buffer) []safetensors.Tensor {
	var out []safetensors.Tensor
	for _, p := range slices.Sorted(maps.Keys(flats)) {
		host := make([]float32, l.Total)
		be.Download(host, flats[p])
		for _, t := range l.Tensors {
			out = append(out, safetensors.Tensor{Name: p + t.Name, Shape: t.Shape, Data: host[t.Offset : t.Offset+t.N]})
		}
	}
	return out
}

// Upload takes named tensors into flat arrays; every tensor of the architecture
// must be there, with its shape, and no other.
func (l *Parameters) Upload(be device.Backend, f *safetensors.File, flats map[string]device.Buffer) error {
	have := map[string]safetensors.Tensor{}
	for _, t := range f.Tensors {
		have[t.Name] = t
	}
	for p, flat := range flats {
		for _, t := range l.Tensors {
			got, ok := have[p+t.Name]
			if !ok {
				return fmt.Errorf("it has no tensor %q", p+t.Name)
			}
			if !slices.Equal(got.Shape, t.Shape) {
				return fmt.Errorf("tensor %q has shape %v, the configuration needs %v", p+t.Name, got.Shape, t.Shape)
			}
			be.Upload(flat.Slice(t.Offset, t.N), got.Data)
			delete(have, p+t.Name)
		}
	}
	for name := range have {
		return fmt.Errorf("it has a tensor %q that the configuration does not", name)
	}
	return nil
}
