package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"prabench/results/record"
)

// ConflictError says that an attempt's id is taken by a different attempt: a
// file was changed by hand or damaged. The stored one stays.
type ConflictError struct{ ID string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("attempt %s is already stored with other content: an attempt never changes, give a new one a new id", e.ID)
}

// KindError says that a stage key was used for two kinds of stages.
type KindError struct{ Stage, Have, Want string }

func (e *KindError) Error() string {
	return fmt.Sprintf("stage %s is a %s stage in the database and cannot be a %s stage: a key stands for one kind", e.Stage, e.Have, e.Want)
}

// Ingest stores an attempt. Storing the same attempt again changes nothing and
// gives false; another attempt under a stored id gives a [*ConflictError].
func (db *DB) Ingest(ctx context.Context, a record.Attempt) (inserted bool, err error) {
	if err := a.Check(); err != nil {
		return false, err
	}
	write, err := db.writer()
	if err != nil {
		return false, err
	}
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return false, explain(db.path, "storing attempt "+a.ID, err)
	}
	defer tx.Rollback()
	in := newInserter(ctx, tx)
	defer in.close()
	if inserted, err = in.insert(a); err == nil && inserted {
		err = tx.Commit()
	}
	if err != nil {
		return false, explain(db.path, "storing attempt "+a.ID, err)
	}
	return inserted, nil
}

// inserter stores attempts in one transaction. It keeps its statements and the
// numbers of what attempts share.
type inserter struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	protocols  map[string]int64
	origins    map[string]int64
}

func newInserter(ctx context.Context, tx *sql.Tx) *inserter {
	in := &inserter{ctx: ctx, tx: tx, statements: map[string]*sql.Stmt{}}
	in.forget()
	return in
}

// forget drops the numbers, which a rollback may have taken back.
func (in *inserter) forget() {
	in.protocols, in.origins = map[string]int64{}, map[string]int64{}
}

func (in *inserter) close() {
	for _, s := range in.statements {
		s.Close()
	}
}

func (in *inserter) prepared(query string) (*sql.Stmt, error) {
	if s := in.statements[query]; s != nil {
		return s, nil
	}
	s, err := in.tx.PrepareContext(in.ctx, query)
	if err == nil {
		in.statements[query] = s
	}
	return s, err
}

func (in *inserter) exec(query string, args ...any) error {
	s, err := in.prepared(query)
	if err == nil {
		_, err = s.ExecContext(in.ctx, args...)
	}
	return err
}

// add runs an insertion that does nothing where there is a row already, and
// gives the new row's number.
func (in *inserter) add(query string, args ...any) (n int64, added bool, err error) {
	s, err := in.prepared(query)
	if err != nil {
		return 0, false, err
	}
	r, err := s.ExecContext(in.ctx, args...)
	if err != nil {
		return 0, false, err
	}
	if changed, err := r.RowsAffected(); err != nil || changed == 0 {
		return 0, false, err
	}
	n, err = r.LastInsertId()
	return n, true, err
}

// number runs a query that gives one whole number.
func (in *inserter) number(query string, args ...any) (n int64, err error) {
	s, err := in.prepared(query)
	if err == nil {
		err = s.QueryRowContext(in.ctx, args...).Scan(&n)
	}
	return n, err
}

// insertValue fills in the method where an older program left it out, as the
// migration did for the values that it found.
const insertValue = `INSERT INTO value(attempt, metric, protocol, unit, value, lo, hi, n, method) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,
	CASE WHEN ?9 <> '' THEN ?9 WHEN ?6 < ?7 THEN coalesce((SELECT method FROM old_method WHERE metric = ?2), 'unstated') ELSE '' END)`

