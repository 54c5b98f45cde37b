package gaussian

import (
	"fmt"
	"slices"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/safetensors"
)

// Model is a Gaussian for each class, on a backend: x = mean + z·factor with z
// standard normal, where factorᵀ is the lower triangle of a Cholesky
// decomposition of the covariance.
type Model struct {
	params       Params
	steps        int
	be           device.Backend
	mean, factor device.Buffer // [classes, D], [classes, D, D]
}

func emptyModel(be device.Backend, p Params) (*Model, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	d, classes := p.Model.values(), p.Model.Classes
	m := &Model{params: p, be: be}
	var err error
	if m.mean, err = be.Alloc(device.Model, classes*d); err != nil {
		return nil, err
	}
	if m.factor, err = be.Alloc(device.Model, classes*d*d); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func newModel(be device.Backend, p Params) (*Model, error) {
	m, err := emptyModel(be, p)
	if err != nil || be.Caps().Counts {
		return m, err
	}
	d, classes := p.Model.values(), p.Model.Classes
	mean, factor := make([]float32, classes*d), make([]float32, classes*d*d)
	for c := range classes {
		for i := range d {
			factor[(c*d+i)*d+i] = 1
		}
	}
	m.put(mean, factor)
	return m, nil
}

func (m *Model) put(mean, factor []float32) {
	m.be.Upload(m.mean, mean)
	m.be.Upload(m.factor, factor)
}

// Params are those of the model; sampling is as by default.
func (m *Model) Params() models.Params {
	return Params{m.params.Model, m.params.Train, family{}.Defaults().(Params).Sample}
}

// Close frees the model; its samplers must be closed before.
func (m *Model) Close() {
	for _, b := range []*device.Buffer{&m.mean, &m.factor} {
		if !b.Absent() {
			m.be.Free(*b)
			*b = device.Buffer{}
		}
	}
}

// SaveModel writes mean and factor to path, in one step.
func (m *Model) SaveModel(path string) error { return m.save(path, models.ModelFormat, nil) }

// save writes the model with further members of the metadata.
func (m *Model) save(path, format string, more map[string]string) error {
	d, classes := m.params.Model.values(), m.params.Model.Classes
	f := &safetensors.File{Metadata: models.Header(format, m.params, m.steps)}
	for k, v := range more {
		f.Metadata[k] = v
	}
	for _, t := range []struct {
		name  string
		shape []int
		of    device.Buffer
	}{{"mean", []int{classes, d}, m.mean}, {"factor", []int{classes, d, d}, m.factor}} {
		host := make([]float32, t.of.N)
		m.be.Download(host, t.of)
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: t.name, Shape: t.shape, Data: host})
	}
	if err := m.be.Err(); err != nil {
		return err
	}
	return safetensors.Write(path, f)
}

// load is the model of a file.
func load(be device.Backend, f *safetensors.File, format string) (*Model, error) {
	of, steps, err := models.ReadHeader(f, format)
	if err != nil {
		return nil, err
	}
	p, ok := of.(Params)
	if !ok {
		return nil, fmt.Errorf("its model is of the family %s", of.Family().Name())
	}
	d, classes := p.Model.values(), p.Model.Classes
	if t := f.Tensors; len(t) != 2 || t[0].Name != "mean" || t[1].Name != "factor" || !slices.Equal(t[0].Shape, []int{classes, d}) ||
		!slices.Equal(t[1].Shape, []int{classes, d, d}) {
		return nil, fmt.Errorf("it has not the tensors mean %v and factor %v", []int{classes, d}, []int{classes, d, d})
	}
	m, err := emptyModel(be, p)
	if err != nil {
		return nil, err
	}
	m.steps = steps
	m.put(f.Tensors[0].Data, f.Tensors[1].Data)
	return m, nil
}

// Sampler draws from one class after another.
func (m *Model) Sampler(p models.Params, batch int) (models.Sampler, error) {
	if batch < 1 {
		return nil, models.BadKey("sample.batch", "must be 1 or more, not %d", batch)
	}
	d := m.params.Model.values()
	s := &sampler{model: m, seed: p.(Params).Sample.Seed, batch: batch, host: make([]float32, batch*d)}
	var err error
	if s.ids, err = m.be.AllocInts(batch); err != nil {
		return nil, err
	}
	for _, to := range []*device.Buffer{&s.z, &s.x} {
		if *to, err = m.be.Alloc(device.Activations, batch*d); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

type sampler struct {
	model *Model
	seed  uint64
	batch int
	ids   device.Ints
	z, x  device.Buffer // [batch, D]
	host  []float32
}

// streamSample is the noise's stream: the only one, since a fit draws none.
const streamSample = 0

func (s *sampler) Sample(labels []int32, ids []uint32, out []uint8) error {
	c, n := s.model.params.Model, len(labels)
	d := c.values()
	if n == 0 || n > s.batch || len(ids) != n || len(out) != n*d {
		return fmt.Errorf("sample: %d labels, %d ids and room for %d bytes; a call takes 1 to %d images of %d bytes", n, len(ids), len(out),
			s.batch, d)
	}
	of := make([][]int, c.Classes) // the images of each class
	for i, l := range labels {
		if l < 0 || int(l) >= c.Classes {
			return fmt.Errorf("sample: label %d; allowed are 0 to %d", l, c.Classes-1)
		}
		of[l] = append(of[l], i)
	}
	for class, images := range of {
		if len(images) == 0 {
			continue
		}
		if err := s.draw(class, images, ids); err != nil {
			return err
		}
		for k, i := range images {
			toBytes(out[i*d:(i+1)*d], s.host[k*d:(k+1)*d])
		}
	}
	return nil
}

// draw leaves images of one class in s.host.
func (s *sampler) draw(class int, images []int, ids []uint32) error {
	m, n := s.model, len(images)
	d := m.params.Model.values()
	keys := make([]int32, n)
	for k, i := range images {
		keys[k] = int32(ids[i])
	}
	z, x := s.z.Slice(0, n*d), s.x.Slice(0, n*d)
	m.be.UploadInts(s.ids, keys)
	device.Do(m.be, device.Normal{Dst: z, IDs: s.ids, Batch: n, Tokens: 1, Dim: d, Key: s.seed, Stream: streamSample})
	device.Do(m.be, device.Linear{Y: x, X: z, W: m.factor.Slice(class*d*d, d*d), Rows: n, In: d, Out: d,
		Epilogue: device.Epilogue{Bias: m.mean.Slice(class*d, d)}})
	if err := m.be.Sync(); err != nil {
		return err
	}
	m.be.Download(s.host[:n*d], x)
	return m.be.Err()
}

// toBytes turns [−1, 1] into 0 to 255; what lies outside is clipped.
func toBytes(out []uint8, x []float32) {
	for i, v := range x {
		out[i] = uint8(min(max((v+1)*127.5+0.5, 0), 255))
	}
}

func (s *sampler) Close() {
	m := s.model
	if s.ids.N > 0 {
		m.be.FreeInts(s.ids)
		s.ids = device.Ints{}
	}
	for _, b := range []*device.Buffer{&s.z, &s.x} {
		if !b.Absent() {
			m.be.Free(*b)
			*b = device.Buffer{}
		}
	}
}
