package results

import (
	"context"
	"database/sql"
	"slices"
)

// PlanKind is a kind of stage as the one who plans knows it.
type PlanKind struct {
	Name string
	// Own says that its results stand on themselves, as a speed does: on which
	// machine and by what code its inputs were made changes nothing.
	Own bool
}

// byChain orders by the place of a stage's kind, of table kind k, in a chain; a
// kind that no plan has named comes last.
const byChain = "k.place IS NULL, k.place, s.kind"

// kinds are those that plans have named.
type kinds map[string]kind

type kind struct {
	place int
	own   bool
}

// compare orders two kinds as a chain does; unknown ones come last.
func (ks kinds) compare(a, b string) int {
	x, known := ks[a]
	y, too := ks[b]
	switch {
	case known && too:
		return x.place - y.place
	case known:
		return -1
	case too:
		return 1
	}
	return 0
}

func loadKinds(ctx context.Context, q querier) (kinds, error) {
	list, err := listKinds(ctx, q)
	ks := kinds{}
	for i, k := range list {
		ks[k.Name] = kind{i, k.Own}
	}
	return ks, err
}

func listKinds(ctx context.Context, q querier) ([]PlanKind, error) {
	found, err := q.QueryContext(ctx, "SELECT name, own FROM kind ORDER BY place, name")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []PlanKind
	for found.Next() {
		var k PlanKind
		if err := found.Scan(&k.Name, &k.Own); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, found.Err()
}

// kindsWith is the kinds as they are once a plan has named its own, and whether
// that changes anything. A program that knows fewer kinds changes nothing.
func kindsWith(known, named []PlanKind) ([]PlanKind, bool) {
	others := slices.Clone(known)
	var same []PlanKind
	for _, k := range known {
		if slices.ContainsFunc(named, func(n PlanKind) bool { return n.Name == k.Name }) {
			same = append(same, k)
		}
	}
	if slices.Equal(same, named) {
		return known, false
	}
	others = slices.DeleteFunc(others, func(k PlanKind) bool {
		return slices.ContainsFunc(named, func(n PlanKind) bool { return n.Name == k.Name })
	})
	return slices.Concat(named, others), true
}

// recordKinds brings the table up to date with a plan.
func recordKinds(ctx context.Context, tx *sql.Tx, named []PlanKind) error {
	known, err := listKinds(ctx, tx)
	if err != nil {
		return err
	}
	all, changed := kindsWith(known, named)
	if !changed {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM kind"); err != nil {
		return err
	}
	for i, k := range all {
		if _, err := tx.ExecContext(ctx, "INSERT INTO kind(name, place, own) VALUES (?,?,?)", k.Name, i, k.Own); err != nil {
			return err
		}
	}
	return nil
}
