package slurm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"prabench/harness/tools/slurm/slurmtest"
	"prabench/results"
)

// measured are the metrics that differ from one run to the next: times, and
// what a process held in memory.
var measured = map[string]bool{
	"throughput": true, "latency": true, "first_block_latency": true, "train_throughput": true, "train_seconds": true,
	"mfu": true, "peak_flops": true, "memory_peak": true, "train_memory_peak": true, "disturbed_rounds": true,
	"foreign_load": true, "machine_jitter": true, "memory_bandwidth": true, "foreign_load_worst": true, "stolen_load": true,
}

// TestRealSlurm runs twelve cells through a real Slurm while tasks are killed,
// told to save, and a node is drained, and compares with a run on one machine.
func TestRealSlurm(t *testing.T) {
	b := newBench(t, "twelve.toml", 12)

	begin := time.Now()
	b.must("run", "--no-figures", "--db", "local.db", "--artifacts", "local")
	t.Logf("a run on this machine took %.0f s", time.Since(begin).Seconds())

	c := slurmtest.Start(t, 4, 2)
	begin = time.Now()
	shared := []string{"--db", "cluster.db", "--artifacts", "shared"}
	submit := append([]string{"submit", "slurm", "--time", "10", "--concurrent", "6", "--timing-constraint", "odd|even"}, shared...)
	sent := b.submit(append(submit, "--json")...)
	if sent.tasks("train") != 6 || sent.tasks("sample") != 12 || sent.tasks("score") != 12 || sent.tasks("time") != 12 ||
		sent.tasks("reference") != 1 {
		t.Fatalf("sent %+v", sent)
	}
	again := b.submit(append(submit, "--json")...)
	if len(again.Sent) != 0 {
		t.Errorf("what waits was sent again: %+v", again)
	}
	if out, code := b.try(append([]string{"run"}, shared...)...); code != 2 || !strings.Contains(out, "stages are with Slurm") {
		t.Errorf("a run of what is in the queue: exit code %d\n%s", code, out)
	}

	// Four trainings that are in the middle: one is killed, one loses its
	// worker, one gets the signal that its time is nearly over, and the node of one is
	// drained. All wait until the others are well under way too.
	var running []task
	b.wait("four trainings under way", func() bool {
		running = b.training(c)
		return len(running) >= 4
	})
	killed, orphan, warned := running[0], running[1], running[2]
	drained := running[3]
	for _, r := range running[3:] { // a node without one of the others, if there is one
		if r.node != killed.node && r.node != orphan.node && r.node != warned.node {
			drained = r
		}
	}
	c.Must("scancel", "--signal=KILL", "--batch", killed.job)
	if err := syscall.Kill(orphan.worker, syscall.SIGKILL); err != nil {
		t.Errorf("killing the worker of %s: %v", orphan.job, err)
	}
	c.Must("scancel", "--signal=USR2", "--batch", warned.job)
	c.Must("scontrol", "update", "nodename="+drained.node, "state=drain", "reason=test")
	c.Must("scontrol", "requeue", drained.job)
	t.Logf("killed %s, killed the worker of %s, warned %s, drained %s and requeued %s", killed.job, orphan.job, warned.job,
		drained.node, drained.job)

	seen := map[string]bool{}
	b.wait("the queue to be empty", func() bool {
		for _, cell := range b.status(shared...) {
			seen[cell.State] = true
		}
		return b.active(c) == 0
	})
	for _, state := range []string{"running", "queued"} {
		if !seen[state] {
			t.Errorf("no cell was ever %s: %v", state, seen)
		}
	}
	first := time.Since(begin)

	// Of the killed training everything is missing, of the others nothing.
	missing := 0
	for _, cell := range b.status(shared...) {
		switch {
		case cell.State == "done":
		case cell.State == "to do" && strings.Contains(cell.Reason, killed.job) && strings.Contains(cell.Reason, "FAILED"),
			cell.State == "to do" && strings.Contains(cell.Reason, "CANCELLED"):
			missing++
		default:
			t.Errorf("cell %s (%s) is %s: %s", cell.Cell, cell.Label, cell.State, cell.Reason)
		}
	}
	if missing != 2 {
		t.Errorf("%d cells are missing, 2 have the training that was killed", missing)
	}
	for _, r := range []task{warned, drained} {
		log := b.log(r)
		if !strings.Contains(log, "started again") {
			t.Errorf("the log of %s:\n%s", r.job, log)
		}
	}
	for _, r := range []task{warned, drained} {
		if !b.resumed(r.key) {
			t.Errorf("the training of %s did not go on from its checkpoint", r.job)
		}
	}
	if log := b.log(warned); !strings.Contains(log, "put back into the queue") {
		t.Errorf("the log of %s:\n%s", warned.job, log)
	}
	if log := b.log(drained); !strings.Contains(log, " on "+drained.node) || strings.Count(log, "array train") != 2 ||
		strings.Count(log, " on "+drained.node+"\n")+strings.Count(log, " on "+drained.node+",") != 1 {
		t.Errorf("%s did not move away from %s:\n%s", drained.job, drained.node, log)
	}

	sent = b.submit(append(submit, "--json")...)
	if sent.tasks("train") != 1 || sent.tasks("sample") != 2 || sent.tasks("score") != 2 || sent.tasks("time") != 2 ||
		sent.tasks("reference") != 0 {
		t.Errorf("what was missing was sent as %+v", sent)
	}
	b.wait("the queue to be empty again", func() bool { return b.active(c) == 0 })
	for _, cell := range b.status(shared...) {
		if cell.State != "done" {
			t.Errorf("cell %s (%s) is %s: %s", cell.Cell, cell.Label, cell.State, cell.Reason)
		}
	}
	if sent = b.submit(append(submit, "--json")...); len(sent.Sent) != 0 {
		t.Errorf("everything is done, and %+v was sent", sent)
	}
	out, _ := b.try(append([]string{"run", "--no-figures"}, shared...)...)
	if !strings.Contains(out, "nothing to do: all 43 stages were done before") {
		t.Errorf("a run after that: %s", out)
	}
	t.Logf("through Slurm: %.0f s until the queue was empty, %.0f s until all was there", first.Seconds(), time.Since(begin).Seconds())
	b.same()
}

