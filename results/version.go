package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version is one plan that an experiment had. Versions of a name stand side by
// side; one of them is shown by the views.
type Version struct {
	Experiment  string
	Number      int    // 1, 2, … in the order in which they were first planned
	Tag         string // its name for people, or ""
	Description string
	Source      string // path of the experiment file; "" where it is not known
	FileHash    string
	Narrowed    string // what sets it apart from the whole file, or ""
	Created     time.Time
	Cells       int
	IDs         string    // [IDs] of its cells, without those beside them; "" before schema 6
	Shown       bool      // by the views
	Partial     bool      // from before schema 6, without the cells that later plans took
	Removed     time.Time // zero while it is kept
	used        int
}

// Ref is how the version is asked for: NAME@2.
func (v Version) Ref() string { return v.Experiment + "@" + strconv.Itoa(v.Number) }

// Kind says in a few words what the version is of.
func (v Version) Kind() string {
	switch {
	case v.Partial:
		return "earlier plans, without the cells that later ones have"
	case v.Narrowed != "":
		return v.Narrowed
	}
	return "the whole file"
}

// UnknownVersion says that an experiment has no version of that number or tag.
type UnknownVersion struct {
	Experiment, Version string
	Have                []string // numbers and tags
}

func (e *UnknownVersion) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("%s@%s: the database has no experiment %q; `prabench experiments` lists what it has", e.Experiment, e.Version,
			e.Experiment)
	}
	return fmt.Sprintf("%s@%s: the experiment has no such version, only %s", e.Experiment, e.Version, strings.Join(e.Have, ", "))
}

// Versions gives the versions of an experiment, or of all when it is "", by name
// and number; those that were removed only when asked for.
func (db *DB) Versions(ctx context.Context, experiment string, removed bool) ([]Version, error) {
	where := "(?1 = '' OR p.experiment = ?1)"
	if !removed {
		where += " AND p.removed = ''"
	}
	all, err := versions(ctx, db.read, where, experiment)
	return all, explain(db.path, "reading versions", err)
}

