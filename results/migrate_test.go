package results

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/metrics/stat"
	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false,
	"write the golden files again (never testdata/version1.sql, which stands for databases in the field)")

// fixture1 fills a database as version 1 did.
func fixture1(t testing.TB, db *DB) {
	mustPlan(t, db, testPlan("old", []int{4, 7}, 2))
	failed := okAttempt("c", "train-p7s1", record.Train, 3)
	failed.Outcome, failed.Reason = record.OutOfMemory, "killed at 2 GiB"
	mustIngest(t, db, fullAttempt("a"), okAttempt("b", "score-p7s1", record.Score, 2, record.Value{Metric: "fid_proxy", Unit: "1", Value: 15.2,
		Lo: ptr(14.9), Hi: ptr(15.5), N: 2000, Protocol: "embedder=beef"}), failed)
}

// openFixture1 makes a database from the committed dump of version 1.
func openFixture1(t testing.TB, steps []migration) (*DB, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	writeFixture1(t, path)
	db, err := open(path, steps)
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, path, err
}

func writeFixture1(t testing.TB, path string) {
	t.Helper()
	writeFixture(t, path, "testdata/version1.sql")
}

// writeFixture makes a database from a committed dump.
func writeFixture(t testing.TB, path, from string) {
	t.Helper()
	dump, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec("PRAGMA foreign_keys=OFF; BEGIN;" + string(dump) + "COMMIT;"); err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// sqlDump writes a database as SQL text.
func sqlDump(t testing.TB, db *DB) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "PRAGMA application_id=%d;\nPRAGMA user_version=%d;\n", applicationID, len(migrations))
	_, objects := query(t, db, "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
	for _, o := range objects {
		fmt.Fprintf(&b, "%s;\n", o[2])
	}
	for _, o := range objects {
		if o[0] != "table" {
			continue
		}
		columns, _ := query(t, db, "SELECT * FROM "+o[1]+" LIMIT 0")
		_, lines := query(t, db, "SELECT quote("+strings.Join(columns, ")||','||quote(")+") FROM "+o[1])
		for _, l := range lines {
			fmt.Fprintf(&b, "INSERT INTO %s VALUES(%s);\n", o[1], l[0])
		}
	}
	return b.String()
}

// A database of version 1 has to open, and show the same, for good.
func TestVersion1Opens(t *testing.T) {
	if _, err := os.Stat("testdata/version1.sql"); os.IsNotExist(err) && *update {
		db := openTemp(t)
		fixture1(t, db)
		write(t, "testdata/version1.sql", []byte(sqlDump(t, db)))
	}
	old, _, err := openFixture1(t, migrations)
	if err != nil {
		t.Fatal(err)
	}
	now := openTemp(t)
	fixture1(t, now)
	for _, q := range []string{"SELECT * FROM cells ORDER BY cell", "SELECT * FROM results ORDER BY cell, metric",
		"SELECT * FROM estimates ORDER BY cell, metric", "SELECT key, kind, severity FROM stage ORDER BY key"} {
		_, want := query(t, now, q)
		_, got := query(t, old, q)
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Errorf("%s: %s", q, d)
		}
	}
	// The attempts' digests still hold: the same files are the same attempts.
	if inserted, err := old.Ingest(background, fullAttempt("a")); inserted || err != nil {
		t.Errorf("an attempt of version 1 comes again: %v %v", inserted, err)
	}
	_, want := query(t, now, "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
	_, got := query(t, old, "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("a migrated database and a new one differ in their schema: %s", d)
	}
}

// Version 3 gives the intervals of a metric what they are over, and so does an
// attempt of an older program that comes in later. An interval of a metric that
// nobody knows is not guessed at, and one without width is none.
func TestVersion3KnowsWhatOlderIntervalsAreOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := open(path, migrations[:2])
	if err != nil {
		t.Fatal(err)
	}
	write := func(key string, query string) {
		if _, err := db.write.Exec(query, key); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]stat.Method{"fid_proxy": stat.Jackknife, "class_accuracy": stat.Wilson, "probe_accuracy": stat.Wilson,
		"fid_prefix_25": stat.Jackknife,
		"seam_index":    stat.Jackknife, "nearest_ratio": stat.Jackknife, "latency": stat.Rounds, "own_metric": stat.Unstated}
	write("", `INSERT INTO environment(n, id, cpu, cores, memory_bytes, os, gpu, git_revision, git_dirty, json)
		VALUES (1, 'e', ?, 0, 0, '', '', '', 0, '{}')`)
	write("", `INSERT INTO origin(n, device, environment, class, code) VALUES (1, 'cpu', 1, ?, '')`)
	write("", `INSERT INTO protocol(n, text) VALUES (1, ?)`)
	write("s", `INSERT INTO stage(n, key, kind) VALUES (1, ?, 'score')`)
	write("old", `INSERT INTO attempt(n, id, stage, cell, outcome, reason, started, finished, origin, protocol, digest)
		VALUES (1, ?, 1, '', 'ok', '', '', '', 1, '{}', '')`)
	later := okAttempt("late", "s", record.Score, 1)
	for metric := range want {
		write(metric, `INSERT INTO value(attempt, metric, protocol, unit, value, lo, hi, n) VALUES (1, ?, 1, '1', 2, 1, 3, 5)`)
		later.Values = append(later.Values, record.Value{Metric: metric, Unit: "1", Value: 2, Lo: ptr(1), Hi: ptr(3), N: 5})
	}
	want["precision"], want["train_loss"] = stat.None, stat.None
	write("precision", `INSERT INTO value(attempt, metric, protocol, unit, value, lo, hi, n) VALUES (1, ?, 1, '1', 1, 1, 1, 5)`)
	write("train_loss", `INSERT INTO value(attempt, metric, protocol, unit, value, lo, hi, n) VALUES (1, ?, 1, '1', 1, NULL, NULL, 5)`)
	later.Values = append(later.Values, record.Value{Metric: "precision", Unit: "1", Value: 1, Lo: ptr(1), Hi: ptr(1), N: 5},
		record.Value{Metric: "train_loss", Unit: "1", N: 5})
	db.Close()

	if db, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustIngest(t, db, later)
	for _, id := range []string{"old", "late"} {
		a, _, err := db.Attempt(background, id)
		if err != nil || len(a.Values) != len(want) {
			t.Fatal(a.Values, err)
		}
		for _, v := range a.Values {
			if v.Method != want[v.Metric] || v.Metric == "precision" && (v.Lo == nil || *v.Lo != 1) {
				t.Errorf("%s of attempt %s: %s, want %s", v.Metric, id, v.Method, want[v.Metric])
			}
		}
	}
	if inserted, err := db.Ingest(background, later); inserted || err != nil {
		t.Errorf("the same attempt again: %v %v", inserted, err)
	}
}