// TestRealSlurmSearch lets a search run through a real Slurm, stop after stop, while the
// command that sends is killed and a training is lost, and compares its decisions with
// those of a run on one machine.
func TestRealSlurmSearch(t *testing.T) {
	b := newBench(t, "search.toml", 8)
	decided := regexp.MustCompile(`(?m)^search: after \d+ steps .*|^the search trained .*`)
	want := decided.FindAllString(b.must("run", "--no-figures", "--db", "local.db", "--artifacts", "local"), -1)
	if len(want) < 2 {
		t.Fatalf("decisions on one machine: %q", want)
	}
	c := slurmtest.Start(t, 2, 2)
	shared := []string{"--db", "cluster.db", "--artifacts", "shared"}
	send := append([]string{"submit", "slurm", "--time", "10", "--wait"}, shared...)
	killed := exec.Command(b.program, append([]string{"submit", "slurm", b.file}, send[2:]...)...)
	killed.Dir = b.dir
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	b.wait("tasks in the queue", func() bool { return b.active(c) > 0 })
	c.Must("scancel", strings.Fields(c.Must("squeue", "--noheader", "--array", "--format=%i"))[0])
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	begin := time.Now()
	out := b.must(send...)
	t.Logf("a search of eight points through Slurm, after a kill: %.0f s\n%s", time.Since(begin).Seconds(), out)
	got := decided.FindAllString(out, -1)
	if len(got) < len(want) || strings.Join(got[len(got)-len(want):], "\n") != strings.Join(want, "\n") {
		t.Errorf("decisions through Slurm %q, on one machine %q", got, want)
	}
	dropped := regexp.MustCompile(`dropped by the search: .*`)
	x := dropped.FindAllString(b.must(append([]string{"status"}, shared...)...), -1)
	y := dropped.FindAllString(b.must("status", "--db", "local.db", "--artifacts", "local"), -1)
	if len(x) == 0 || strings.Join(x, "\n") != strings.Join(y, "\n") {
		t.Errorf("dropped through Slurm %q, on one machine %q", x, y)
	}
	if out := b.must(append([]string{"run", "--no-figures"}, shared...)...); !strings.Contains(out, "nothing to do") &&
		!strings.Contains(out, want[len(want)-1]) {
		t.Errorf("a run after that: %s", out)
	}
}

