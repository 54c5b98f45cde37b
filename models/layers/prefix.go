package layers

import "prabench/models/device"

// prefix are the class tokens of a [Stack]: learnt vectors that stand before the tokens of
// an image, so many for each class and for no class. They are a block of their own, which
// every token of the image sees and which sees none of them, and have no output.
type prefix struct {
	*Tensor // [classes+1, count, width]; nil: there are none
	count   int
	width   int
}

// newPrefix declares NAME.class where there are class tokens.
func (s StackShape) newPrefix(l *Parameters, name string) prefix {
	f := prefix{count: s.ClassTokens, width: s.Width}
	if f.count > 0 {
		f.Tensor = l.Tensor(name+".class", false, 0.1, s.Classes+1, f.count, f.width)
	}
	return f
}

// size is the number of values of the class tokens of so many images.
func (f *prefix) size(images int) int { return images * f.count * f.width }

// before are the sequences with the class tokens before them.
func (f *prefix) before(of Sequences) Sequences {
	of.Tokens, of.prefix = of.Tokens+f.count, f.count
	return of
}

// alone are the class tokens as the first step of such sequences.
func (f *prefix) alone(of Sequences) Sequences {
	of.Tokens, of.Block = of.Tokens+f.count, f.count
	return of
}

// gather leaves the class tokens of the images in dst.
func (f *prefix) gather(p *Pass, dst device.Buffer, of Sequences) {
	device.Do(p.Be, device.Gather{Y: dst, Table: f.Of(p.Weights), Index: of.Labels, Rows: of.Batch, N: f.size(1)})
}

// join puts class tokens and the tokens of images side by side: all [images,
// count + tokens, width]. Without first there are zeros in their places.
func (f *prefix) join(p *Pass, all, first, rest device.Buffer, of Sequences) {
	one, n := f.size(1), of.Tokens*f.width
	if first.Absent() {
		device.Do(p.Be, device.Fill{Dst: all.Slice(0, of.Batch*(one+n))})
	} else {
		device.Do(p.Be, device.Copy2D{Dst: all, LDDst: one + n, Src: first, LDSrc: one, Rows: of.Batch, N: one})
	}
	device.Do(p.Be, device.Copy2D{Dst: all.Slice(one, all.N-one), LDDst: one + n, Src: rest, LDSrc: n, Rows: of.Batch, N: n})
}

// part undoes join; first may be absent.
func (f *prefix) part(p *Pass, all, first, rest device.Buffer, of Sequences) {
	one, n := f.size(1), of.Tokens*f.width
	if !first.Absent() {
		device.Do(p.Be, device.Copy2D{Dst: first, LDDst: one, Src: all, LDSrc: one + n, Rows: of.Batch, N: one})
	}
	device.Do(p.Be, device.Copy2D{Dst: rest, LDDst: n, Src: all.Slice(one, all.N-one), LDSrc: one + n, Rows: of.Batch, N: n})
}

// prefixActs is what passes over whole sequences with class tokens need besides.
type prefixActs struct {
	first device.Buffer // [images, count, width]
	rest  device.Buffer // [images·tokens, width] the stream of the tokens, and afterwards their output
}

func (f *prefix) acts(m *Memory, images, tokens int) *prefixActs {
	return &prefixActs{m.Act(f.size(images)), m.Act(images * tokens * f.width)}
}

// Prefix puts keys and values of the class tokens of of.Labels into the caches, which are
// as those of [Stack.Step]: once, before the first step. It does nothing where there are
// none.
func (s *Stack) Prefix(p *Pass, a *StackActs, caches []device.Buffer, of Sequences) {
	if s.prefix.count == 0 {
		return
	}
	s.prefix.gather(p, a.layers[0].x, of)
	of = s.prefix.alone(of)
	s.forward(p, a, of.Batch*of.Block, func(i int) { s.Layers[i].Attention.Cached(p, &a.layers[i].attention, caches[i], of, 0) })
}

// PrefixApart is Prefix for caches as those of [Stack.Window].
func (s *Stack) PrefixApart(p *Pass, a *StackActs, caches [][]device.Buffer, of Sequences) {
	if s.prefix.count == 0 {
		return
	}
	s.prefix.gather(p, a.layers[0].x, of)
	of = s.prefix.alone(of)
	s.forward(p, a, of.Batch*of.Block, func(i int) {
		s.Layers[i].Attention.Window(p, &a.layers[i].attention, caches[i], of, 0, of.Block)
	})
}
