package devicetest

import "prabench/models/device"

// sequence is the shape of an embedding.
type sequence struct {
	batch, tokens, width, block int
	strided                     bool
	bare                        bool // without places
	classless                   bool // without classes
}

var sequences = []sequence{
	{2, 4, 3, 1, false, false, false}, {2, 4, 3, 2, true, false, false}, {1, 1, 1, 1, false, false, false},
	{3, 16, 12, 16, false, false, false},
	{5, 16, 49, 4, true, false, false}, {64, 16, 96, 1, false, false, false}, {20, 64, 100, 8, true, false, false},
	{2, 4, 513, 2, true, false, false},
	{2, 4, 3, 2, true, true, false}, {3, 16, 12, 16, false, true, false}, {64, 16, 96, 1, false, true, false},
	{2, 4, 3, 2, true, false, true}, {5, 16, 49, 4, true, false, true}, {20, 64, 100, 8, true, true, true},
}

// table is a table of places, absent where there are none.
func (q sequence) table(tr *trial, name string, k kind) slot {
	if q.bare {
		return absent
	}
	return tr.as(tr.normal(name, q.tokens*q.width), k)
}

const classes = 5

// class is the table of classes, absent where there is none.
func (q sequence) class(tr *trial, name string, k kind) slot {
	if q.classless {
		return absent
	}
	return tr.sizes(tr.as(tr.normal(name, classes*q.width), k))
}

// place is the raster position of a generation index.
func (q sequence) place() []int32 {
	out := make([]int32, q.tokens)
	for i := range out {
		out[i] = int32(i)
		if q.strided {
			out[i] = int32(i/q.block + i%q.block*(q.tokens/q.block))
		}
	}
	return out
}

func (q sequence) labels(tr *trial) []int32 {
	out := make([]int32, q.batch)
	for i := range out {
		out[i] = int32(tr.rng.IntN(classes))
	}
	return out
}

var _ = of[device.Embed](embed)

func embed() []*trial {
	var out []*trial
	for _, q := range sequences {
		w := q.width
		whole := newTrial("%+v", q)
		{
			labels, order := whole.indices(q.labels(whole)), whole.indices(q.place())
			u, proj := whole.unset("u", q.batch*q.tokens*w, element), whole.normal("proj", q.batch*q.tokens*w)
			start, inpos := whole.normal("start", q.block*w), whole.sizes(q.table(whole, "inpos", element))
			pos, class := whole.sizes(q.table(whole, "pos", element)), q.class(whole, "class", element)
			whole.run = func(m *machine) {
				device.Do(m, device.Embed{
					U: m.at(u), Proj: m.at(proj), Start: m.at(start), InPos: m.at(inpos), Pos: m.at(pos),
					Class: m.at(class), Labels: m.list(labels), Order: m.list(order), Batch: q.batch, N: q.tokens,
					ProjTokens: q.tokens, Width: w, Block: q.block,
				})
			}
			whole.ranges = q.tokens == 4 && !q.classless
		}
		out = append(out, whole)
		// One AR step as in decoding: proj holds the block before.
		for at := 0; at < q.tokens; at += q.block {
			if at > 2*q.block && at+q.block != q.tokens {
				continue
			}
			tr := newTrial("%+v at %d", q, at)
			labels, order := tr.indices(q.labels(tr)), tr.indices(q.place()[:at+q.block])
			size := q.batch * q.block * w
			u, proj := tr.unset("u", size, element), absent
			if at == 0 { // not read
				proj = tr.unset("proj", size, element)
			} else {
				proj = tr.normal("proj", size)
			}
			start, inpos := tr.normal("start", q.block*w), tr.sizes(q.table(tr, "inpos", element))
			pos, class := tr.sizes(q.table(tr, "pos", element)), q.class(tr, "class", element)
			tr.run = func(m *machine) {
				device.Do(m, device.Embed{
					U: m.at(u), Proj: m.at(proj), Start: m.at(start), InPos: m.at(inpos), Pos: m.at(pos),
					Class: m.at(class), Labels: m.list(labels), Order: m.list(order), Batch: q.batch, At: at,
					N: q.block, ProjAt: at - q.block, ProjTokens: q.block, Width: w, Block: q.block,
				})
			}
			out = append(out, tr)
		}
		if q.tokens < 3*q.block {
			continue
		}
		// Tokens in the middle of the whole, from a proj that begins inside.
		tr := newTrial("%+v inside", q)
		labels, order := tr.indices(q.labels(tr)), tr.indices(q.place())
		at, projAt := q.tokens-2, q.tokens-2-q.block
		u, proj := tr.unset("u", q.batch*2*w, element), tr.normal("proj", q.batch*(q.block+2)*w)
		start, inpos := tr.normal("start", q.block*w), tr.sizes(q.table(tr, "inpos", element))
		pos, class := tr.sizes(q.table(tr, "pos", element)), q.class(tr, "class", element)
		tr.run = func(m *machine) {
			device.Do(m, device.Embed{
				U: m.at(u), Proj: m.at(proj), Start: m.at(start), InPos: m.at(inpos), Pos: m.at(pos),
				Class: m.at(class), Labels: m.list(labels), Order: m.list(order), Batch: q.batch, At: at, N: 2,
				ProjAt: projAt, ProjTokens: q.block + 2, Width: w, Block: q.block,
			})
		}
		out = append(out, tr)
	}
	return out
}

var _ = of[device.EmbedBackward](embedBackward)

func embedBackward() []*trial {
	var out []*trial
	for _, q := range sequences {
		tr := newTrial("%+v", q)
		w, size := q.width, q.batch*q.tokens*q.width
		labels, order := tr.indices(q.labels(tr)), tr.indices(q.place())
		du, dproj := tr.normal("du", size), tr.unset("dproj", size, element)
		dstart, dinpos := tr.as(tr.normal("dstart", q.block*w), sum), q.table(tr, "dinpos", sum)
		dpos, dclass := q.table(tr, "dpos", sum), q.class(tr, "dclass", sum)
		tr.run = func(m *machine) {
			device.Do(m, device.EmbedBackward{
				DProj: m.at(dproj), DStart: m.at(dstart), DInPos: m.at(dinpos), DPos: m.at(dpos), DClass: m.at(dclass),
				DU: m.at(du), Labels: m.list(labels), Order: m.list(order), Batch: q.batch, Tokens: q.tokens, Width: w,
				Block: q.block,
			})
		}
		u, proj, start := tr.extra(tr.unset("u", size, element)), tr.extra(tr.normal("proj", size)), tr.extra(tr.normal("start", q.block*w))
		inpos, pos := tr.extra(q.table(tr, "inpos", element)), tr.extra(q.table(tr, "pos", element))
		class := absent
		of := []pair{{proj, dproj}, {start, dstart}}
		if !q.classless {
			class = tr.extra(tr.normal("class", classes*w))
			of = append(of, pair{class, dclass})
		}
		if !q.bare {
			of = append(of, pair{inpos, dinpos}, pair{pos, dpos})
		}
		tr.gradient = &gradient{out: u, seed: du, of: of, forward: func(m *machine) {
			device.Do(m, device.Embed{
				U: m.at(u), Proj: m.at(proj), Start: m.at(start), InPos: m.at(inpos), Pos: m.at(pos), Class: m.at(class),
				Labels: m.list(labels), Order: m.list(order), Batch: q.batch, N: q.tokens, ProjTokens: q.tokens, Width: w, Block: q.block,
			})
		}}
		tr.ranges = q.tokens == 4 && !q.classless
		out = append(out, tr)
	}
	return out
}
