package layers

import "prabench/models/device"

// Table is an embedding: a row of width for each index.
type Table struct {
	Rows  *Tensor // [size, width]
	Width int
}

// NewTable declares a table without weight decay, whose values begin as normals of a
// standard deviation.
func NewTable(l *Parameters, name string, size, width int, std float64) Table {
	return Table{l.Tensor(name, false, std, size, width), width}
}

// Forward is y [rows, width] ← the rows that index chooses.
func (t *Table) Forward(p *Pass, y device.Buffer, index device.Ints, rows int) {
	device.Do(p.Be, device.Gather{Y: y, Table: t.Rows.Of(p.Weights), Index: index, Rows: rows, N: t.Width})
}

// Backward accumulates the gradient of the table.
func (t *Table) Backward(p *Pass, dy device.Buffer, index device.Ints, rows int) {
	device.Do(p.Be, device.GatherBackward{DTable: t.Rows.Of(p.Grads), DY: dy, Index: index, Rows: rows, N: t.Width})
}

// Places adds to every token of an image what its place has learnt.
type Places struct {
	Pos           *Tensor // [tokens, width]
	Tokens, Width int
}

// NewPlaces declares NAME.
func NewPlaces(l *Parameters, name string, tokens, width int) Places {
	return Places{l.Tensor(name, false, 0.1, tokens, width), tokens, width}
}

// Forward is u ← u + pos for u [batch·tokens, width]; ones holds as many ones as u
// has rows.
func (t *Places) Forward(p *Pass, u, ones device.Buffer, batch int) {
	device.Do(p.Be, device.RowMix{Dst: u, A: ones, X: t.Pos.Of(p.Weights), B: ones, Y: u, Rows: batch * t.Tokens, N: t.Width,
		XRows: t.Tokens})
}

// Step is Forward for the of.Block tokens of each image at position at.
func (t *Places) Step(p *Pass, u, ones device.Buffer, of Sequences, at int) {
	device.Do(p.Be, device.RowMix{Dst: u, A: ones, X: t.Pos.Of(p.Weights).Slice(at*t.Width, of.Block*t.Width), B: ones, Y: u,
		Rows: of.Batch * of.Block, N: t.Width, XRows: of.Block})
}

// Backward accumulates the gradient of the places from du, the sum over the images.
func (t *Places) Backward(p *Pass, du, ones device.Buffer, batch int) {
	n := t.Tokens * t.Width
	device.Do(p.Be, device.Gemm{M: 1, N: n, K: batch, Alpha: 1, A: ones, LDA: batch, B: du, LDB: n, Beta: 1, C: t.Pos.Of(p.Grads), LDC: n})
}