// bench is a folder with the program and an experiment of so many cells.
type bench struct {
	t                  *testing.T
	program, file, dir string
	cells              int
}

// newBench builds the program for an experiment of testdata.
func newBench(t *testing.T, file string, cells int) *bench {
	t.Helper()
	if os.Getenv("PRABENCH_SLURM_TEST") == "" {
		t.Skip("starts a Slurm and trains for a minute or two: make slurm-test")
	}
	file, err := filepath.Abs(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "bin", "prabench")
	if out, err := exec.Command("go", "build", "-buildvcs=auto", "-o", program, "prabench/cmd/prabench").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return &bench{t: t, program: program, file: file, dir: dir, cells: cells}
}

func (b *bench) try(args ...string) (output string, code int) {
	b.t.Helper()
	subcommand := args[:1]
	rest := args[1:]
	if args[0] == "submit" {
		subcommand, rest = args[:2], args[2:]
	}
	cmd := exec.Command(b.program, append(append(append([]string{}, subcommand...), b.file), rest...)...)
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		b.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (b *bench) must(args ...string) string {
	b.t.Helper()
	out, code := b.try(args...)
	if code != 0 {
		b.t.Fatalf("prabench %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

type submission struct {
	ID   string
	Sent []struct {
		Array, Kind, Job string
		Tasks            int
	}
}

func (s submission) tasks(kind string) (n int) {
	for _, a := range s.Sent {
		if a.Kind == kind {
			n += a.Tasks
		}
	}
	return n
}

func (b *bench) submit(args ...string) (s submission) {
	b.t.Helper()
	out := b.must(args...)
	if strings.Contains(out, "nothing to send") {
		return s
	}
	b.t.Logf("%s", out[strings.LastIndex(out, "}")+2:])
	b.decode(&s, out)
	return s
}

func (b *bench) decode(v any, out string) {
	b.t.Helper()
	at := strings.Index(out, "{\n")
	if at < 0 {
		b.t.Fatalf("no JSON in %s", out)
	}
	if err := json.NewDecoder(strings.NewReader(out[at:])).Decode(v); err != nil {
		b.t.Fatalf("%v in %s", err, out)
	}
}

type cell struct{ Cell, Label, State, Stage, Reason string }

func (b *bench) status(args ...string) []cell {
	b.t.Helper()
	var s struct{ Cells []cell }
	b.decode(&s, b.must(append([]string{"status", "--json"}, args...)...))
	if len(s.Cells) != b.cells {
		b.t.Fatalf("%d cells", len(s.Cells))
	}
	return s.Cells
}

// task is a training that Slurm runs.
type task struct {
	job, node, key string
	worker         int // process id
}

// training are the trainings that run and have made some steps.
func (b *bench) training(c *slurmtest.Cluster) (out []task) {
	marks := map[string]int{} // stage → process of its worker
	files, _ := filepath.Glob(filepath.Join(b.dir, "shared", "elsewhere", "*.json"))
	for _, f := range files {
		var m struct {
			Stage, Kind string
			Worker      struct{ PID int }
			Progress    struct {
				What        string `json:"what"`
				Done, Total int
			}
		}
		raw, err := os.ReadFile(f)
		if err == nil && json.Unmarshal(raw, &m) == nil && m.Kind == "train" && m.Progress.What == "training" &&
			2*m.Progress.Done < m.Progress.Total {
			marks[m.Stage] = m.Worker.PID
		}
	}
	keys := b.keys("train")
	for line := range strings.Lines(c.Must("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%F_%K|%j|%N|%K")) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 4 || !strings.HasSuffix(f[1], "-train") {
			continue
		}
		var index int
		fmt.Sscan(f[3], &index)
		if pid, ok := marks[keys[index]]; ok {
			out = append(out, task{f[0], f[2], keys[index], pid})
		}
	}
	return out
}

// keys are the stages of the first submission's array of a kind, by index.
func (b *bench) keys(array string) map[int]string {
	plans, _ := filepath.Glob(filepath.Join(b.dir, "shared", "slurm", "*", "plan.json"))
	out := map[int]string{}
	for _, p := range plans {
		var s struct {
			Arrays []struct {
				Name  string
				Tasks []struct {
					Index int
					Key   string
				}
			}
		}
		raw, err := os.ReadFile(p)
		if err != nil || json.Unmarshal(raw, &s) != nil {
			b.t.Fatalf("%s: %v", p, err)
		}
		for _, a := range s.Arrays {
			for _, t := range a.Tasks {
				if a.Name == array {
					out[t.Index] = t.Key
				}
			}
		}
	}
	return out
}

// resumed says whether the attempt that ended a training began at a checkpoint.
func (b *bench) resumed(key string) bool {
	b.t.Helper()
	db, err := results.OpenReadOnly(filepath.Join(b.dir, "cluster.db"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	a, ok, err := db.StageDone(context.Background(), key)
	if err != nil || !ok {
		b.t.Errorf("stage %s is not done: %v", key, err)
		return false
	}
	path, _, _ := strings.Cut(a.Log, "\n")
	raw, _ := os.ReadFile(path)
	return strings.Contains(string(raw), "resumed at step")
}

func (b *bench) active(c *slurmtest.Cluster) int {
	return strings.Count(c.Must("squeue", "--noheader", "--array"), "\n")
}

// log is what a task of the first submission printed.
func (b *bench) log(r task) string {
	files, _ := filepath.Glob(filepath.Join(b.dir, "shared", "slurm", "*", "log", "train-"+r.job+".log"))
	if len(files) != 1 {
		b.t.Errorf("%d logs of %s", len(files), r.job)
		return ""
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		b.t.Error(err)
	}
	return string(raw)
}

func (b *bench) wait(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		if ok() {
			return
		}
	}
	b.t.Fatalf("waited five minutes for %s", what)
}

// same compares the results of the cluster with those of the local run: the
// same cells and metrics, the same values but for what is measured, the same
// models to the bit.
func (b *bench) same() {
	b.t.Helper()
	local, cluster := b.values("local.db"), b.values("cluster.db")
	if len(local) != len(cluster) || len(local) == 0 {
		b.t.Errorf("%d values, a local run has %d", len(cluster), len(local))
	}
	equal, timed := 0, 0
	for name, want := range local {
		got, ok := cluster[name]
		switch {
		case !ok:
			b.t.Errorf("%s is missing", name)
		case measured[name[strings.LastIndex(name, " ")+1:]]:
			timed++
		case got != want:
			b.t.Errorf("%s is %s, a local run has %s", name, got, want)
		default:
			equal++
		}
	}
	models := 0
	files, _ := filepath.Glob(filepath.Join(b.dir, "local", "train", "*", "model.safetensors"))
	for _, f := range files {
		want, err := os.ReadFile(f)
		if err != nil {
			b.t.Fatal(err)
		}
		got, err := os.ReadFile(strings.Replace(f, filepath.Join(b.dir, "local"), filepath.Join(b.dir, "shared"), 1))
		if err != nil || !bytes.Equal(got, want) {
			b.t.Errorf("%s: another model, %v", f, err)
			continue
		}
		models++
	}
	b.t.Logf("%d values equal, %d measured ones there, %d of %d models equal to the bit", equal, timed, models, len(files))
}

// values are an experiment's results, "cell seed metric" → value and interval.
func (b *bench) values(db string) map[string]string {
	b.t.Helper()
	cmd := exec.Command(b.program, "results", "--db", db, "--artifacts", "none", "--format", "json")
	cmd.Dir = b.dir
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatal(err)
	}
	values := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var r map[string]any
		if err := d.Decode(&r); err != nil {
			b.t.Fatal(err)
		}
		name := fmt.Sprint(r["cell"], " ", r["seed"], " ", r["metric"])
		if _, twice := values[name]; twice {
			b.t.Errorf("%s: %s is there twice", db, name)
		}
		values[name] = fmt.Sprint(r["value"], " ", r["lo"], " ", r["hi"], " ", r["n"], " ", r["unit"], " ", r["outcome"])
	}
	cells := map[string]bool{}
	for name := range values {
		cells[strings.Fields(name)[0]] = true
	}
	if len(cells) != b.cells {
		var list []string
		for c := range cells {
			list = append(list, c)
		}
		sort.Strings(list)
		b.t.Errorf("%s has %d cells: %v", db, len(cells), list)
	}
	return values
}

// TestRealSlurmSite sends twelve cells through a real Slurm three to a task, with a
// prologue that sets what a wrapper checks, puts a task back into the queue in the
// middle, and compares with a run on one machine.
func TestRealSlurmSite(t *testing.T) {
	b := newBench(t, "twelve.toml", 12)
	short := []string{"--set", "train.steps=12000", "--set", "measure.rounds=0"}
	b.must(append([]string{"run", "--no-figures", "--db", "local.db", "--artifacts", "local"}, short...)...)

	site := "#!/bin/bash\n#SBATCH --comment=ours\n" + `export SITE_TOKEN="two words"
check() {
	[ "$SITE_TOKEN" = "two words" ] || exit 9
	echo "token seen by task $SLURM_ARRAY_TASK_ID"
	exec env SITE_WORD="$1" "${@:2}"
}
`
	if err := os.WriteFile(filepath.Join(b.dir, "site.sh"), []byte(site), 0o644); err != nil {
		t.Fatal(err)
	}
	c := slurmtest.Start(t, 2, 4)
	shared := append([]string{"--db", "cluster.db", "--artifacts", "shared"}, short...)
	submit := append([]string{"submit", "slurm", "--time", "10", "--pack", "3", "--prologue", "site.sh", "--wrap", "check 'a b'"}, shared...)
	sent := b.submit(append(submit, "--json")...)
	if sent.tasks("train") != 6 || sent.tasks("sample") != 12 || sent.tasks("score") != 12 {
		t.Fatalf("sent %+v", sent)
	}
	if n := strings.Count(c.Must("squeue", "--noheader", "--array", "--format=%j"), "-train"); n != 2 {
		t.Errorf("six trainings are in %d tasks, three to each", n)
	}
	keys := b.keys("train")
	job, position := "", 0
	b.wait("three trainings of one task under way", func() bool {
		under := b.underWay()
		for line := range strings.Lines(c.Must("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%F_%K|%j|%K|%k")) {
			f := strings.Split(strings.TrimSpace(line), "|")
			if len(f) != 4 || !strings.HasSuffix(f[1], "-train") {
				continue
			}
			if f[3] != "ours" {
				t.Errorf("the comment of the prologue's line is %q", f[3])
			}
			var p int
			fmt.Sscan(f[2], &p)
			if under[keys[3*p]] && under[keys[3*p+1]] && under[keys[3*p+2]] {
				job, position = f[0], p
				return true
			}
		}
		return false
	})
	c.Must("scancel", "--signal=USR2", "--batch", job)
	b.wait("the queue to be empty", func() bool { return b.active(c) == 0 })
	for _, cell := range b.status(shared...) {
		if cell.State != "done" {
			t.Errorf("cell %s (%s) is %s: %s", cell.Cell, cell.Label, cell.State, cell.Reason)
		}
	}
	log := b.log(task{job: job})
	for _, want := range []string{"token seen by task", "the script is to put it back into the queue", "started again"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log of %s lacks %q:\n%s", job, want, log)
		}
	}
	resumed := 0
	for i := range 3 {
		if b.resumed(keys[3*position+i]) {
			resumed++
		}
	}
	if resumed != 3 {
		t.Errorf("%d of the three trainings of %s went on from their checkpoints", resumed, job)
	}
	b.same()
}

// underWay are the trainings that have made steps and have more than a third to make.
func (b *bench) underWay() map[string]bool {
	out := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(b.dir, "shared", "elsewhere", "*.json"))
	for _, f := range files {
		var m struct {
			Stage, Kind string
			Progress    struct {
				What        string `json:"what"`
				Done, Total int
			}
		}
		raw, err := os.ReadFile(f)
		if err == nil && json.Unmarshal(raw, &m) == nil && m.Kind == "train" && m.Progress.What == "training" && m.Progress.Done > 0 &&
			3*m.Progress.Done < 2*m.Progress.Total {
			out[m.Stage] = true
		}
	}
	return out
}

