package engine

import (
	"cmp"
	"slices"

	"prabench/harness/stage"
)

// further finds stages that go on from others of the plan: those of a kind that say
// how far they go, which are the same but for that. Each waits for the one before it.
func (p *Plan) further() {
	groups := map[string][]*Item{} // key of the one that goes to the end → those that stop earlier
	var order []string
	for _, it := range p.Items {
		if it.Kind.Reach == nil || it.Kind.Reach(it.Settings) == 0 {
			continue
		}
		chain, err := stage.Of(it.Kind.Whole(it.Full()))
		if err != nil {
			continue // then each goes all its way
		}
		whole := chain.Key(it.Kind)
		if groups[whole] == nil {
			order = append(order, whole)
		}
		groups[whole] = append(groups[whole], it)
	}
	for _, whole := range order {
		group := groups[whole]
		slices.SortStableFunc(group, func(a, b *Item) int { return cmp.Compare(a.reach(), b.reach()) })
		if end := p.byKey[whole]; end != nil {
			group = append(group, end)
		}
		for i, it := range group {
			it.Earlier = nil
			for k := i - 1; k >= 0; k-- { // the latest first
				it.Earlier = append(it.Earlier, group[k].Key)
			}
		}
	}
}

// reach is how far a stage goes, 0 to the end.
func (it *Item) reach() int {
	if it.Kind.Reach == nil {
		return 0
	}
	return it.Kind.Reach(it.Settings)
}

// saved is the share of a stage that those before it do or have done.
func (p *Plan) saved(it *Item) float64 {
	if len(it.Earlier) == 0 {
		return 0
	}
	before := p.byKey[it.Earlier[0]]
	if before == nil || before.Skip && before.State != Done && before.State != Stored {
		return 0
	}
	own, there := it.Kind.Effort(it.Settings, it.Costs).FLOPs, before.Kind.Effort(before.Settings, before.Costs).FLOPs
	if own <= 0 {
		return 0
	}
	return min(1, there/own)
}

// needs are the stages that have to be done first: its inputs, and the one that it
// goes on from if that is among those that come before it.
func (p *Plan) needs(it *Item, listed map[string]bool) []string {
	needs := it.Needs()
	if len(it.Earlier) > 0 && listed[it.Earlier[0]] {
		needs = append(slices.Clone(needs), it.Earlier[0])
	}
	return needs
}
