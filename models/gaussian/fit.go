package gaussian

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/safetensors"
)

// trainer fits a model in its only step.
type trainer struct {
	model  *Model
	images models.Images
	loss   float64
}

func newTrainer(be device.Backend, p Params, images models.Images) (models.Trainer, error) {
	if c := p.Model; images.N < 1 || images.Size != c.Size || images.Channels != c.Channels {
		return nil, fmt.Errorf("train: %d images of %d×%d×%d; the model needs at least one of %d×%d×%d", images.N, images.Size, images.Size,
			images.Channels, c.Size, c.Size, c.Channels)
	}
	m, err := newModel(be, p)
	if err != nil {
		return nil, err
	}
	return &trainer{model: m, images: images}, nil
}

func (t *trainer) Done() int { return t.model.steps }
func (t *trainer) Close()    { t.model.Close() }

// Losses has the mean negative logarithm of the density of the training images,
// a value.
func (t *trainer) Losses() models.Losses {
	return models.Losses{Step: t.model.steps, Values: []models.Loss{{Name: models.Total, Value: t.loss}}}
}

func (t *trainer) Step() error {
	c := t.model.params.Model
	d := c.values()
	of := make([][]int, c.Classes)
	for i, l := range t.images.Labels[:t.images.N] {
		if l < 0 || int(l) >= c.Classes {
			return fmt.Errorf("train: image %d has the label %d; allowed are 0 to %d", i, l, c.Classes-1)
		}
		of[l] = append(of[l], i)
	}
	mean, factor := make([]float32, c.Classes*d), make([]float32, c.Classes*d*d)
	var loss float64
	n := 0
	for class, images := range of {
		if len(images) == 0 { // stays what it began as
			for i := range d {
				factor[(class*d+i)*d+i] = 1
			}
			continue
		}
		fit, err := t.fit(images)
		if err != nil {
			return err
		}
		if err := fit.factorise(c.Shrinkage); err != nil {
			return fmt.Errorf("train: class %d: %w", class, err)
		}
		fit.write(mean[class*d:(class+1)*d], factor[class*d*d:(class+1)*d*d])
		if !math.IsInf(fit.nll, 0) { // images that are all the same have no density
			loss += fit.nll * float64(len(images))
			n += len(images)
		}
	}
	t.model.put(mean, factor)
	t.model.steps = 1
	t.loss = loss / float64(max(n, 1))
	return t.model.be.Err()
}

// gaussian is the fit of one class.
type gaussian struct {
	mean  []float64
	sigma *mat.SymDense
	lower *mat.TriDense // nil: no value ever changes
	nll   float64       // mean negative log density of the images, a value
}

// atOnce is how many images are added to a covariance at once.
const atOnce = 1024

// fit takes the moments of images.
func (t *trainer) fit(images []int) (*gaussian, error) {
	d := t.model.params.Model.values()
	g := &gaussian{mean: make([]float64, d), sigma: mat.NewSymDense(d, nil)}
	pixels := make([]uint8, d)
	for _, i := range images {
		if err := t.read(i, pixels); err != nil {
			return nil, err
		}
		for k, v := range pixels {
			g.mean[k] += value(v)
		}
	}
	for k := range g.mean {
		g.mean[k] /= float64(len(images))
	}
	x := mat.NewDense(min(atOnce, len(images)), d, nil)
	for from := 0; from < len(images); from += atOnce {
		part := images[from:min(from+atOnce, len(images))]
		rows := x.Slice(0, len(part), 0, d).(*mat.Dense)
		for r, i := range part {
			row := rows.RawRowView(r)
			if err := t.read(i, pixels); err != nil {
				return nil, err
			}
			for k, v := range pixels {
				row[k] = value(v) - g.mean[k]
			}
		}
		g.sigma.SymRankK(g.sigma, 1/float64(len(images)), rows.T())
	}
	return g, nil
}

// read copies image i into place, mirrored where data.flip draws it so.
func (t *trainer) read(i int, into []uint8) error {
	if err := t.images.Read(i, into); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	layers.Mirrored(t.images, 0, i, into)
	return nil
}

// value is a byte's in [−1, 1].
func value(b uint8) float64 { return float64(b)/127.5 - 1 }

// factorise shrinks the covariance, takes its Cholesky factor, and from that the
// density of the images: with Σ' = (1−s)·Σ + s·v·I the mean of xᵀ·Σ'⁻¹·x over them
// is tr(Σ'⁻¹·Σ).
func (g *gaussian) factorise(s float64) error {
	d := len(g.mean)
	v := mat.Trace(g.sigma) / float64(d)
	if v == 0 {
		g.nll = math.Inf(-1)
		return nil
	}
	for i := range d {
		for j := i; j < d; j++ {
			x := (1 - s) * g.sigma.At(i, j)
			if i == j {
				x += s * v
			}
			g.sigma.SetSym(i, j, x)
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(g.sigma) {
		return errors.New("its covariance has no Cholesky decomposition: raise model.shrinkage")
	}
	g.lower = new(mat.TriDense)
	chol.LTo(g.lower)
	inside := float64(d) // tr(Σ'⁻¹·Σ), for s = 1
	if s < 1 {
		var inverse mat.TriDense
		if err := inverse.InverseTri(g.lower); err != nil {
			return err
		}
		trace := math.Pow(mat.Norm(&inverse, 2), 2) // of Σ'⁻¹; mat.Norm's 2 is Frobenius'
		inside = (float64(d) - s*v*trace) / (1 - s)
	}
	g.nll = 0.5 * (math.Log(2*math.Pi) + (chol.LogDet()+inside)/float64(d))
	return nil
}

// write puts mean and factor where a model has them: the factor is transposed.
func (g *gaussian) write(mean, factor []float32) {
	d := len(mean)
	for i, m := range g.mean {
		mean[i] = float32(m)
		for j := 0; g.lower != nil && j <= i; j++ {
			factor[j*d+i] = float32(g.lower.At(i, j))
		}
	}
}

func (t *trainer) SaveModel(path string) error { return t.model.SaveModel(path) }

func (t *trainer) Save(path, note string) error {
	return t.model.save(path, models.TrainingFormat, map[string]string{"note": note})
}

func (t *trainer) Resume(path string) (note string, err error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return "", fmt.Errorf("resuming a training: %w", err)
	}
	defer f.Close()
	m, err := load(t.model.be, f, models.TrainingFormat)
	if err == nil {
		if err = models.SameTraining(f, m.params, t.model.params); err != nil {
			m.Close()
		}
	}
	if err != nil {
		return "", fmt.Errorf("resuming %s: %w", path, err)
	}
	t.model.Close()
	t.model, m.params = m, t.model.params
	return f.Metadata["note"], nil
}