func TestMigration(t *testing.T) {
	steps := append(append([]migration{}, migrations...), "ALTER TABLE cell ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'")
	db, path, err := openFixture1(t, steps)
	if err != nil {
		t.Fatal(err)
	}
	_, lines := query(t, db, "SELECT count(*), min(colour) FROM cell")
	_, version := query(t, db, "PRAGMA user_version")
	if lines[0][0] != "4" || lines[0][1] != "grey" || version[0][0] != fmt.Sprint(len(steps)) {
		t.Errorf("after the migration: %v, version %v", lines, version)
	}
	pool, err := connect(path+".v1.bak", 1, "mode=ro") // as it is: OpenReadOnly would migrate it
	if err != nil {
		t.Fatal(err)
	}
	backup := &DB{path: path + ".v1.bak", read: pool}
	defer backup.Close()
	_, want := query(t, db, "SELECT * FROM results")
	if _, got := query(t, backup, "SELECT * FROM results"); cmp.Diff(want, got) != "" || len(got) == 0 {
		t.Errorf("the copy differs: %s", cmp.Diff(want, got))
	}
	// Opening again changes nothing, and the old program refuses it.
	again, err := open(path, steps)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if got := names(t, filepath.Dir(path)); strings.Count(got, ".bak") != 1 {
		t.Errorf("the folder has %s", got)
	}
	_, err = open(path, migrations)
	wantProblem(t, err, ErrNewer)
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	for name, step := range map[string]migration{
		"wrong SQL":        "CREATE TABLE fine(a); UPDATE cell SET seed=7; UPDATE nowhere SET x=1",
		"broken reference": "DELETE FROM attempt",
	} {
		t.Run(name, func(t *testing.T) {
			_, path, err := openFixture1(t, append(append([]migration{}, migrations...), step))
			if err == nil || !strings.Contains(err.Error(), "old.db.v1.bak") || !strings.Contains(err.Error(), "as it was") {
				t.Fatalf("%v, want an error that names the copy", err)
			}
			// The next try does not overwrite the copy.
			if _, err := open(path, append(append([]migration{}, migrations...), step)); err == nil ||
				!strings.Contains(err.Error(), "old.db.v1.2.bak") {
				t.Errorf("%v, want a second copy", err)
			}
			db, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			fresh, _, err := openFixture1(t, migrations)
			if err != nil {
				t.Fatal(err)
			}
			if dump(t, db) != dump(t, fresh) {
				t.Error("the database changed")
			}
		})
	}
}

// Who only wants to look need not know of versions. Where it cannot be
// written, TestReadOnly sees the refusal.
func TestReadOnlyOfAnOlderVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	writeFixture1(t, path)
	db, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if cells, err := db.Cells(background, "old"); len(cells) != 4 || err != nil {
		t.Error(cells, err)
	}
	if got := names(t, filepath.Dir(path)); !strings.Contains(got, "old.db.v1.bak") {
		t.Errorf("the folder has %s", got)
	}
	_, err = db.Ingest(background, fullAttempt("x"))
	wantProblem(t, err, ErrReadOnly)
}

// What version 1 kept in a row, version 2 keeps beside it.
func TestVersion2KeepsLongTexts(t *testing.T) {
	db, _, err := openFixture1(t, migrations)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok, err := db.Attempt(background, "a"); !ok || err != nil || a.Log != "last line" {
		t.Errorf("%+v %v %v", a, ok, err)
	}
	if config, err := db.StageConfig(background, "ref"); string(config) != `{"set":"mnist"}` || err != nil {
		t.Errorf("%s %v", config, err)
	}
	if _, lines := query(t, db, "SELECT count(*) FROM attempt_log"); lines[0][0] != "1" {
		t.Errorf("%v logs, want the one that is not empty", lines)
	}
}
