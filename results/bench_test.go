package results_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"prabench/results"
	"prabench/results/record"
	"prabench/results/resultstest"
)

var background = context.Background()

// BenchmarkIngestDir takes in spool files of 20 values and 20 samples each.
func BenchmarkIngestDir(b *testing.B) {
	const files = 1000
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	rows := 0
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		db, err := results.Open(filepath.Join(b.TempDir(), "results.db"))
		if err != nil {
			b.Fatal(err)
		}
		dir := b.TempDir()
		for i := range files {
			a := record.Attempt{ID: fmt.Sprintf("a%06d", i), Stage: fmt.Sprint("s", i), Kind: record.Time, Outcome: record.OK, Device: "cpu",
				Started: at, Finished: at.Add(time.Minute), Environment: record.Environment{CPU: "Xeon"},
				Protocol: map[string]string{"precision": "fp32"}}
			for j := range 20 {
				x := float64(j) + 0.5
				a.Values = append(a.Values, record.Value{Metric: fmt.Sprintf("metric_%02d", j), Unit: "1", Value: x, Lo: &x, Hi: &x, N: 2000})
				a.Readings = append(a.Readings, record.Reading{Metric: "throughput", Unit: "images/s", Round: j, Value: 100})
			}
			content, _ := json.Marshal(a) // WriteSpool would wait for the disk a thousand times
			if err := os.WriteFile(filepath.Join(dir, a.ID+".json"), content, 0o644); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		start := time.Now()
		if n, err := db.IngestDir(background, dir); n != files || err != nil {
			b.Fatal(n, err)
		}
		took += time.Since(start)
		rows += files * 40
		db.Close()
	}
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
}

// BenchmarkLarge asks a database of 100,000 cells × 20 metrics, each time as a
// new process would: with nothing in SQLite's own cache.
func BenchmarkLarge(b *testing.B) {
	for _, size := range []struct{ experiments, cells int }{{100, 1000}, {1, 100000}} {
		path := resultstest.Large(b, size.experiments, size.cells)
		run := func(name string, want int, ask func(db *results.DB) (int, error)) {
			b.Run(fmt.Sprintf("%dx%d/%s", size.experiments, size.cells, name), func(b *testing.B) {
				for b.Loop() {
					db, err := results.OpenReadOnly(path)
					if err != nil {
						b.Fatal(err)
					}
					if n, err := ask(db); n != want || err != nil {
						b.Fatal(n, err)
					}
					db.Close()
				}
			})
		}
		filter := func(f results.Filter) func(db *results.DB) (int, error) {
			return func(db *results.DB) (int, error) {
				rows, err := db.Results(background, f)
				return len(rows), err
			}
		}
		if size.experiments > 1 {
			run("Results/experiment", 20*size.cells, filter(results.Filter{Experiment: "e050"}))
		}
		run("Results/metric", size.experiments*size.cells, filter(results.Filter{Metrics: []string{"fid_proxy"}}))
		run("Results/first", 20*400, filter(results.Filter{Experiment: "e000", First: 400}))
		run("Results/point", 20*resultstest.Seeds,
			filter(results.Filter{Experiment: "e000", Params: map[string]any{"model.patch": 7, "train.lr": 3e-5}}))
		run("Cells", size.experiments*size.cells, func(db *results.DB) (int, error) {
			cells, err := db.Cells(background, "")
			return len(cells), err
		})
		run("CellStages", 5*size.experiments*size.cells, func(db *results.DB) (int, error) {
			stages, err := db.CellStages(background, "")
			return len(stages), err
		})
		run("Counts", size.experiments*size.cells, func(db *results.DB) (int, error) {
			counts, err := db.Counts(background, "")
			return counts[record.OK], err
		})
	}
}

// BenchmarkMigration brings a database of 100,000 cells × 20 metrics from
// version 2 to the newest, with its copy.
func BenchmarkMigration(b *testing.B) {
	now := resultstest.Large(b, 100, 1000)
	db, err := sql.Open("sqlite3", now)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.Exec(`DROP VIEW results; DROP VIEW estimates; DROP VIEW params; DROP TABLE old_method; DROP TABLE kind;
		ALTER TABLE value DROP COLUMN method;
		CREATE VIEW results AS SELECT 1;
		DROP INDEX plan_version;
		` + dropColumns("plan", "version", "tag", "source", "narrowed", "content", "ids", "used", "partial", "removed") + `
		PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		b.Fatal(err)
	}
	db.Close()
	content, err := os.ReadFile(now)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		b.StopTimer()
		path := filepath.Join(b.TempDir(), "results.db")
		if err := os.WriteFile(path, content, 0o644); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		db, err := results.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		db.Close()
		os.RemoveAll(filepath.Dir(path))
		b.StartTimer()
	}
}

func dropColumns(table string, columns ...string) string {
	text := ""
	for _, c := range columns {
		text += "ALTER TABLE " + table + " DROP COLUMN " + c + ";"
	}
	return text
}

// BenchmarkVersions asks what every run and gc ask, of 10,000 cells in one version
// and in six that share half of them.
func BenchmarkVersions(b *testing.B) {
	path := resultstest.Large(b, 1, 10000)
	db, err := results.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	whole := resultstest.Plan("e000", 10000)
	for _, versions := range []int{1, 6} {
		for v := 2; v <= versions; v++ {
			plan := resultstest.Plan("e000", 10000)
			for i := range plan.Cells {
				if i%2 == 0 {
					plan.Cells[i].ID = fmt.Sprint("v", v, plan.Cells[i].ID)
				}
			}
			plan.Narrowed = fmt.Sprint("--set v=", v)
			if err := db.RecordPlan(background, plan); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.RecordPlan(background, whole); err != nil {
			b.Fatal(err)
		}
		run := func(name string, ask func() (int, error)) {
			b.Run(fmt.Sprintf("%d/%s", versions, name), func(b *testing.B) {
				for b.Loop() {
					if n, err := ask(); n == 0 || err != nil {
						b.Fatal(n, err)
					}
				}
			})
		}
		run("again", func() (int, error) { v, err := db.RecordVersion(background, whole); return v.Number, err })
		run("needed", func() (int, error) { keys, err := db.NeededStages(background); return len(keys), err })
		run("uses", func() (int, error) { keys, _, err := db.StageUses(background); return len(keys), err })
		run("earlier", func() (int, error) { all, err := db.EarlierStages(background, "e000"); return len(all), err })
		run("results", func() (int, error) {
			rows, err := db.Results(background, results.Filter{Experiment: "e000", Metrics: []string{"kid"}})
			return len(rows), err
		})
		run("others", func() (int, error) { text, err := db.Others(background, "e000"); return len(text) + 1, err })
	}
}

// BenchmarkStageEnds asks how all stages of 4,000 cells ended: at once, and one
// after the other.
func BenchmarkStageEnds(b *testing.B) {
	db, err := results.OpenReadOnly(resultstest.Large(b, 1, 4000))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	stages, err := db.CellStages(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	var keys []string
	for _, s := range stages {
		keys = append(keys, s.Key)
	}
	b.Run("at once", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.StageEnds(b.Context(), keys); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			for _, key := range keys {
				if _, _, err := db.StageDone(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
