package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/results"
	"prabench/results/record"
)

// steps are the stops of each training of the sweep, everySteps where its losses
// are logged.
var steps = []int{250, 500, 1000, 2000}

const everySteps = 25

// lossAt and scoreAt are what the sweep's trainings have: smooth functions of
// setting, seed and step, with a ripple that differs from seed to seed.
func lossAt(setting, seed, step int) float64 {
	return 0.2 + 0.02*float64(setting) + math.Exp(-float64(step)/(300+40*float64(setting)))*(1+0.1*float64(seed)) +
		0.02*math.Sin(float64(step*(seed+2))/70)
}

func scoreAt(setting, seed, step int) float64 {
	return 20 + 1.3*float64(setting%11) + 4000/float64(step+100+30*(setting%4)) + 0.5*float64(seed)
}

// swept is where the sweep was made, once for all tests; see TestMain.
var swept struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(swept.dir)
	os.Exit(code)
}

// sweep puts two finished experiments of 300 cells into an empty place: along, of ten
// settings with three seeds and four stops, and patches, of sixty settings with three
// seeds.
func sweep(t *testing.T, src Source) {
	t.Helper()
	swept.once.Do(func() {
		dir, err := os.MkdirTemp("", "prabench-live")
		if err != nil {
			t.Fatal(err)
		}
		swept.dir = dir
		makeSweep(t, Source{Places: engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, ".prabench")}})
	})
	if err := os.CopyFS(filepath.Dir(src.Places.DB), os.DirFS(swept.dir)); err != nil {
		t.Fatal(err)
	}
}

func makeSweep(t *testing.T, src Source) {
	t.Helper()
	spool := t.TempDir()
	along := results.Plan{Experiment: "along", Description: "ten settings, looked at four times", FileHash: "f00d"}
	patches := results.Plan{Experiment: "patches", Description: "sixty settings", FileHash: "f00d"}
	add := func(p *results.Plan, id, label string, setting, seed, step int, params map[string]any, curve bool) {
		c := results.PlanCell{ID: id, Seed: uint64(seed), Label: label, Params: params, Stages: map[string]string{}}
		for _, kind := range []string{record.Train, record.Draw, record.Score} {
			key := kind + "-" + id
			c.Stages[kind] = key
			p.Stages = append(p.Stages, results.PlanStage{Key: key, Kind: kind, Config: json.RawMessage(`{}`)})
			a := attempt(key, kind, id, record.OK, "")
			if kind == record.Score {
				v := scoreAt(setting, seed, step)
				lo, hi := v-0.4, v+0.4
				a.Values = []record.Value{{Metric: "fid_proxy", Unit: "1", Value: v, Lo: &lo, Hi: &hi, N: 100},
					{Metric: "recall", Unit: "1", Value: 1 / v, N: 100}}
			}
			raw, err := record.EncodeSpool(a)
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(spool, key+".json"), string(raw))
		}
		p.Cells = append(p.Cells, c)
		if curve {
			finished(t, src, "train-"+id, setting, seed, step)
			put(t, filepath.Join(src.Places.Store().Dir(work.Sample.Ref("sample-"+id)), work.GridFile), tile(setting*40, step))
		}
	}
	for setting := range 10 {
		for seed := 1; seed <= 3; seed++ {
			for _, step := range steps {
				add(&along, fmt.Sprintf("a%d-%d-%d", setting, seed, step), fmt.Sprintf("rollout_depth=%d until=%d", setting, step), setting, seed, step,
					map[string]any{"train.rollout_depth": setting, "train.until": step}, true)
			}
		}
	}
	for setting := range 60 {
		for seed := 1; seed <= 3; seed++ {
			add(&patches, fmt.Sprintf("p%d-%d", setting, seed), fmt.Sprintf("patch=%d width=%d", 1+setting%6, 8*(1+setting/6)), setting, seed, 1000,
				map[string]any{"model.patch": 1 + setting%6, "model.width": 8 * (1 + setting/6)}, setting < 12)
		}
	}
	fill(t, src, along)
	fill(t, src, patches)
	db, err := results.Open(src.Places.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n, err := db.IngestDir(t.Context(), spool); err != nil || n != 900 {
		t.Fatalf("%d attempts, %v", n, err)
	}
}

// finished leaves the curve of a training in the store.
func finished(t *testing.T, src Source, key string, setting, seed, until int) {
	t.Helper()
	d, err := src.Places.Store().Begin(work.Train.Ref(key))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	var b bytes.Buffer
	for step := everySteps; step <= until; step += everySteps {
		v := lossAt(setting, seed, step)
		fmt.Fprintf(&b, "{\"step\":%d,\"total\":%g,\"flow\":%g}\n", step, v, v/2)
	}
	if err := d.Write(work.CurveFile, b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(); err != nil {
		t.Fatal(err)
	}
}

// tile is a picture that stands for samples.
func tile(a, b int) string {
	im := image.NewRGBA(image.Rect(0, 0, 60, 30))
	for y := range 30 {
		for x := range 60 {
			im.Set(x, y, color.RGBA{uint8(a + 3*x), uint8(b/9 + 5*y), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, im); err != nil {
		panic(err)
	}
	return out.String()
}

// remove takes a file away that is there.
func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
