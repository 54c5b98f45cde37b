package results

import (
	"context"
	"database/sql"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// part is some neighbouring cells of one version of an experiment. Large answers are read
// part by part, several at once: each part is complete in itself, so they only
// have to be put one behind the other.
type part struct {
	experiment string
	plan       int64
	from, to   int // positions in the plan, to not included
	kinds      kinds
}

// partCells is the size of a part: small enough to share the work evenly, large
// enough that a query's own cost does not matter.
const partCells = 4096

// where is the condition that a filter and the part set on the table cell c.
func (p part) where(f Filter) (text string, args []any) {
	text, args = "c.plan = ? AND c.position >= ? AND c.position < ?", []any{p.plan, p.from, p.to}
	if len(f.Cells) > 0 {
		text += " AND c.id IN " + marks(len(f.Cells))
		for _, c := range f.Cells {
			args = append(args, c)
		}
	}
	return text, args
}

func marks(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")" }

// parts divides what a filter can choose from, in the order of results.
func parts(ctx context.Context, tx *sql.Tx, f Filter) ([]part, error) {
	kinds, err := loadKinds(ctx, tx)
	if err != nil {
		return nil, err
	}
	n, err := planOf(ctx, tx, f.Experiment)
	if err != nil {
		return nil, err
	}
	found, err := tx.QueryContext(ctx, `SELECT p.experiment, p.n, coalesce((SELECT max(position) + 1 FROM cell c WHERE c.plan = p.n), 0)
		FROM plan p WHERE CASE ?1 WHEN '' THEN p.current = 1 ELSE p.n = ?2 END ORDER BY p.experiment`, f.Experiment, n)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []part
	for found.Next() {
		p := part{kinds: kinds}
		var cells int
		if err := found.Scan(&p.experiment, &p.plan, &cells); err != nil {
			return nil, err
		}
		if f.First > 0 {
			cells = min(cells, f.First)
		}
		for ; p.from < cells; p.from = p.to {
			p.to = min(p.from+partCells, cells)
			all = append(all, p)
		}
	}
	return all, found.Err()
}

// maxReaders bounds the connections that one answer is read by.
const maxReaders = 4

// readers begins read transactions that all see one state of the database: one
// at least, and more when nobody else has taken more than one. end ends them.
func (db *DB) readers(ctx context.Context) (all []*sql.Tx, end func(), err error) {
	more := db.several.TryLock()
	end = func() {
		for _, tx := range all {
			tx.Rollback()
		}
		if more {
			db.several.Unlock()
		}
	}
	n := 1
	if more {
		n = max(1, min(maxReaders, runtime.NumCPU()))
	}
	var state string
	for range n {
		tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			end()
			return nil, nil, err
		}
		// Every change adds an attempt or a plan, or runs or shows another plan, so
		// these tell states apart.
		var now string
		if err := tx.QueryRowContext(ctx,
			`SELECT coalesce((SELECT max(n) FROM attempt), 0) || ' ' ||
				(SELECT coalesce(max(n), 0) || ' ' || total(used) || ' ' || total(n * current) FROM plan)`).Scan(&now); err != nil {
			tx.Rollback()
			end()
			return nil, nil, err
		}
		if len(all) > 0 && now != state {
			tx.Rollback() // somebody wrote in between: those that there are do it
			break
		}
		state = now
		all = append(all, tx)
	}
	return all, end, nil
}

// each calls do for 0 … n−1, on all transactions at once. The first error ends it.
func each(readers []*sql.Tx, n int, do func(tx *sql.Tx, i int) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	errs := make([]error, len(readers))
	var all sync.WaitGroup
	for r, tx := range readers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
				if errs[r] = do(tx, i); errs[r] != nil {
					failed.Store(true)
					return
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
