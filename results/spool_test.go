package results

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"prabench/internal/memcap"
	"prabench/metrics/stat"
	"prabench/results/record"
)

func mustSpool(t testing.TB, dir string, a record.Attempt) string {
	t.Helper()
	path, err := record.WriteSpool(dir, a)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolThereAndBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	a := fullAttempt("a")
	path := mustSpool(t, dir, a)
	if path != filepath.Join(dir, "a.json") || names(t, dir) != "a.json" {
		t.Errorf("wrote %s, the folder has %s", path, names(t, dir))
	}
	got, err := record.ReadSpool(path)
	if d := cmp.Diff(a.Normal(), got); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestIngestDir(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	a, b := fullAttempt("a"), okAttempt("b", "train-p7s1", record.Train, 1)
	mustSpool(t, dir, a)
	mustSpool(t, dir, b)
	bare, _ := json.Marshal(okAttempt("c", "ref", record.Reference, 0)) // other programs may leave a bare attempt
	write(t, filepath.Join(dir, "c.json"), bare)
	// What a writer that died leaves, and what is none of ours.
	write(t, filepath.Join(dir, ".d.123.part"), []byte(`{"id":"d"`))
	write(t, filepath.Join(dir, ".e.json"), []byte(`{"id":"e"`))
	write(t, filepath.Join(dir, "notes.txt"), []byte("hello"))
	if n, err := db.IngestDir(background, dir); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if got := names(t, dir); got != ".d.123.part .e.json notes.txt" {
		t.Errorf("the folder has %q afterwards", got)
	}
	before := dump(t, db)
	mustSpool(t, dir, a) // a crash between commit and removal
	if n, err := db.IngestDir(background, dir); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if got := names(t, dir); strings.Contains(got, "a.json") || dump(t, db) != before {
		t.Errorf("the folder has %q, or rows changed", got)
	}
	if n, err := db.IngestDir(background, filepath.Join(dir, "nowhere")); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestMergeDirKeepsTheFolder(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	mustSpool(t, dir, fullAttempt("a"))
	write(t, filepath.Join(dir, "bad.json"), []byte("{"))
	for i, want := range []IngestReport{{Inserted: 1}, {Known: 1}, {Known: 1}} {
		got, err := db.MergeDir(background, dir)
		if err != nil || got.Inserted != want.Inserted || got.Known != want.Known || len(got.Quarantined) != 1 {
			t.Errorf("merge %d: %+v %v, want %+v and one corrupt", i, got, err, want)
		}
		if names(t, dir) != "a.json bad.json" {
			t.Errorf("the folder has %q", names(t, dir))
		}
	}
}

// A spool file cut anywhere, or with any byte changed, is put aside with a
// reason or is still the same attempt; the others are stored.
func TestQuarantine(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	whole, err := os.ReadFile(mustSpool(t, dir, fullAttempt("a")))
	if err != nil {
		t.Fatal(err)
	}
	want := fullAttempt("a").Normal().Digest()
	for n := range whole {
		if a, err := record.DecodeSpool(whole[:n]); err == nil && a.Digest() != want {
			t.Fatalf("cut after %d bytes of %d it is another attempt", n, len(whole))
		} else if err == nil && n < len(whole)-1 {
			t.Fatalf("cut after %d bytes of %d it is accepted", n, len(whole))
		}
		for bit := range 8 {
			flipped := append([]byte(nil), whole...)
			flipped[n] ^= 1 << bit
			if a, err := record.DecodeSpool(flipped); err == nil && a.Digest() != want {
				t.Fatalf("with bit %d of byte %d (%q) flipped it is another attempt", bit, n, whole[n])
			}
		}
	}
	for name, c := range map[string]struct{ content, why string }{
		"cut":     {string(whole[:len(whole)/2]), "ends early"},
		"empty":   {"", "ends early, after 0 bytes"},
		"garbage": {"\x00\x01Segmentation fault", "not an attempt in JSON"},
		"object":  {"{}", "NewAttemptID"},
		"tail":    {string(whole) + "{}", "something follows"},
		"edited":  {strings.Replace(string(whole), "120.5", "120.6", 1), "checksum"},
		"unknown": {strings.Replace(string(whole), `"cell":`, `"cel":`, 1), "cel"},
		"conflict": {`{"id":"a","stage":"time-p7s1","kind":"time","outcome":"crash","started":"2026-03-04T12:00:00Z",` +
			`"finished":"2026-03-04T12:00:00Z","environment":{}}`, "other content"},
	} {
		write(t, filepath.Join(dir, name+".json"), []byte(c.content))
		n, err := db.IngestDir(background, dir)
		var q *QuarantineError
		if !errors.As(err, &q) || len(q.Files) != 1 || !strings.Contains(q.Error(), c.why) {
			t.Errorf("%s: %d, %v, want one quarantined because of %q", name, n, err, c.why)
			continue
		}
		to := filepath.Join(dir, "quarantine", name+".json")
		kept, _ := os.ReadFile(to)
		why, _ := os.ReadFile(to + ".why")
		if q.Files[0].To != to || string(kept) != c.content || !strings.Contains(string(why), c.why) {
			t.Errorf("%s: moved to %s with %q", name, q.Files[0].To, why)
		}
	}
	if got := names(t, dir); got != "quarantine" {
		t.Errorf("the folder has %q", got)
	}
	// The same name again does not replace what is there.
	write(t, filepath.Join(dir, "cut.json"), []byte("[]"))
	db.IngestDir(background, dir)
	if got := names(t, filepath.Join(dir, "quarantine")); !strings.Contains(got, "cut.json.2 cut.json.2.why") {
		t.Errorf("quarantine has %q", got)
	}
	if _, lines := query(t, db, "SELECT id FROM attempt"); len(lines) != 1 || lines[0][0] != "a" {
		t.Errorf("stored: %v, want a alone", lines)
	}
}

// The copy of an attempt beside its artifacts is read like a spool file, and
// says that it is of this format.
func TestCopyBesideArtifacts(t *testing.T) {
	a := fullAttempt("a")
	a.Values[0].Method = stat.Rounds
	content, err := record.EncodeCopy(a)
	if err != nil || !strings.Contains(string(content), "\"format\": 2") {
		t.Fatalf("%s %v", content, err)
	}
	got, err := record.DecodeSpool(content)
	if d := cmp.Diff(a.Normal(), got); d != "" || err != nil {
		t.Error(d, err)
	}
	newer := strings.Replace(string(content), "\"format\": 2", "\"format\": 3", 1)
	if _, err := record.DecodeSpool([]byte(newer)); !errors.Is(err, record.ErrSpoolNewer) {
		t.Errorf("a copy of a newer program: %v", err)
	}
}

func TestSpoolOfANewerProgramStays(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	write(t, filepath.Join(dir, "x.json"), []byte(`{"format":3,"id":"x","wings":true}`))
	mustSpool(t, dir, fullAttempt("a"))
	if n, err := db.IngestDir(background, dir); n != 1 || !errors.Is(err, record.ErrSpoolNewer) {
		t.Errorf("%d, %v, want 1 stored and ErrSpoolNewer", n, err)
	}
	if names(t, dir) != "x.json" {
		t.Errorf("the folder has %q", names(t, dir))
	}
}

func TestWriteSpoolLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a.json"), 0o755); err != nil { // the rename will fail
		t.Fatal(err)
	}
	_, err := record.WriteSpool(dir, fullAttempt("a"))
	if err == nil || !strings.Contains(err.Error(), "attempt a") || names(t, dir) != "a.json" {
		t.Errorf("%v, the folder has %q", err, names(t, dir))
	}
}

