package models

import (
	"slices"

	"prabench/models/device"
)

// leastRows is how many rows of the trunk a share has at least: with fewer the
// products of a share wait for their weights, which all threads together would
// read once.
const leastRows = 8

// shares make images independently of each other, side by side where the
// backend can be divided: within a share no thread waits for another one at
// every operation. An image does not depend on the share that makes it.
type shares struct {
	gens     []*generator
	division device.Division // nil: one generator on the whole backend
}

func newShares(n *network, plan flowPlan, batch int, sequential bool) (*shares, error) {
	s := &shares{}
	nets := []*network{n}
	if count := countShares(n, plan, batch, sequential); count > 1 {
		s.division = n.be.(device.Divider).Divide(count)
		nets = nil
		for _, be := range s.division.Shares() {
			part := *n
			part.be = be
			nets = append(nets, &part)
		}
	}
	for _, net := range nets {
		g, err := newGenerator(net, plan, (batch+len(nets)-1)/len(nets), sequential)
		if err != nil {
			s.close()
			return nil, err
		}
		s.gens = append(s.gens, g)
	}
	return s, nil
}

func countShares(n *network, plan flowPlan, batch int, sequential bool) int {
	if _, ok := n.be.(device.Divider); !ok {
		return 1
	}
	rows := n.cfg.Tokens()
	if sequential {
		rows = n.cfg.Block
	}
	if plan.guidance != 0 {
		rows *= 2
	}
	return min(n.be.Threads(), batch, batch*rows/leastRows)
}

// each divides n images among the generators: f gets the first image and the
// number of images of its own.
func (s *shares) each(n int, f func(g *generator, lo, n int)) error {
	errs := make([]error, len(s.gens))
	one := func(i int) {
		lo, hi := n*i/len(s.gens), n*(i+1)/len(s.gens)
		if lo < hi {
			f(s.gens[i], lo, hi-lo)
			errs[i] = s.gens[i].be.Sync()
		}
	}
	if s.division == nil {
		one(0)
	} else {
		s.division.Run(one)
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

func (s *shares) close() {
	for _, g := range s.gens {
		g.close()
	}
	if s.division != nil {
		s.division.Close()
	}
}
