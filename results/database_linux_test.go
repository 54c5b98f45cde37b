package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"prabench/internal/filesystem"
	"prabench/results/record"
)

// wantProblem checks an error's kind and that it says where and what to do.
func wantProblem(t *testing.T, err, problem error, words ...string) {
	t.Helper()
	var e *Error
	if !errors.Is(err, problem) || !errors.As(err, &e) {
		t.Fatalf("got %v, want an Error of %v", err, problem)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestEveryConnectionIsSetUp(t *testing.T) {
	db := openTemp(t)
	for name, pool := range map[string]*sql.DB{"write": db.write, "read": db.read} {
		var held []*sql.Conn
		for range pool.Stats().MaxOpenConnections {
			c, err := pool.Conn(background)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
			for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "synchronous": "2",
				"busy_timeout": fmt.Sprint(busyTimeout.Milliseconds()), "query_only": map[string]string{"write": "0", "read": "1"}[name]} {
				var got string
				if err := c.QueryRowContext(background, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s connection: %s is %s (%v), want %s", name, pragma, got, err, want)
				}
			}
		}
		for _, c := range held {
			c.Close()
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		write(t, path, content)
		return path
	}
	foreign := filepath.Join(dir, "foreign.db")
	c, err := sql.Open("sqlite3", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec("CREATE TABLE songs(name)"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	branded := filepath.Join(dir, "branded.db")
	c, _ = sql.Open("sqlite3", branded)
	if _, err := c.Exec("PRAGMA application_id=7; CREATE TABLE songs(name)"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, x := range []struct {
		path    string
		problem error
		word    string
	}{
		{file("text.db", []byte("name = \"quick\"\n")), ErrNotDatabase, "not an SQLite database"},
		{file("long.db", []byte(strings.Repeat("no database ", 100))), ErrNotDatabase, "not an SQLite database"},
		{dir, ErrNotDatabase, "folder"},
		{foreign, ErrNotDatabase, "another program"},
		{branded, ErrNotDatabase, "another program"},
		{filepath.Join(dir, "nowhere", "r.db"), ErrMissing, "does not exist"},
	} {
		before, _ := os.ReadFile(x.path)
		_, err := Open(x.path)
		wantProblem(t, err, x.problem, x.path, x.word)
		_, err = OpenReadOnly(x.path)
		wantProblem(t, err, x.problem, x.path, x.word)
		if after, _ := os.ReadFile(x.path); string(after) != string(before) {
			t.Errorf("%s was touched", x.path)
		}
	}
	_, err = OpenReadOnly(filepath.Join(dir, "none.db"))
	wantProblem(t, err, ErrMissing, "none.db", "prabench run")
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("reading made a file")
	}
}

func TestCorrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	mustPlan(t, db, testPlan("t", []int{2, 7}, 3))
	db.Close()
	content, _ := os.ReadFile(path)
	for i := 4096; i < len(content); i++ {
		content[i] = 0xAA
	}
	write(t, path, content)
	if db, err = Open(path); err == nil {
		defer db.Close()
		_, err = db.Cells(background, "t")
	}
	wantProblem(t, err, ErrCorrupt, path, "snapshot")
}

func TestNewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec("PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, _ := os.ReadFile(path)
	_, err = Open(path)
	wantProblem(t, err, ErrNewer, path, "version 99", "update prabench")
	_, err = OpenReadOnly(path)
	wantProblem(t, err, ErrNewer, path, "version 99")
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was touched")
	}
}

func TestOddPaths(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder?mode=ro#50%25 'é'")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := Open(filepath.Join(dir, "r&s;.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	if err := db.Snapshot(background, filepath.Join(dir, "it's.db")); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); !strings.Contains(got, "it's.db") || !strings.Contains(got, "r&s;.db") {
		t.Errorf("the folder has %s", got)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	db.write.Exec("PRAGMA busy_timeout=20") // not ten seconds in a test
	dir := t.TempDir()
	mustSpool(t, dir, fullAttempt("a"))
	_, err = db.IngestDir(background, dir)
	wantProblem(t, err, ErrLocked, path, "another process")
	wantProblem(t, db.RecordPlan(background, testPlan("t", []int{7}, 1)), ErrLocked)
	if names(t, dir) != "a.json" {
		t.Errorf("the spool has %s", names(t, dir))
	}
	if _, err := db.Experiments(background); err != nil { // readers do not wait for writers
		t.Error(err)
	}
	tx.Rollback()
	if n, err := db.IngestDir(background, dir); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// SQLite's own limit on the file's pages gives the same error as a full disk.
func TestFull(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	fillUp(t, db, dir, func() { db.write.Exec("PRAGMA max_page_count=60") }, func() { db.write.Exec("PRAGMA max_page_count=100000") })
}

// A small filesystem in memory that really is full; only root can mount one.
func TestDiskFull(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=600k"); err != nil {
		t.Skip("no filesystem can be mounted here:", err)
	}
	defer syscall.Unmount(small, syscall.MNT_DETACH)
	db, err := Open(filepath.Join(small, "r.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fillUp(t, db, t.TempDir(), func() {}, func() {
		if err := syscall.Mount("", small, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
	})
	big := filepath.Join(small, "spool")
	a := fullAttempt("big")
	a.Log = strings.Repeat("x", 20<<20)
	for range 5 { // 64 MiB hold three
		if _, err = record.WriteSpool(big, a); err != nil {
			break
		}
		a.ID += "g"
	}
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(names(t, big), ".part") {
		t.Errorf("spool: %v, the folder has %s", err, names(t, big))
	}
}

// fillUp stores until nothing fits and goes on when there is space.
func fillUp(t *testing.T, db *DB, dir string, limit, release func()) {
	limit()
	stored := 0
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		a := okAttempt(fmt.Sprintf("a%02d", i), "s", record.Train, i)
		a.Log = strings.Repeat("x", 10000)
		mustSpool(t, dir, a)
		n := 0
		n, err = db.IngestDir(background, dir)
		stored += n
	}
	wantProblem(t, err, ErrFull, db.path, "free some space")
	left := len(strings.Fields(names(t, dir)))
	if stored == 0 || left == 0 {
		t.Fatalf("%d stored, %d left in the spool", stored, left)
	}
	if _, lines := query(t, db, "SELECT count(*) FROM attempt"); lines[0][0] != fmt.Sprint(stored) {
		t.Errorf("%s attempts in the full database, want %d", lines[0][0], stored)
	}
	release()
	if n, err := db.IngestDir(background, dir); n != left || err != nil {
		t.Errorf("%d, %v after space was made, want %d", n, err, left)
	}
	if _, lines := query(t, db, "PRAGMA integrity_check"); lines[0][0] != "ok" {
		t.Errorf("integrity: %v", lines)
	}
}

// No test machine has these filesystems: the answer of statfs is made up.
func TestNetworkFilesystem(t *testing.T) {
	defer func(real func(string) (int64, error)) { filesystem.Statfs = real }(filesystem.Statfs)
	db := openTemp(t)
	snapshot := filepath.Join(t.TempDir(), "s.db")
	if err := db.Snapshot(background, snapshot); err != nil {
		t.Fatal(err)
	}
	for magic, name := range filesystem.Networks {
		filesystem.Statfs = func(string) (int64, error) { return magic, nil }
		path := filepath.Join(t.TempDir(), "r.db")
		_, err := Open(path)
		wantProblem(t, err, ErrNetwork, path, name, "local disk", "prabench ingest")
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was made", name)
		}
		_, err = OpenReadOnly(db.path)
		wantProblem(t, err, ErrNetwork, name)
		if s, err := OpenReadOnly(snapshot); err != nil {
			t.Errorf("%s: a snapshot has no log and may be read: %v", name, err)
		} else {
			s.Close()
		}
	}
}

func TestSnapshot(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7}, 2))
	mustIngest(t, db, fullAttempt("a"))
	path := filepath.Join(t.TempDir(), "s.db")
	if err := db.Snapshot(background, path); err != nil {
		t.Fatal(err)
	}
	if err := db.Snapshot(background, path); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("replacing gave %v", err)
	}
	if got := names(t, filepath.Dir(path)); got != "s.db" {
		t.Errorf("the folder has %s", got)
	}
	s, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if dump(t, s) != dump(t, db) {
		t.Error("the snapshot differs")
	}
	_, err = s.Ingest(background, fullAttempt("b"))
	wantProblem(t, err, ErrReadOnly)
	_, err = s.IngestDir(background, t.TempDir())
	wantProblem(t, err, ErrReadOnly)
}

