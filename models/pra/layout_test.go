package pra

import (
	"testing"

	"prabench/models/layers"
)

// However many processors draw them, the initial weights are those of their
// addresses, also where the work is divided.
func TestInitialWeights(t *testing.T) {
	c := smallConfig()
	c.Width, c.Heads, c.MLP = 160, 4, 4 // trunk.*.up has 102 400 weights
	l := newLayout(c)
	got := l.Initial(7, streamInit)
	for i, x := range l.Tensors {
		for j := range x.N {
			want := float32(0)
			switch {
			case x.One:
				want = 1
			case x.Std > 0:
				want = float32(x.Std * layers.Normal(7, streamInit, uint32(i), uint32(j/2), j%2))
			}
			if got[x.Offset+j] != want {
				t.Fatalf("%s[%d] is %v, want %v", x.Name, j, got[x.Offset+j], want)
			}
		}
	}
}
