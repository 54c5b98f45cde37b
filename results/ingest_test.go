package results

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"prabench/metrics/stat"
	"prabench/results/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func fullAttempt(id string) record.Attempt {
	a := okAttempt(id, "time-p7s1", record.Time, 5,
		record.Value{Metric: "throughput", Unit: "images/s", Value: 120.5, Lo: ptr(118), Hi: ptr(123), N: 3},
		record.Value{Metric: "latency", Unit: "s", Value: 0.01, N: 3, Protocol: "batch=1"})
	a.Cell, a.Log = "p7s1", "last line"
	a.Readings = []record.Reading{{Metric: "throughput", Unit: "images/s", Round: 1, Value: 118},
		{Metric: "throughput", Unit: "images/s", Round: 2, Value: 123}, {Metric: "latency", Unit: "s", Round: 1, Value: 0.01}}
	a.Artifacts = []record.Artifact{{Name: "curve.json", SHA256: "aa", Bytes: 10}, {Name: "model.safetensors", SHA256: "bb", Bytes: 1 << 40}}
	a.Environment.Extra = map[string]string{"governor": "performance"}
	return a
}

func TestIngestIsIdempotent(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	a := fullAttempt("a")
	mustIngest(t, db, a)
	before := dump(t, db)
	for range 3 {
		again := a
		again.Started = again.Started.In(time.FixedZone("east", 3600)) // the same instant
		if inserted, err := db.Ingest(background, again); inserted || err != nil {
			t.Fatalf("again: %v %v", inserted, err)
		}
	}
	if err := db.RecordPlan(background, testPlan("t", []int{7}, 1)); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, db); after != before {
		t.Errorf("rows changed:\n%s", cmp.Diff(before, after))
	}

	other := a
	other.Values = []record.Value{{Metric: "throughput", Unit: "images/s", Value: 121, N: 3}}
	var conflict *ConflictError
	if _, err := db.Ingest(background, other); !errors.As(err, &conflict) {
		t.Errorf("another attempt of the same id: %v, want a ConflictError", err)
	}
	kind := okAttempt("k", "time-p7s1", record.Train, 6)
	var twice *KindError
	if _, err := db.Ingest(background, kind); !errors.As(err, &twice) {
		t.Errorf("another kind of the same stage: %v, want a KindError", err)
	}
	if after := dump(t, db); after != before {
		t.Errorf("a refused attempt left something:\n%s", cmp.Diff(before, after))
	}
}

func TestAttemptComesBackWhole(t *testing.T) {
	db := openTemp(t)
	a := fullAttempt("a")
	mustIngest(t, db, a)
	got, ok, err := db.Attempt(background, "a")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := a.Normal()
	want.Values = []record.Value{want.Values[1], want.Values[0]}
	want.Values[0].Protocol = "precision=fp32; batch=1"
	want.Values[1].Protocol = "precision=fp32"
	want.Values[1].Method = stat.Rounds // the attempt is of a program that did not say
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	samples, err := db.Samples(background, "a")
	if d := cmp.Diff(a.Readings, samples); d != "" || err != nil {
		t.Error(d, err)
	}
	if s, err := db.Samples(background, "nobody"); s != nil || err != nil {
		t.Error(s, err)
	}
	if _, ok, err := db.Attempt(background, "nobody"); ok || err != nil {
		t.Error(ok, err)
	}
	if _, ok, err := db.StageDone(background, "nobody"); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	for want, breakIt := range map[string]func(*record.Attempt){
		"NewAttemptID":                       func(a *record.Attempt) { a.ID = "../x" },
		"stage key":                          func(a *record.Attempt) { a.Stage = "" },
		"stage kind":                         func(a *record.Attempt) { a.Kind = "Train it" },
		`outcome "pending"`:                  func(a *record.Attempt) { a.Outcome = record.Pending },
		"throughput or its interval is NaN":  func(a *record.Attempt) { a.Values[0].Value = math.NaN() },
		"throughput or its interval is +Inf": func(a *record.Attempt) { a.Values[0].Hi = ptr(math.Inf(1)) },
		"given twice":                        func(a *record.Attempt) { a.Values = append(a.Values, a.Values[0]) },
		"throughput is given twice": func(a *record.Attempt) {
			again := a.Values[0]
			again.Protocol = record.ProtocolText(a.Protocol) // says nothing new
			a.Values = append(a.Values, again)
		},
		"metric name":                func(a *record.Attempt) { a.Values[0].Metric = "" },
		"sample":                     func(a *record.Attempt) { a.Readings[0].Value = math.Inf(-1) },
		"has no name":                func(a *record.Attempt) { a.Artifacts[1].Name = "" },
		"model.safetensors is given": func(a *record.Attempt) { a.Artifacts[0].Name = a.Artifacts[1].Name },
	} {
		a := fullAttempt("a")
		breakIt(&a)
		if err := a.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := record.WriteSpool(t.TempDir(), a); err == nil {
			t.Errorf("%s: written to the spool all the same", want)
		}
	}
}