func versions(ctx context.Context, q querier, where string, args ...any) ([]Version, error) {
	rows, err := q.QueryContext(ctx, `SELECT p.experiment, p.version, p.tag, p.description, p.source, p.file_hash, p.narrowed, p.created,
		p.ids, p.current, p.partial, p.removed, p.used, (SELECT count(*) FROM cell c WHERE c.plan = p.n)
		FROM plan p WHERE p.version > 0 AND `+where+` ORDER BY p.experiment, p.version`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Version
	for rows.Next() {
		var v Version
		var created, gone string
		if err := rows.Scan(&v.Experiment, &v.Number, &v.Tag, &v.Description, &v.Source, &v.FileHash, &v.Narrowed, &created, &v.IDs,
			&v.Shown, &v.Partial, &gone, &v.used, &v.Cells); err != nil {
			return nil, err
		}
		v.Created, v.Removed = unstamp(created), unstamp(gone)
		all = append(all, v)
	}
	return all, rows.Err()
}

// Find gives the version of that name: NAME for the one that is shown, NAME@2 or
// NAME@TAG for another. found is false where there is no such experiment.
func (db *DB) Find(ctx context.Context, ref string) (v Version, found bool, err error) {
	n, err := planOf(ctx, db.read, ref)
	if err != nil || n == 0 {
		return v, false, explain(db.path, "reading versions", err)
	}
	all, err := versions(ctx, db.read, "p.n = ?", n)
	if err != nil {
		return v, false, explain(db.path, "reading versions", err)
	}
	return all[0], true, nil
}

// planOf gives the plan that a name stands for, 0 where there is no such
// experiment.
func planOf(ctx context.Context, q querier, ref string) (n int64, err error) {
	name, version, asked := strings.Cut(ref, "@")
	if !asked {
		err = q.QueryRowContext(ctx, "SELECT n FROM plan WHERE experiment = ? AND current = 1", name).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return n, err
	}
	err = q.QueryRowContext(ctx, `SELECT n FROM plan WHERE experiment = ?1 AND version > 0 AND removed = '' AND
		(CAST(version AS TEXT) = ?2 OR tag = ?2 AND tag <> '')`, name, version).Scan(&n)
	if !errors.Is(err, sql.ErrNoRows) {
		return n, err
	}
	all, err := versions(ctx, q, "p.experiment = ? AND p.removed = ''", name)
	if err != nil {
		return 0, err
	}
	unknown := &UnknownVersion{Experiment: name, Version: version}
	for _, v := range all {
		unknown.Have = append(unknown.Have, strconv.Itoa(v.Number))
		if v.Tag != "" {
			unknown.Have = append(unknown.Have, v.Tag)
		}
	}
	return 0, unknown
}

// Matching gives the version of a name whose cells have these ids: the one that
// is shown where it is among several, else the one that was run last.
func (db *DB) Matching(ctx context.Context, experiment, ids string) (v Version, found bool, err error) {
	all, err := versions(ctx, db.read, "p.experiment = ? AND p.ids = ? AND p.removed = '' AND p.partial = 0", experiment, ids)
	for _, x := range all {
		if !found || x.Shown || !v.Shown && x.used > v.used {
			v, found = x, true
		}
	}
	return v, found, explain(db.path, "reading versions", err)
}

// Others says which version of its name an experiment's is and which others are
// kept beside it, "" where there are none.
func (db *DB) Others(ctx context.Context, ref string) (string, error) {
	const most = 3
	this, found, err := db.Find(ctx, ref)
	if err != nil || !found {
		return "", err
	}
	all, err := db.Versions(ctx, this.Experiment, false)
	if err != nil || len(all) < 2 {
		return "", err
	}
	slices.Reverse(all) // the newest first
	var others []string
	for _, v := range all {
		if v.Number != this.Number {
			others = append(others, fmt.Sprintf("%s (%s, %d cells)", v.Ref(), v.Kind(), v.Cells))
		}
	}
	if n := len(others) - most; n > 0 {
		others = append(others[:most], fmt.Sprintf("%d more (prabench experiments)", n))
	}
	return fmt.Sprintf("this is version %d (%s); kept beside it: %s", this.Number, this.Kind(), strings.Join(others, ", ")), nil
}

// LastSource is the file that a name was last run from, "" where it is not known.
func (db *DB) LastSource(ctx context.Context, experiment string) (source string, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT source FROM plan WHERE experiment = ? AND version > 0 AND removed = ''
		ORDER BY used DESC LIMIT 1`, experiment).Scan(&source)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return source, explain(db.path, "reading versions", err)
}

// Tag gives a version a name for people; "" takes it away. A tag is a word that
// is no number, and one version of a name has it.
func (db *DB) Tag(ctx context.Context, ref, tag string) (Version, error) {
	if _, err := strconv.Atoi(tag); err == nil || strings.ContainsAny(tag, "@ \t\n/,=") {
		return Version{}, fmt.Errorf("a tag is a word without @, =, / or commas, and no number; not %q", tag)
	}
	return db.change(ctx, "tagging "+ref, ref, func(tx *sql.Tx, n int64, v Version) error {
		if _, err := tx.ExecContext(ctx, "UPDATE plan SET tag = '' WHERE experiment = ? AND tag = ?", v.Experiment, tag); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE plan SET tag = ? WHERE n = ?", tag, n)
		return err
	})
}

// Remove takes a version out of all lists: what it alone needs is garbage from
// then on. Attempts and their values stay, and planning it again brings it back.
// Where it was shown, the newest of those that are left is.
func (db *DB) Remove(ctx context.Context, ref string) (Version, error) {
	return db.change(ctx, "removing "+ref, ref, func(tx *sql.Tx, n int64, v Version) error {
		if _, err := tx.ExecContext(ctx, "UPDATE plan SET removed = ?, tag = '' WHERE n = ?", stamp(time.Now()), n); err != nil {
			return err
		}
		return showNewest(ctx, tx, v.Experiment)
	})
}

// change does something to a version in a transaction and gives the version as
// it was.
func (db *DB) change(ctx context.Context, doing, ref string, do func(tx *sql.Tx, n int64, v Version) error) (Version, error) {
	write, err := db.writer()
	if err != nil {
		return Version{}, err
	}
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return Version{}, explain(db.path, doing, err)
	}
	defer tx.Rollback()
	n, err := planOf(ctx, tx, ref)
	if err == nil && n == 0 {
		err = &UnknownVersion{Experiment: ref, Version: "1"}
	}
	if err != nil {
		return Version{}, explain(db.path, doing, err)
	}
	all, err := versions(ctx, tx, "p.n = ?", n)
	if err == nil {
		err = do(tx, n, all[0])
	}
	if err != nil {
		return Version{}, explain(db.path, doing, err)
	}
	return all[0], explain(db.path, doing, tx.Commit())
}

// NeededStages gives every stage that a version which is kept needs, and whether
// it is done.
func (db *DB) NeededStages(ctx context.Context) (map[string]bool, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.key, s.attempt IS NOT NULL FROM stage s WHERE EXISTS (SELECT 1 FROM cell_stage cs
		CROSS JOIN cell c ON c.n = cs.cell CROSS JOIN plan p ON p.n = c.plan WHERE cs.stage = s.n AND p.removed = '')`)
	if err != nil {
		return nil, explain(db.path, "reading which stages are needed", err)
	}
	defer rows.Close()
	needed := map[string]bool{}
	for rows.Next() {
		var key string
		var done bool
		if err := rows.Scan(&key, &done); err != nil {
			return nil, explain(db.path, "reading which stages are needed", err)
		}
		needed[key] = done
	}
	return needed, explain(db.path, "reading which stages are needed", rows.Err())
}