// TestRealSlurmRanks has a training of two processes done by a real Slurm, which gives
// it processors for both, loses the second one in the middle and goes on; the same
// values and models to the bit come out as on one machine.
func TestRealSlurmRanks(t *testing.T) {
	b := newBench(t, "ranks.toml", 2)
	b.must("run", "--no-figures", "--db", "local.db", "--artifacts", "local")
	c := slurmtest.Start(t, 2, 2)
	shared := []string{"--db", "cluster.db", "--artifacts", "shared"}
	submit := append([]string{"submit", "slurm", "--time", "10"}, shared...)
	b.submit(append(submit, "--json")...)
	second := 0
	b.wait("two processes at one training", func() bool {
		for _, r := range b.training(c) {
			of, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.worker)) // each thread has its own
			for _, path := range of {
				children, _ := os.ReadFile(path)
				if n, _ := fmt.Sscan(string(children), &second); n == 1 {
					return true
				}
			}
		}
		return false
	})
	for line := range strings.Lines(c.Must("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%j|%C")) {
		name, processors, _ := strings.Cut(strings.TrimSpace(line), "|")
		if strings.HasSuffix(name, "-train") && processors != "2" {
			t.Errorf("%s has %s processors for two processes", name, processors)
		}
	}
	if err := syscall.Kill(second, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.wait("the queue to be empty", func() bool { return b.active(c) == 0 })
	if left := b.processes(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	b.submit(append(submit, "--json")...) // where Slurm gave it up
	b.wait("the queue to be empty again", func() bool { return b.active(c) == 0 })
	resumed := 0
	for _, cell := range b.status(shared...) {
		if cell.State != "done" {
			t.Errorf("cell %s (%s) is %s: %s", cell.Cell, cell.Label, cell.State, cell.Reason)
		}
	}
	for _, key := range b.keys("train") {
		if b.resumed(key) {
			resumed++
		}
	}
	if resumed != 1 {
		t.Errorf("%d trainings went on from a checkpoint, one lost a process", resumed)
	}
	b.same()
}

// processes are those of programs in the folder of the test.
func (b *bench) processes() (out []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, path := range all {
		if exe, err := os.Readlink(path); err == nil && strings.HasPrefix(exe, b.dir+"/") {
			out = append(out, path)
		}
	}
	return out
}