// insert stores one attempt that passed its Check.
func (in *inserter) insert(a record.Attempt) (bool, error) {
	a = a.Normal()
	digest := a.Digest()
	known, err := in.prepared("SELECT digest FROM attempt WHERE id=?")
	if err != nil {
		return false, err
	}
	var have string
	switch err := known.QueryRowContext(in.ctx, a.ID).Scan(&have); {
	case err == nil && have == digest:
		return false, nil
	case err == nil:
		return false, &ConflictError{a.ID}
	case err != sql.ErrNoRows:
		return false, err
	}
	stage, err := in.stage(a)
	if err != nil {
		return false, err
	}
	origin, err := in.origin(a)
	if err != nil {
		return false, err
	}
	shared := record.ProtocolText(a.Protocol)
	protocol := []byte("{}")
	if len(a.Protocol) > 0 {
		protocol, _ = json.Marshal(a.Protocol) // strings only
	}
	n, err := in.number(`INSERT INTO attempt(id, stage, cell, outcome, reason, started, finished, origin, protocol, digest)
		VALUES (?,?,?,?,?,?,?,?,?,?) RETURNING n`,
		a.ID, stage, a.Cell, a.Outcome, a.Reason, stamp(a.Started), stamp(a.Finished), origin, string(protocol), digest)
	if err != nil {
		return false, err
	}
	if a.Log != "" {
		if err := in.exec("INSERT INTO attempt_log(attempt, log) VALUES (?,?)", n, a.Log); err != nil {
			return false, err
		}
	}
	for _, v := range a.Values {
		p, err := in.protocol(record.JoinProtocol(shared, v.Protocol))
		if err != nil {
			return false, err
		}
		if err := in.exec(insertValue, n, v.Metric, p, unit(v.Unit), v.Value, v.Lo, v.Hi, v.N, string(v.Method)); err != nil {
			return false, fmt.Errorf("%s: %w", v.Metric, err)
		}
	}
	for i, s := range a.Readings {
		if err := in.exec("INSERT INTO sample(attempt, position, metric, unit, round, value) VALUES (?,?,?,?,?,?)",
			n, i, s.Metric, unit(s.Unit), s.Round, s.Value); err != nil {
			return false, fmt.Errorf("sample %d of %s: %w", i, s.Metric, err)
		}
	}
	for _, f := range a.Artifacts {
		if err := in.exec("INSERT INTO artifact(attempt, name, sha256, bytes) VALUES (?,?,?,?)", n, f.Name, f.SHA256, f.Bytes); err != nil {
			return false, fmt.Errorf("artifact %s: %w", f.Name, err)
		}
	}
	return true, in.settle(stage, n, a)
}

// stage finds or makes the attempt's stage; results merged from another
// machine may come before the plan that needs them.
func (in *inserter) stage(a record.Attempt) (n int64, err error) {
	find, err := in.prepared("SELECT n, kind FROM stage WHERE key=?")
	if err != nil {
		return 0, err
	}
	var kind string
	switch err := find.QueryRowContext(in.ctx, a.Stage).Scan(&n, &kind); {
	case err == sql.ErrNoRows:
		return in.number("INSERT INTO stage(key, kind) VALUES (?,?) RETURNING n", a.Stage, a.Kind)
	case err != nil:
		return 0, err
	case kind != a.Kind:
		return 0, &KindError{a.Stage, kind, a.Kind}
	}
	return n, nil
}

// settle brings the stage's newest attempts and its outcome up to date. The
// order is by time of finish, then by id, whatever order attempts arrive in.
func (in *inserter) settle(stage, attempt int64, a record.Attempt) error {
	const newer = "(%s IS NULL OR (SELECT (finished, id) < (?2, ?3) FROM attempt WHERE n=%[1]s))"
	finished := stamp(a.Finished)
	if a.Outcome == record.OK {
		if err := in.exec("UPDATE stage SET attempt=?1, severity=0 WHERE n=?4 AND "+fmt.Sprintf(newer, "stage.attempt"),
			attempt, finished, a.ID, stage); err != nil {
			return err
		}
	}
	return in.exec("UPDATE stage SET latest=?1, severity=CASE WHEN attempt IS NULL THEN ?5 ELSE 0 END WHERE n=?4 AND "+fmt.Sprintf(newer,
		"stage.latest"),
		attempt, finished, a.ID, stage, record.Severity(a.Outcome))
}

func (in *inserter) protocol(text string) (int64, error) {
	if n, ok := in.protocols[text]; ok {
		return n, nil
	}
	n, err := in.number("INSERT INTO protocol(text) VALUES (?1) ON CONFLICT (text) DO UPDATE SET text=?1 RETURNING n", text)
	if err == nil {
		in.protocols[text] = n
	}
	return n, err
}

func (in *inserter) origin(a record.Attempt) (int64, error) {
	e := a.Environment
	name := e.ID + " " + a.Device
	if n, ok := in.origins[name]; ok {
		return n, nil
	}
	e.ID = ""
	content, _ := json.Marshal(e) // plain fields only
	environment, err := in.number(`INSERT INTO environment(id, cpu, cores, memory_bytes, os, gpu, git_revision, git_dirty, json)
		VALUES (?1,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET id=?1 RETURNING n`,
		a.Environment.ID, e.CPU, e.Cores, e.MemoryBytes, e.OS, e.GPU, e.GitRevision, e.GitDirty, string(content))
	if err != nil {
		return 0, err
	}
	n, err := in.number(`INSERT INTO origin(device, environment, class, code) VALUES (?1,?,?,?)
		ON CONFLICT (device, environment) DO UPDATE SET device=?1 RETURNING n`,
		a.Device, environment, e.DeviceClass(a.Device), e.Code())
	if err == nil {
		in.origins[name] = n
	}
	return n, err
}

// unit writes no unit as "1".
func unit(u string) string {
	if u == "" {
		return "1"
	}
	return u
}