// NamedBy gives for each of the stages the versions that need it, removed ones too.
func (db *DB) NamedBy(ctx context.Context, keys []string) (map[string][]string, error) {
	const doing = "reading which version needs which stage"
	list, err := json.Marshal(append([]string{}, keys...))
	if err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `SELECT DISTINCT s.key, p.experiment || '@' || p.version FROM json_each(?) k
		CROSS JOIN stage s ON s.key = k.value CROSS JOIN cell_stage cs ON cs.stage = s.n CROSS JOIN cell c ON c.n = cs.cell
		CROSS JOIN plan p ON p.n = c.plan ORDER BY p.experiment, p.version`, string(list))
	if err != nil {
		return nil, explain(db.path, doing, err)
	}
	defer rows.Close()
	of := map[string][]string{}
	for rows.Next() {
		var key, ref string
		if err := rows.Scan(&key, &ref); err != nil {
			return nil, explain(db.path, doing, err)
		}
		of[key] = append(of[key], ref)
	}
	return of, explain(db.path, doing, rows.Err())
}

// StageUses gives for each stage the versions that need it, as places in the list
// of all that are kept, which comes second.
func (db *DB) StageUses(ctx context.Context) (map[string][]int, []Version, error) {
	const doing = "reading which version needs which stage"
	all, err := db.Versions(ctx, "", false)
	if err != nil {
		return nil, nil, err
	}
	place := map[string]int{}
	for i, v := range all {
		place[v.Ref()] = i
	}
	rows, err := db.read.QueryContext(ctx, `SELECT s.key, p.experiment || '@' || p.version FROM (
		  SELECT DISTINCT cs.stage, c.plan FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		  WHERE p.version > 0 AND p.removed = '') u
		CROSS JOIN stage s ON s.n = u.stage CROSS JOIN plan p ON p.n = u.plan`)
	if err != nil {
		return nil, nil, explain(db.path, doing, err)
	}
	defer rows.Close()
	uses := map[string][]int{}
	for rows.Next() {
		var key, ref string
		if err := rows.Scan(&key, &ref); err != nil {
			return nil, nil, explain(db.path, doing, err)
		}
		uses[key] = append(uses[key], place[ref])
	}
	return uses, all, explain(db.path, doing, rows.Err())
}
