package layers

import (
	"math"

	"prabench/models"
	"prabench/models/device"
)

// Trunk is how the layers of a [Stack] or a [Denoiser] are made, in the words of the
// keys model.norm and so on. The zero Trunk is that of the first release.
type Trunk struct {
	Norm    string // "layernorm", or "rmsnorm", which has no bias
	MLPKind string // "gelu" or "swiglu"
	// Positions are "learned", added to the stream, or "rope2d": queries and keys are turned
	// by their row and their column.
	Positions string
	QKNorm    string // "none", or "rmsnorm" of the queries and keys of each head, with a gain
	// ClassTokens are how many tokens of its class stand before those of an image; 0: the
	// class is added to each of these.
	ClassTokens int
}

// StackShape is what a [Stack] is declared by. MLP is the hidden width over the
// stream's; Classes are those that class tokens tell apart.
type StackShape struct {
	Depth, Width, Heads, MLP, Classes int
	Trunk
}

// MostClassTokens is a bound of sense: more than tokens of any image here.
const MostClassTokens = 4096

// Check reports the first of the keys whose value is not allowed.
func (t Trunk) Check(width, heads int) error {
	if t.rotary() && heads > 0 && width%(4*heads) != 0 {
		return models.BadKey("model.positions", "\"rope2d\" turns a head's values by fours, and model.width / model.heads = %d / %d is "+
			"no multiple of 4; take other heads, or \"learned\"", width, heads)
	}
	return models.First(
		models.Within("model.class_tokens", float64(t.ClassTokens), 0, MostClassTokens),
		models.OneOf("model.positions", t.Positions, "learned", "rope2d"),
		models.OneOf("model.norm", t.Norm, "layernorm", "rmsnorm"), models.OneOf("model.mlp_kind", t.MLPKind, "gelu", "swiglu"),
		models.OneOf("model.qk_norm", t.QKNorm, "none", "rmsnorm"),
	)
}

// norm declares a normalisation of the stream.
func (t Trunk) norm(l *Parameters, name string, n int) Affine {
	if t.Norm == "rmsnorm" {
		return l.Gain(name, n)
	}
	return l.Affine(name, n)
}

func (t Trunk) rotary() bool { return t.Positions == "rope2d" }

// Turns are the cosines and sines that attention turns queries and keys by, in memory of
// their own: [tokens, hd] for heads of hd values and tokens at the raster positions of
// order, on a grid so many patches wide. The first quarter of a head's values turns with
// the third by the row, the second with the fourth by the column; the j-th pair of a
// quarter by 10000^(−j/(hd/4)) a patch (Su et al. 2021, in two dimensions). Class tokens
// stand in a row above the image, the j-th at row −1 and column j. Absent where nothing
// turns.
func (t Trunk) Turns(m *Memory, order []int32, grid, width, heads int) device.Buffer {
	if !t.rotary() {
		return device.Buffer{}
	}
	hd := width / heads
	quarter := hd / 4
	table := make([]float32, (t.ClassTokens+len(order))*hd)
	turn := func(i, row, column int) {
		for j := range quarter {
			step := math.Pow(10000, -float64(j)/float64(quarter))
			for axis, place := range []int{row, column} {
				sin, cos := math.Sincos(float64(place) * step)
				to := table[i*hd+axis*quarter+j:]
				to[0], to[2*quarter] = float32(cos), float32(sin)
			}
		}
	}
	for j := range t.ClassTokens {
		turn(j, -1, j)
	}
	for i, at := range order {
		turn(t.ClassTokens+i, int(at)/grid, int(at)%grid)
	}
	b := m.Act(len(table))
	if m.Err == nil {
		m.Be.Upload(b, table)
	}
	return b
}

// hidden is the width of the MLP inside: MLP·Width, or two thirds of that to the nearest
// multiple of 8 where it has a gate, so that three matrices have the parameters of two.
func (s StackShape) hidden() int {
	if s.MLPKind != "swiglu" {
		return s.MLP * s.Width
	}
	return max(1, (2*s.MLP*s.Width+12)/24) * 8
}
