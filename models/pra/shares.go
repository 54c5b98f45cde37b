package pra

import "prabench/models/device"

// shares make images independently of each other, side by side where the
// backend can be divided: within a share no thread waits for another one at
// every operation. An image does not depend on the share that makes it.
type shares struct {
	gens     []*generator
	division device.Division // nil: one generator on the whole backend
	kept     device.Kept     // nil: weights are read where they lie
}

func newShares(n *network, plan flowPlan, batch int, at pace) (*shares, error) {
	s := &shares{}
	nets := []*network{n}
	rows := at.tokens
	if plan.Guides() {
		rows *= 2
	}
	if count := countShares(n.be, batch, rows); count > 1 {
		s.division = n.be.Caps().Divider.Divide(count)
		nets = nil
		for _, be := range s.division.Shares() {
			part := *n
			part.be = be
			nets = append(nets, &part)
		}
	}
	for _, net := range nets {
		g, err := newGenerator(net, plan, (batch+len(nets)-1)/len(nets), at)
		if err != nil {
			s.close()
			return nil, err
		}
		s.gens = append(s.gens, g)
	}
	return s, nil
}

// keepRows is the number of rows of the trunk from which copies of the weights
// are worth their memory; where a backend does a layer of few rows in one step on copies
// alone, one row is enough.
const keepRows = 8

// keep has copies of the weights made for every call of each.
func (s *shares) keep(n *network, flat device.Buffer) {
	caps, rows := n.be.Caps(), s.gens[0].batch*s.gens[0].span*s.gens[0].rep
	if k := caps.Keeper; k != nil && (rows >= keepRows || caps.NormRows > 0) {
		s.kept = k.Keeping(n.generating(flat))
	}
}

func countShares(be device.Backend, batch, rows int) int {
	caps := be.Caps()
	if caps.Divider == nil {
		return 1
	}
	return min(be.Threads(), batch, batch*rows/caps.ShareRows)
}

// each divides n images among the generators: f gets the first image and the
// number of images of its own.
func (s *shares) each(n int, f func(g *generator, lo, n int)) {
	one := func(i int) {
		lo, hi := n*i/len(s.gens), n*(i+1)/len(s.gens)
		if lo < hi {
			f(s.gens[i], lo, hi-lo)
		}
	}
	if s.kept != nil {
		s.kept.Begin()
		defer s.kept.End()
	}
	if s.division == nil {
		one(0)
	} else {
		s.division.Run(one)
	}
}

func (s *shares) close() {
	for _, g := range s.gens {
		g.close()
	}
	if s.division != nil {
		s.division.Close()
	}
	if s.kept != nil {
		s.kept.Close()
	}
}
