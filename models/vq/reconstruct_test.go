package vq

import (
	"bytes"
	"slices"
	"testing"

	"prabench/models/golden"
)

// A reconstruction is what a step of the tokenizer decodes, with the codes that it
// found, whatever is read at once.
func TestReconstructionIsWhatTheTokenizerDecodes(t *testing.T) {
	p, n := small(), 6
	be := open(t, 1)
	tr := trainer(t, be, p, n)
	for range 2 {
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
	}
	d := golden.Pictures(p.Shape(), n)
	if err := tr.loadBatch(); err != nil {
		t.Fatal(err)
	}
	m := tr.model
	m.tok.encode(m.pass(m.coder, tr.coder.Grads), tr.enc, tr.x, n)
	tr.tokenize()
	m.tok.decode(m.pass(m.coder, tr.coder.Grads), tr.dec, n)
	N, P, size := p.Model.Tokens(), p.Model.TokenDim(), p.Shape().Bytes()
	tokens := make([]float32, n*N*P)
	be.Download(tokens, tr.dec.y)
	patches, order := p.Model.patches()
	for _, batch := range []int{1, 4, 6, 50} {
		reported := 0
		got, codes, err := m.Reconstruct(d, "raw", batch, func(done int) error { reported = done; return nil })
		if err != nil || reported != n || len(codes) != n*N {
			t.Fatalf("%v, %d done, %d codes", err, reported, len(codes))
		}
		found := 0
		for i := range n { // the batch has the images in the order of the training
			seen, made := make([]uint8, size), make([]uint8, size)
			patches.Join(seen, tr.tokens[i*N*P:(i+1)*N*P], order)
			patches.Join(made, tokens[i*N*P:(i+1)*N*P], order)
			for j := range n {
				if !bytes.Equal(seen, d.Pixels[j*size:(j+1)*size]) {
					continue
				}
				found++
				if !slices.Equal(codes[j*N:(j+1)*N], tr.hostCodes[i*N:(i+1)*N]) {
					t.Errorf("batches of %d: image %d has the codes %v, the training's %v", batch, j, codes[j*N:(j+1)*N], tr.hostCodes[i*N:(i+1)*N])
				}
				for k, v := range got[j*size : (j+1)*size] {
					if max(v, made[k])-min(v, made[k]) > 1 {
						t.Fatalf("batches of %d: image %d, byte %d is %d, the training's %d", batch, j, k, v, made[k])
					}
				}
			}
		}
		if found < n {
			t.Errorf("%d images of the batch are known", found)
		}
	}
	other := d
	other.Size = 4
	if _, _, err := m.Reconstruct(other, "raw", 2, func(int) error { return nil }); err == nil {
		t.Error("images of another size were taken")
	}
}
