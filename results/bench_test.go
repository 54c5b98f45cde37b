package results

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var twenty = func() (values []Value) {
	for i := range 20 {
		values = append(values, Value{Metric: fmt.Sprintf("metric_%02d", i), Unit: "1", Value: float64(i) + 0.5, Lo: ptr(float64(i)), Hi: ptr(float64(i) + 1), N: 2000})
	}
	return values
}()

// BenchmarkIngestDir takes in spool files of 20 values and 20 samples each.
func BenchmarkIngestDir(b *testing.B) {
	const files = 1000
	rows := 0
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		db, dir := openTemp(b), b.TempDir()
		for i := range files {
			a := okAttempt(fmt.Sprintf("a%06d", i), fmt.Sprint("s", i), Time, i, twenty...)
			for r := range 20 {
				a.Samples = append(a.Samples, Sample{"throughput", "images/s", r, 100})
			}
			content := mustJSON(b, a)
			write(b, filepath.Join(dir, a.ID+".json"), content)
		}
		b.StartTimer()
		start := time.Now()
		if n, err := db.IngestDir(background, dir); n != files || err != nil {
			b.Fatal(n, err)
		}
		took += time.Since(start)
		rows += files * 40
	}
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
}

// large has experiments × cells cells, each with a finished score of 20 metrics.
func large(b *testing.B, experiments, cells int) *DB {
	b.Helper()
	if testing.Short() {
		b.Skip("makes a database of 2,000,000 values")
	}
	start := time.Now()
	db := openTemp(b)
	for e := range experiments {
		p := Plan{Experiment: fmt.Sprintf("e%03d", e), Created: noon, Stages: []PlanStage{{Key: "ref", Kind: Reference}}}
		var batch []spooled
		for c := range cells {
			id := fmt.Sprintf("e%dc%d", e, c)
			p.Cells = append(p.Cells, PlanCell{ID: id, Seed: uint64(c % 3), Patch: 7, Params: map[string]any{"model.patch": 7, "train.lr": float64(c/3) * 1e-3},
				Stages: map[string]string{Reference: "ref", Train: "t" + id, Draw: "d" + id, Score: "s" + id, Time: "m" + id}})
			p.Stages = append(p.Stages, PlanStage{Key: "t" + id, Kind: Train}, PlanStage{Key: "d" + id, Kind: Draw, Inputs: []string{"t" + id}},
				PlanStage{Key: "s" + id, Kind: Score, Inputs: []string{"d" + id, "ref"}}, PlanStage{Key: "m" + id, Kind: Time, Inputs: []string{"t" + id}})
			batch = append(batch, spooled{id, okAttempt("a"+id, "s"+id, Score, 1, twenty...)})
		}
		mustPlan(b, db, p)
		if n, _, err := db.ingestBatch(background, batch); n != cells || err != nil {
			b.Fatal(n, err)
		}
	}
	st, _ := os.Stat(db.path)
	b.Logf("%d × %d cells made in %v, %d MiB", experiments, cells, time.Since(start).Round(time.Millisecond), st.Size()>>20)
	return db
}

// BenchmarkLarge asks a database of 100,000 cells × 20 metrics.
func BenchmarkLarge(b *testing.B) {
	for _, size := range []struct{ experiments, cells int }{{100, 1000}, {1, 100000}} {
		db := large(b, size.experiments, size.cells)
		name := fmt.Sprintf("%dx%d/", size.experiments, size.cells)
		results := func(f Filter, want int) func(*testing.B) {
			return func(b *testing.B) {
				for b.Loop() {
					if rows, err := db.Results(background, f); len(rows) != want || err != nil {
						b.Fatal(len(rows), err)
					}
				}
			}
		}
		if size.experiments > 1 {
			b.Run(name+"Results/experiment", results(Filter{Experiment: "e050"}, 20*size.cells))
		}
		b.Run(name+"Results/metric", results(Filter{Experiment: "e000", Metrics: []string{"metric_07"}}, size.cells))
		b.Run(name+"Results/cell", results(Filter{Experiment: "e000", Cells: []string{"e0c77"}}, 20))
		b.Run(name+"Cells", func(b *testing.B) {
			for b.Loop() {
				if cells, err := db.Cells(background, "e000"); len(cells) != size.cells || err != nil {
					b.Fatal(len(cells), err)
				}
			}
		})
		b.Run(name+"Counts", func(b *testing.B) {
			for b.Loop() {
				if counts, err := db.Counts(background, ""); counts[Pending] != size.experiments*size.cells || err != nil {
					b.Fatal(counts, err)
				}
			}
		})
	}
}