// TestReadOnly runs itself as a user without rights: permissions do not stop root.
func TestReadOnly(t *testing.T) {
	if dir := os.Getenv("PRABENCH_TEST_READONLY"); dir != "" {
		for _, name := range []string{"file/r.db", "folder/r.db", "folder/new.db"} {
			path := filepath.Join(dir, name)
			_, err := Open(path)
			wantProblem(t, err, ErrReadOnly, path, "permission")
		}
		for _, name := range []string{"file/r.db", "folder/r.db"} {
			db, err := OpenReadOnly(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			if cells, err := db.Cells(background, "t"); len(cells) != 1 || err != nil {
				t.Error(cells, err)
			}
			db.Close()
		}
		_, err := OpenReadOnly(filepath.Join(dir, "folder", "old.db"))
		wantProblem(t, err, ErrOlder, "version 1", "where it can be written")
		_, err = record.WriteSpool(filepath.Join(dir, "folder"), fullAttempt("a"))
		if !errors.Is(err, os.ErrPermission) {
			t.Errorf("spool: %v", err)
		}
		return
	}
	dir, err := os.MkdirTemp("", "readonly") // below a folder that anyone may enter, unlike t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	for _, name := range []string{"file", "folder"} {
		os.Mkdir(filepath.Join(dir, name), 0o755)
		db, err := Open(filepath.Join(dir, name, "r.db"))
		if err != nil {
			t.Fatal(err)
		}
		mustPlan(t, db, testPlan("t", []int{7}, 1))
		db.Close()
	}
	writeFixture1(t, filepath.Join(dir, "folder", "old.db"))
	os.Chmod(filepath.Join(dir, "file", "r.db"), 0o444)
	os.Chmod(filepath.Join(dir, "file"), 0o777)
	os.Chmod(filepath.Join(dir, "folder"), 0o555)
	defer os.Chmod(filepath.Join(dir, "folder"), 0o755)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("no /proc/self/exe here:", err)
	}
	program := filepath.Join(dir, "test")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestReadOnly$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PRABENCH_TEST_READONLY="+dir)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestReadOnly") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTwoCreateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			db, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if _, err := db.Ingest(background, okAttempt(fmt.Sprint("a", i), "s", record.Train, i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	db, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, lines := query(t, db, "SELECT count(*) FROM attempt"); lines[0][0] != "4" {
		t.Errorf("%s attempts, want 4", lines[0][0])
	}
}

func TestCancelled(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	mustSpool(t, dir, fullAttempt("a"))
	ctx, cancel := context.WithTimeout(background, time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if n, err := db.IngestDir(ctx, dir); n != 0 || !errors.Is(err, context.DeadlineExceeded) || names(t, dir) != "a.json" {
		t.Errorf("%d, %v, the spool has %s", n, err, names(t, dir))
	}
}