// FuzzDecodeSpool holds that any content of a spool file is an attempt that can
// be stored, or is refused with a reason; never something between.
func FuzzDecodeSpool(f *testing.F) {
	content := mustJSON(f, fullAttempt("a"))
	f.Add(content)
	bare, _ := json.Marshal(okAttempt("b", "s", record.Score, 1))
	f.Add(bare)
	f.Add([]byte(`{"format":3}`))
	f.Add([]byte(`{"id":"a","values":[{"value":1e999}]}`))
	f.Add([]byte(`{"id":"a","stage":"s","kind":"time","outcome":"ok","started":"0000-01-01T00:00:00Z",` +
		`"finished":"9999-12-31T23:59:59.999999999Z","environment":{"cores":-1},"values":[{"metric":"m","value":-0,` +
		`"n":-9223372036854775808}],"artifacts":[{"name":"\u0000","bytes":-1}]}`))
	db := openTemp(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		var a record.Attempt
		var err error
		memcap.Hold(t, func() { a, err = record.DecodeSpool(content) })
		if err != nil {
			var corrupt *record.CorruptError
			if !errors.Is(err, record.ErrSpoolNewer) && (!errors.As(err, &corrupt) || corrupt.Why == "") {
				t.Errorf("untyped: %v", err)
			}
			return
		}
		if err := a.Check(); err != nil {
			t.Error(err)
		}
		tx, err := db.write.BeginTx(background, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		in := newInserter(background, tx)
		defer in.close()
		if inserted, err := in.insert(a); err != nil || !inserted {
			t.Errorf("accepted, but cannot be stored: %v", err)
		}
		if inserted, err := in.insert(a); err != nil || inserted {
			t.Errorf("the same attempt again: stored %v, %v", inserted, err)
		}
	})
}
