package devicetest

// sequence is the shape of an embedding.
type sequence struct {
	batch, tokens, width, block int
	strided                     bool
}

var sequences = []sequence{
	{2, 4, 3, 1, false}, {2, 4, 3, 2, true}, {1, 1, 1, 1, false}, {3, 16, 12, 16, false}, {5, 16, 49, 4, true}, {64, 16, 96, 1, false}, {20, 64, 100, 8, true}, {2, 4, 513, 2, true},
}

const classes = 5

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

func embed() []*trial {
	var out []*trial
	for _, q := range sequences {
		w := q.width
		whole := newTrial("%+v", q)
		{
			labels, order := whole.indices(q.labels(whole)), whole.indices(q.place())
			u, proj := whole.unset("u", q.batch*q.tokens*w, element), whole.normal("proj", q.batch*q.tokens*w)
			start, inpos := whole.normal("start", q.block*w), whole.sizes(whole.normal("inpos", q.tokens*w))
			pos, class := whole.sizes(whole.normal("pos", q.tokens*w)), whole.sizes(whole.normal("class", classes*w))
			whole.run = func(m *machine) {
				m.Embed(m.at(u), m.at(proj), m.at(start), m.at(inpos), m.at(pos), m.at(class), m.list(labels), m.list(order), q.batch, 0, q.tokens, 0, q.tokens, w, q.block)
			}
			whole.ranges = q.tokens == 4
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
			start, inpos := tr.normal("start", q.block*w), tr.sizes(tr.normal("inpos", q.tokens*w))
			pos, class := tr.sizes(tr.normal("pos", q.tokens*w)), tr.sizes(tr.normal("class", classes*w))
			tr.run = func(m *machine) {
				m.Embed(m.at(u), m.at(proj), m.at(start), m.at(inpos), m.at(pos), m.at(class), m.list(labels), m.list(order), q.batch, at, q.block, at-q.block, q.block, w, q.block)
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
		start, inpos := tr.normal("start", q.block*w), tr.sizes(tr.normal("inpos", q.tokens*w))
		pos, class := tr.sizes(tr.normal("pos", q.tokens*w)), tr.sizes(tr.normal("class", classes*w))
		tr.run = func(m *machine) {
			m.Embed(m.at(u), m.at(proj), m.at(start), m.at(inpos), m.at(pos), m.at(class), m.list(labels), m.list(order), q.batch, at, 2, projAt, q.block+2, w, q.block)
		}
		out = append(out, tr)
	}
	return out
}

func embedBackward() []*trial {
	var out []*trial
	for _, q := range sequences {
		tr := newTrial("%+v", q)
		w, size := q.width, q.batch*q.tokens*q.width
		labels, order := tr.indices(q.labels(tr)), tr.indices(q.place())
		du, dproj := tr.normal("du", size), tr.unset("dproj", size, element)
		dstart, dinpos := tr.as(tr.normal("dstart", q.block*w), sum), tr.as(tr.normal("dinpos", q.tokens*w), sum)
		dpos, dclass := tr.as(tr.normal("dpos", q.tokens*w), sum), tr.sizes(tr.as(tr.normal("dclass", classes*w), sum))
		tr.run = func(m *machine) {
			m.EmbedBackward(m.at(dproj), m.at(dstart), m.at(dinpos), m.at(dpos), m.at(dclass), m.at(du), m.list(labels), m.list(order), q.batch, q.tokens, w, q.block)
		}
		tr.ranges = q.tokens == 4
		out = append(out, tr)
	}
	return out
}