func TestAttemptIDsSortByTime(t *testing.T) {
	last := ""
	for i := range 100 {
		id := record.NewAttemptIDAt(noon.Add(time.Duration(i) * 37 * time.Hour))
		if id <= last || !record.IsAttemptID(id) || len(id) != len("20260102T150405123Z-9f8a3c21b4d0e6f7") {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
	}
	if one, two := record.NewAttemptID(), record.NewAttemptID(); one == two {
		t.Error("two attempts have one id")
	}
}

// Whatever attempts come, in whatever order and however often, the tables say
// the same: spools of many machines are merged by nothing more than this.
func TestMergeOrderDoesNotMatter(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(r, "attempts")
		attempts := make([]record.Attempt, n)
		for i := range attempts {
			stage := rapid.SampledFrom([]string{"train-p7s1", "score-p7s1"}).Draw(r, "stage")
			kind, _, _ := strings.Cut(stage, "-")
			attempts[i] = okAttempt(fmt.Sprint("a", i), stage, kind, rapid.IntRange(0, 3).Draw(r, "minute"),
				record.Value{Metric: "m", Unit: "1", Value: float64(i), N: 1})
			attempts[i].Outcome = rapid.SampledFrom([]string{record.OK, record.Crash, record.OutOfMemory}).Draw(r, "outcome")
		}
		state := func(order []record.Attempt) string {
			if _, err := db.write.Exec("UPDATE stage SET attempt=NULL, latest=NULL, severity=1; DELETE FROM value; DELETE FROM " +
				"attempt"); err != nil {
				r.Fatal(err)
			}
			var batch []spooled
			for i, a := range order {
				batch = append(batch, spooled{fmt.Sprint(i), a})
			}
			if inserted, refused, err := db.ingestBatch(background, batch); inserted != n || len(refused) > 0 || err != nil {
				r.Fatal(inserted, refused, err)
			}
			_, rows := query(t, db, "SELECT * FROM results")
			_, stages := query(t, db, "SELECT s.key, s.severity, d.id, l.id FROM stage s LEFT JOIN attempt d ON d.n=s.attempt LEFT JOIN attempt "+
				"l ON l.n=s.latest ORDER BY 1")
			return fmt.Sprintln(rows, stages)
		}
		shuffled := append(rapid.Permutation(attempts).Draw(r, "order"), attempts[0])
		if a, b := state(attempts), state(shuffled); a != b {
			r.Fatalf("%s\n%s", a, b)
		}
	})
}

// An attempt that is refused half-way leaves nothing and harms no other.
func TestRefusedInABatch(t *testing.T) {
	db := openTemp(t)
	bad := fullAttempt("bad")
	bad.Artifacts = append(bad.Artifacts, bad.Artifacts[0]) // Check would have seen it
	batch := []spooled{{"1", fullAttempt("a")}, {"2", bad}, {"3", okAttempt("c", "ref", record.Reference, 1)}}
	inserted, refused, err := db.ingestBatch(background, batch)
	if inserted != 2 || len(refused) != 1 || !strings.Contains(refused["2"], "curve.json") || err != nil {
		t.Fatal(inserted, refused, err)
	}
	if _, lines := query(t, db, "SELECT id FROM attempt ORDER BY id"); fmt.Sprint(lines) != "[[a] [c]]" {
		t.Errorf("stored: %v, want a and c", lines)
	}
}

// Readers, writers and the ingester share one DB; run with -race.
func TestManyAtOnce(t *testing.T) {
	db, dir := openTemp(t), t.TempDir()
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 5 {
				id := fmt.Sprintf("g%d-%d", g, i)
				value := record.Value{Metric: "kid", Unit: "1", Value: float64(i), N: 1}
				if _, err := record.WriteSpool(dir, okAttempt(id, "score-p7s1", record.Score, i, value)); err != nil {
					t.Error(err)
				}
				if _, err := db.IngestDir(background, dir); err != nil {
					t.Error(err)
				}
				if _, err := db.Ingest(background, okAttempt(id+"x", "train-p7s1", record.Train, i)); err != nil {
					t.Error(err)
				}
				if rows, err := db.Results(background, Filter{Experiment: "t"}); err != nil || len(rows) != 1 {
					t.Error(rows, err)
				}
				if cells, err := db.Cells(background, "t"); err != nil || len(cells) != 1 {
					t.Error(cells, err)
				}
			}
		})
	}
	all.Wait()
	if _, lines := query(t, db, "SELECT count(*) FROM attempt"); lines[0][0] != "40" {
		t.Errorf("%s attempts, want 40", lines[0][0])
	}
}
