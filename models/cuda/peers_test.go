//go:build cuda

package cuda

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/pra"
	"prabench/models/ranks"
	"prabench/models/ranks/rankstest"
)

// tinyTraining is a training that a driver on host memory does in a moment.
func tinyTraining(steps int) (pra.Params, models.Images) {
	c, tc := pra.DefaultConfig(), pra.DefaultTrain()
	c.Size, c.Channels, c.Patch, c.Classes = 4, 1, 2, 3
	c.Width, c.Depth, c.Heads, c.MLP, c.HeadWidth, c.HeadDepth, c.CoderWidth, c.State = 8, 3, 2, 2, 8, 2, 8, 3
	tc.Batch, tc.Steps, tc.Threads, tc.MicroBatch = 8, steps, 1, 2
	images := models.Images{N: 24, Size: 4, Channels: 1}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range images.N {
		images.Labels = append(images.Labels, int32(i%3))
		for range 16 {
			images.Pixels = append(images.Pixels, uint8(rng.IntN(256)))
		}
	}
	return pra.Params{Model: c, Train: tc, Sample: pra.DefaultSample()}, images
}

// trainTogether trains as ranks that are goroutines, and tells what the backends say of
// themselves.
func trainTogether(t *testing.T, p models.Params, images models.Images, size, steps int) (out rankstest.Trained, details []string) {
	t.Helper()
	var mu sync.Mutex
	var opened []*Backend
	out = rankstest.Train(t, func(int) (device.Backend, error) {
		b, err := New(0, Options{})
		mu.Lock()
		opened = append(opened, b)
		mu.Unlock()
		return b, err
	}, p, images, size, "", steps)
	for _, b := range opened {
		details = append(details, b.Details())
	}
	return out, details
}

