package arm

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/models/pra"
	"prabench/results/record"
)

// role makes the test program an arm, a worker, or something that is none.
const role = "PRABENCH_ARM_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "arm":
		os.Exit(Serve(os.Stdin, os.Stdout, os.Stderr))
	case "worker":
		if os.Args[1] != "worker" {
			os.Exit(2)
		}
		os.Exit(worker.Serve(os.Stdin, os.Stdout, os.Stderr, work.Do))
	}
	os.Exit(m.Run())
}

// edit changes the model of settings, which is PRA's.
func edit(s *stage.Settings, f func(*pra.Params)) { s.Params = pra.Edit(s.Params, f) }

// small is the settings of a model that takes no time, and the file of one.
func small(t *testing.T) (stage.Settings, json.RawMessage, string) {
	t.Helper()
	set := stage.Settings{Params: pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()},
		Measure: stage.Measure{Device: "cpu", Precision: "fp32", Batch: 4, Warmup: 1, Rounds: 1, Threads: 1}}
	edit(&set, func(p *pra.Params) {
		p.Model.Size, p.Model.Patch, p.Model.Width, p.Model.Depth, p.Model.Heads = 8, 4, 16, 1, 2
		p.Model.HeadWidth, p.Model.HeadDepth, p.Model.CoderWidth, p.Model.State = 16, 1, 16, 6
		p.Train.Batch, p.Sample.FlowSteps = 4, 2
	})
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := Seeded(set, path); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return set, raw, path
}

func start(t *testing.T, env ...string) *Process {
	t.Helper()
	p, err := Start("new", []string{os.Args[0], "arm"}, append(env, role+"=arm"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func ask(t *testing.T, a interface {
	Ask(context.Context, Request) (Answer, error)
}, q Request) Answer {
	t.Helper()
	out, err := a.Ask(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnArmMeasures(t *testing.T) {
	set, raw, path := small(t)
	p := start(t)
	all := []string{Throughput, Latency, FirstBlock, Training}
	a := ask(t, p, Request{Do: Open, Settings: raw, Model: path, Metrics: all})
	costs := set.Params.Costs()
	for m, want := range map[string]float64{"params": float64(set.Params.Size()), "flops_image": costs.FLOPsImage,
		"ar_steps": float64(costs.ARSteps), "nfe": float64(costs.NFE)} {
		if a.Exact[m] != want {
			t.Errorf("%s = %g, want %g", m, a.Exact[m], want)
		}
	}
	if a.Exact["memory_model"] <= 0 || a.Exact["memory_cache"] <= 0 || a.Resident <= 0 || a.Backend == "" {
		t.Errorf("%+v", a)
	}
	for _, m := range all {
		a := ask(t, p, Request{Do: Time, Metric: m, Spend: 5 * time.Millisecond, Least: 3})
		if len(a.Seconds) < 3 || slices.Min(a.Seconds) <= 0 {
			t.Errorf("%s: %v", m, a.Seconds)
		}
		if want := map[string]int{Throughput: 4, Latency: 1, FirstBlock: 1, Training: 4}[m]; a.Batch != want {
			t.Errorf("%s: %d images per call, want %d", m, a.Batch, want)
		}
	}
	if can := ask(t, p, Request{Do: Machine}); can.Peak < 1e8 || can.Bandwidth < 1e8 {
		t.Errorf("%+v", can)
	}
}

// What an arm cannot do is a fault with its reason, and the arm goes on.
func TestFaults(t *testing.T) {
	_, raw, path := small(t)
	p := start(t)
	for _, c := range []struct {
		q           Request
		outcome, is string
	}{
		{Request{Do: Time, Metric: Latency}, record.Invalid, "no cell is open"},
		{Request{Do: "sing"}, record.Invalid, `knows no "sing"`},
		{Request{Do: Open, Settings: raw, Model: path, Metrics: []string{"beauty"}}, record.Invalid, `does not time "beauty"`},
		{Request{Do: Open, Settings: raw, Model: path + "x", Metrics: []string{Latency}}, record.Invalid, "no such file"},
		{Request{Do: Open, Settings: json.RawMessage(`{"model":7}`), Model: path}, record.Invalid, "cannot be read"},
	} {
		_, err := p.Ask(context.Background(), c.q)
		var f *Fault
		if !errors.As(err, &f) || f.Outcome != c.outcome || f.Arm != "new" || !strings.Contains(f.Reason, c.is) {
			t.Errorf("%+v: %v", c.q.Do, err)
		}
	}
	ask(t, p, Request{Do: Open, Settings: raw, Model: path, Metrics: []string{Latency}})
}

func TestAnArmThatEnds(t *testing.T) {
	p, err := Start("old", []string{"/bin/sh", "-c", "echo the last word >&2; exit 9"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Ask(context.Background(), Request{Do: Machine})
	var f *Fault
	if !errors.As(err, &f) || f.Outcome != record.Crash || !strings.Contains(f.Reason, "exit code 9") ||
		!strings.Contains(f.Reason, "the last word") {
		t.Errorf("%v", err)
	}
	if _, again := p.Ask(context.Background(), Request{Do: Machine}); again != err {
		t.Errorf("%v", again)
	}
	p.Close()
}

func TestTheEndOfACheckKillsItsArms(t *testing.T) {
	p, err := Start("old", []string{"/bin/sleep", "60"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := p.Ask(ctx, Request{Do: Machine}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	p.Close()
}

// TestExtraWork: work is added inside the time of a call, about the share that
// was asked for. The share is large, since neighbours may take time as well.
func TestExtraWork(t *testing.T) {
	_, raw, path := small(t)
	fastest := func(env ...string) float64 {
		best := 1.0
		for range 3 {
			p := start(t, env...)
			ask(t, p, Request{Do: Open, Settings: raw, Model: path, Metrics: []string{Throughput}})
			best = min(best, slices.Min(ask(t, p, Request{Do: Time, Metric: Throughput, Spend: 100 * time.Millisecond}).Seconds))
			p.Close()
		}
		return best
	}
	bare, slowed := fastest(), fastest(ExtraWork+"=4")
	if slowed < 2*bare {
		t.Errorf("a call takes %g s, with four times its work added %g s", bare, slowed)
	}
}

// A program without an arm is measured by the jobs of a run.
func TestJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("a timing job takes two seconds")
	}
	set, raw, path := small(t)
	t.Setenv(role, "worker")
	if Speaks(context.Background(), os.Args[0]) {
		t.Error("a program that refuses `arm` is said to have one")
	}
	j := &Jobs{Name: "old", Program: os.Args[0], Dir: t.TempDir()}
	a := ask(t, j, Request{Do: Open, Settings: raw, Model: path, Metrics: []string{Throughput, Latency, Training}})
	if a.Exact["params"] != float64(set.Params.Size()) || a.Exact["memory_model"] <= 0 || a.Resident <= 0 {
		t.Errorf("%+v", a)
	}
	for _, m := range []string{Throughput, Latency, FirstBlock} {
		if a := ask(t, j, Request{Do: Time, Metric: m}); len(a.Seconds) == 0 || slices.Min(a.Seconds) <= 0 || slices.Max(a.Seconds) > 10 {
			t.Errorf("%s: %v", m, a.Seconds)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(j.Dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	os.Setenv(role, "arm")
	if !Speaks(context.Background(), os.Args[0]) {
		t.Error("a program with an arm is said to have none")
	}
}