func contents(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// withNCCL is alone in a process that notes what is asked of NCCL and of the driver.
func withNCCL(t *testing.T, env ...string) bool {
	dir := t.TempDir()
	return alone(t, append([]string{"STANDIN_NCCL_DIR=" + dir, "STANDIN_NCCL_LOG=" + filepath.Join(dir, "calls"),
		"STANDIN_TRACE=" + filepath.Join(dir, "queued")}, env...)...)
}

// 1, 2 and 4 ranks do one training, the sums of their gradients by NCCL, which adds up
// in the order of the ranks here and so gives the bits that the host gives. Each bucket
// is sent once a step, and from the third step on while the backward pass runs.
func TestPeersTrain(t *testing.T) {
	onStandIn(t)
	if withNCCL(t, "STANDIN_NCCL_DELAY=3") {
		peersTrain(t, 50, 2, 4)
	}
}

// A few steps notice a mistake as well.
func TestPeersStep(t *testing.T) {
	onStandIn(t)
	if withNCCL(t, "STANDIN_NCCL_DELAY=3") {
		peersTrain(t, 6, 2)
	}
}

// peersTrain trains by one rank and by groups of the given sizes.
func peersTrain(t *testing.T, steps int, sizes ...int) {
	p, images := tinyTraining(steps)
	one, _ := trainTogether(t, p, images, 1, steps)
	sent := map[int][]int{} // by rank: numbers of each sum
	for _, size := range sizes {
		many, details := trainTogether(t, p, images, size, steps)
		for _, d := range details {
			if want := fmt.Sprintf(", NCCL 2.21.5 of %d devices", size); !strings.Contains(d, want) {
				t.Errorf("%d ranks: %q does not say%q", size, d, want)
			}
		}
		if d := rankstest.Apart(many.Losses, one.Losses); !(d <= 1e-5) {
			t.Errorf("%d ranks: losses differ by %.2g from those of one", size, d)
		}
		os.Setenv(NoNCCLVariable, "1")
		host, details := trainTogether(t, p, images, size, steps)
		os.Unsetenv(NoNCCLVariable)
		if !strings.Contains(details[0], "through the host ("+NoNCCLVariable+"=1)") {
			t.Errorf("%q does not say that sums went through the host", details[0])
		}
		if contents(t, many.State) != contents(t, host.State) {
			t.Errorf("%d ranks: NCCL's sums are not those of the host", size)
		}
	}
	for line := range strings.Lines(contents(t, os.Getenv("STANDIN_NCCL_LOG"))) {
		f := strings.Fields(line)
		if f[1] == "ncclAllReduce" {
			rank, _ := strconv.Atoi(f[0])
			n, _ := strconv.Atoi(f[2])
			sent[rank] = append(sent[rank], n)
		}
	}
	const buckets = 8 // of at most 9: seven of matrices, and one of the rest
	for rank := range slices.Max(sizes) {
		sums, n := sent[rank], 0
		for _, size := range sizes {
			if rank < size {
				n += steps
			}
		}
		if len(sums) != n*buckets {
			t.Fatalf("rank %d sent %d buckets in %d steps, want %d a step", rank, len(sums), n, buckets)
		}
		for at := 0; at < len(sums); at += buckets {
			all := 0
			for _, k := range sums[at : at+buckets] {
				all += k
			}
			if all != int(p.Model.Params()) {
				t.Errorf("rank %d sent %d numbers in a step, there are %d parameters", rank, all, p.Model.Params())
			}
		}
	}
	for thread, between := range overlaps(t, buckets) {
		for step, n := range between {
			if learning := step%steps < 2; learning && n != 0 || !learning && n < 100 {
				t.Errorf("thread %s, step %d: %d pieces of work between its first sum and its last", thread, step%steps+1, n)
			}
		}
		if len(between) > 0 {
			t.Logf("thread %s: %d pieces of work are queued between a step's first sum and its last", thread, between[len(between)-1])
		}
	}
}

// overlaps is, for each thread and step of a training, how much other work was queued
// between its first sum and its last.
func overlaps(t *testing.T, buckets int) map[string][]int {
	out := map[string][]int{}
	sums, others := map[string]int{}, map[string]int{}
	f, err := os.Open(os.Getenv("STANDIN_TRACE"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		w := strings.SplitN(s.Text(), " ", 3)
		switch thread := w[0]; {
		case w[2] == "all-reduce":
			if sums[thread]++; sums[thread] == buckets {
				out[thread] = append(out[thread], others[thread])
				sums[thread], others[thread] = 0, 0
			}
		case w[2] != "event" && sums[thread] > 0:
			others[thread]++
		}
	}
	if len(out) == 0 {
		t.Error("no sums were queued")
	}
	return out
}

// Where NCCL cannot be had, or refuses, sums go through the host, and the run says why.
func TestPeersGoThroughTheHost(t *testing.T) {
	onStandIn(t)
	for name, c := range map[string]struct{ env, want string }{
		"no library":         {"PRABENCH_NCCL=/no/libnccl.so.2", "through the host (PRABENCH_NCCL=/no/libnccl.so.2: /no/libnccl.so.2: "},
		"not NCCL":           {"PRABENCH_NCCL=libm.so.6", "through the host (PRABENCH_NCCL=libm.so.6: libm.so.6 has no ncclGetVersion)"},
		"two on one device":  {"STANDIN_NCCL_INIT=5", "through the host (cuda:0: meeting the other devices: NCCL says invalid usage (5))"},
		"the user's choice":  {NoNCCLVariable + "=1", "through the host (" + NoNCCLVariable + "=1)"},
		"it is there, small": {"STANDIN_NCCL_DELAY=1", ", NCCL 2.21.5 of 2 devices"},
	} {
		t.Run(name, func(t *testing.T) {
			if !withNCCL(t, c.env) {
				return
			}
			p, images := tinyTraining(3)
			_, details := trainTogether(t, p, images, 2, 3)
			for _, d := range details {
				if !strings.Contains(d, c.want) {
					t.Errorf("%q does not say %q", d, c.want)
				}
			}
		})
	}
}

// rankOfTest is the part of a process that is a rank of a test's training.
type rankOfTest struct {
	Meeting    string
	Rank, Size int
	From       string // a state, "" for none
	Steps, To  int    // of the training, of this attempt at it
	State      string // where rank 0 leaves one
	Dies       string // where it kills itself: "joining", or "" for not at all
}

// saidOfRank is the last line of such a process.
type saidOfRank struct {
	Done   int
	Lost   int // −1: none
	Losses []float64
}

const asPeer = "PRABENCH_TEST_PEER"

// play trains as a rank, prints "step N" after each step and in the end a saidOfRank.
func (r rankOfTest) play() (said saidOfRank, err error) {
	said.Lost = -1
	var g ranks.Group = ranks.Alone{}
	if r.Size > 1 {
		if g, err = ranks.Join(r.Meeting, r.Rank); err != nil {
			return said, err
		}
		defer g.Close()
	}
	b, err := New(0, Options{})
	if err != nil {
		return said, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	p, images := tinyTraining(r.Steps)
	tr, err := p.NewRank(dying{b, r.Dies}, images, g)
	if err != nil {
		return said, err
	}
	defer tr.Close()
	if r.From != "" {
		if _, err := tr.Resume(r.From); err != nil {
			return said, err
		}
	}
	for tr.Done() < r.To {
		err := tr.Step()
		rank, lost := ranks.IsLost(err)
		if err != nil && !lost {
			return said, err
		}
		if said.Done = tr.Done(); lost {
			said.Lost = rank
			break
		}
		said.Losses = append(said.Losses, tr.Losses().Total())
		fmt.Println("step", said.Done)
	}
	if r.Rank == 0 {
		return said, tr.Save(r.State, "note")
	}
	return said, nil
}

// dying is a backend whose process is killed at a moment.
type dying struct {
	*Backend
	at string
}

func (d dying) Caps() device.Caps {
	caps := d.Backend.Caps()
	caps.Reducer = d
	return caps
}

func (d dying) Join(id []byte, rank, size int, lost func() error) (device.Reduction, error) {
	if d.at == "joining" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return d.Backend.Join(id, rank, size, lost)
}

// peer is such a process.
type peer struct {
	cmd   *exec.Cmd
	steps chan int // closed when it has ended
	said  saidOfRank
	text  strings.Builder
	err   error
}

func startPeer(t *testing.T, r rankOfTest, env ...string) *peer {
	t.Helper()
	raw, _ := json.Marshal(r)
	p := &peer{cmd: exec.Command(os.Args[0], "-test.run", "^TestPeersAreKilled$", "-test.count=1"), steps: make(chan int, 10_000)}
	p.cmd.Env = append(append(os.Environ(), asPeer+"="+string(raw)), env...)
	p.cmd.Stderr = &p.text
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		var other []string // what a failed test says
		for s := bufio.NewScanner(out); s.Scan(); {
			if n, is := strings.CutPrefix(s.Text(), "step "); is {
				step, _ := strconv.Atoi(n)
				p.steps <- step
			} else if strings.HasPrefix(s.Text(), "{") {
				p.err = json.Unmarshal([]byte(s.Text()), &p.said)
			} else {
				other = append(other, s.Text())
			}
		}
		p.err = errors.Join(p.err, p.cmd.Wait())
		p.text.WriteString(strings.Join(other, "\n"))
		close(p.steps)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// end waits for a process that must not hang.
func (p *peer) end(t *testing.T) {
	t.Helper()
	for {
		select {
		case _, more := <-p.steps:
			if !more {
				return
			}
		case <-time.After(2 * time.Minute): // since the last step
			_ = p.cmd.Process.Signal(syscall.SIGQUIT)
			t.Fatalf("a rank hangs after another has died\n%s", p.text.String())
		}
	}
}

// What NCCL meets while all ranks live ends the training with its words, and not with
// sums that are none.
func TestPeersHearOfErrors(t *testing.T) {
	onStandIn(t)
	meeting, err := ranks.Meet(2)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(meeting)
	dir := t.TempDir()
	var all []*peer
	for r := range 2 {
		all = append(all, startPeer(t, rankOfTest{Meeting: meeting, Rank: r, Size: 2, Steps: 20, To: 20, State: filepath.Join(dir, "state")},
			"STANDIN_NCCL_DIR="+dir, "STANDIN_NCCL_ASYNC=45"))
	}
	said := ""
	for _, p := range all {
		p.end(t)
		said += p.text.String()
		if p.err == nil && p.said.Lost < 0 {
			t.Errorf("a rank trains on: %+v", p.said)
		}
	}
	if !strings.Contains(said, "summing over devices: NCCL says remote error (6)") || strings.Contains(said, "diverged") {
		t.Errorf("the ranks say %q", said)
	}
}

// ends starts all ranks, kills one of them some time after a step, or with dies where it
// says, and holds that the others hear of it and end. A victim of −1 is nobody.
func ends(t *testing.T, as rankOfTest, victim, after int, dies string, env ...string) []*peer {
	t.Helper()
	var err error
	if as.Meeting, err = ranks.Meet(max(as.Size, 2)); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(as.Meeting)
	var all []*peer
	for r := range as.Size {
		if as.Rank, as.Dies = r, ""; r == victim {
			as.Dies = dies
		}
		all = append(all, startPeer(t, as, env...))
	}
	if victim >= 0 && dies == "" {
		for step := range all[0].steps {
			if step >= after {
				time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
				_ = all[victim].cmd.Process.Kill()
				break
			}
		}
	}
	for _, p := range all {
		p.end(t)
	}
	for r, p := range all {
		lost := p.said.Lost
		heard := lost >= 0 && (lost == victim || all[lost].said.Lost >= 0) // or of one that had heard of it and left
		if r != victim && (p.err != nil || heard != (victim >= 0)) {
			t.Fatalf("rank %d of %d, of which %d was killed: %v, lost %d\n%s", r, as.Size, victim, p.err, lost, p.text.String())
		}
	}
	return all
}

// A rank is killed at random moments, in sums too, or before it has joined. The others
// hear of it, rank 0 leaves a state of the step before, and all end; 1, 2 or 4 ranks go on
// from it to the losses of a training that nobody disturbed. PRABENCH_TEST_KILLS sets how
// often.
func TestPeersAreKilled(t *testing.T) {
	if raw := os.Getenv(asPeer); raw != "" {
		playPeer(t, raw)
		return
	}
	onStandIn(t)
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("PRABENCH_TEST_KILLS")); err == nil {
		kills = n
	}
	attempts := kills + kills/3 // each fourth is one rank alone, which nobody disturbs
	steps := 20 * (attempts + 1)
	dir := t.TempDir()
	alone := ends(t, rankOfTest{Size: 1, Steps: steps, To: steps, State: filepath.Join(dir, "alone")}, -1, 0, "")[0]
	rng := rand.New(rand.NewPCG(11, uint64(kills)))
	as, done, losses := rankOfTest{Steps: steps, State: filepath.Join(dir, "state")}, 0, map[int]float64{}
	for i := range attempts + 1 {
		target, victim, dies := done+1+rng.IntN(10), -1, ""
		switch as.Size, as.To = []int{2, 4, 2, 1}[i%4], steps; {
		case i == attempts:
			as.Size = 2
		case as.Size == 1:
			as.To = target
		default:
			victim = rng.IntN(as.Size)
		}
		if i == 1 {
			dies = "joining"
		}
		said := ends(t, as, victim, target, dies, "STANDIN_NCCL_DIR="+dir, "STANDIN_NCCL_DELAY=4")[0].said
		if victim == 0 { // and what it did not save
			t.Logf("attempt %d: of %d ranks 0 is killed after step %d", i, as.Size, target)
			continue
		}
		for k, l := range said.Losses {
			losses[said.Done-len(said.Losses)+k] = l
		}
		if said.Done < done {
			t.Errorf("attempt %d: %d steps were done, and %d are left", i, done, said.Done)
		}
		t.Logf("attempt %d: of %d ranks %d is killed (-1: none), steps %d to %d", i, as.Size, victim, done, said.Done)
		if done = said.Done; done > 0 {
			as.From = as.State
		}
	}
	if got := slices.Sorted(maps.Keys(losses)); done != steps || len(got) != steps || len(alone.said.Losses) != steps {
		t.Fatalf("%d of %d steps are done, losses of %d and %d", done, steps, len(got), len(alone.said.Losses))
	}
	worst := 0.0
	for i, want := range alone.said.Losses {
		worst = math.Max(worst, math.Abs(losses[i]-want)/want)
	}
	t.Logf("%d kills over %d steps: losses differ by at most %.2g", kills, steps, worst)
	if !(worst <= 1e-5) {
		t.Errorf("losses differ by %.2g from those of one rank that nobody disturbed", worst)
	}
}

// playPeer is the life of a process that is a rank.
func playPeer(t *testing.T, raw string) {
	var r rankOfTest
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		t.Fatal(err)
	}
	said, err := r.play()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(said)
	fmt.Println(string(out))
}
