package ranks

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test program is a rank: PRABENCH_TEST_RANK is "file rank behaviour".
const role = "PRABENCH_TEST_RANK"

func TestMain(m *testing.M) {
	if is := os.Getenv(role); is != "" {
		os.Exit(play(strings.Fields(is)))
	}
	os.Exit(m.Run())
}

// play sums for ever and prints "ready" after the first sum and how it ended; or it
// dies before it has joined.
func play(is []string) int {
	rank, _ := strconv.Atoi(is[1])
	if is[2] == "early" {
		return 3
	}
	g, err := Join(is[0], rank)
	if err != nil {
		fmt.Println(err)
		return 2
	}
	x := make([]float32, 100_000)
	for i := 0; ; i++ {
		if is[2] == "exits" && i == 3 {
			os.Exit(0) // without a word to the others
		}
		if err := Sum(g, x); err != nil {
			lost, is := IsLost(err)
			fmt.Println("lost", lost, is, err)
			return 0
		}
		if i == 0 {
			fmt.Println("ready")
		}
		if is[2] == "leaves" && i == 3 {
			g.Close()
			return 0
		}
	}
}

// meet is a group whose ranks are goroutines.
func meet(t *testing.T, size int) []Group {
	t.Helper()
	path, err := Meet(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	gs := make([]Group, size)
	for r := range gs {
		if gs[r], err = Join(path, r); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { gs[r].Close() })
	}
	return gs
}

// each does something on all ranks at once.
func each(t *testing.T, gs []Group, f func(r int, g Group) error) {
	t.Helper()
	var wg sync.WaitGroup
	for r, g := range gs {
		wg.Go(func() {
			if err := f(r, g); err != nil {
				t.Errorf("rank %d: %v", r, err)
			}
		})
	}
	wg.Wait()
}

// Sums are those of the numbers in the order of the ranks, to the bit, on every rank,
// at every length and whichever rank is late.
func TestSums(t *testing.T) {
	per := chunk / 4
	for _, size := range []int{2, 3, 4, 7} {
		gs := meet(t, size)
		for _, n := range []int{0, 1, size - 1, size, 1000, per - 1, per, per + 1, 5*per + 17} {
			rng := rand.New(rand.NewPCG(uint64(size), uint64(n)))
			x, want := make([][]float32, size), make([]float32, n)
			exact, wide := make([]float64, n), make([][]float64, size)
			for r := range x {
				x[r], wide[r] = make([]float32, n), make([]float64, n)
				for i := range n {
					x[r][i] = float32(rng.NormFloat64() * math.Exp(3*rng.NormFloat64()))
					if exact[i] += float64(x[r][i]); r == 0 {
						want[i] = x[r][i]
					} else {
						want[i] += x[r][i]
					}
					wide[r][i] = float64(x[r][i])
				}
			}
			late := rng.IntN(size)
			each(t, gs, func(r int, g Group) error {
				if r == late && n < 2*per {
					time.Sleep(3 * time.Millisecond)
				}
				if err := Sum(g, x[r]); err != nil {
					return err
				}
				return g.SumWide(wide[r])
			})
			for r := range x {
				for i := range n {
					if x[r][i] != want[i] || wide[r][i] != exact[i] {
						t.Fatalf("%d ranks, %d numbers: rank %d has %g and %g at %d, want %g and %g", size, n, r, x[r][i], wide[r][i], i,
							want[i], exact[i])
					}
				}
			}
		}
	}
}

// Random delays at every step change nothing.
func TestDelays(t *testing.T) {
	gs := meet(t, 4)
	each(t, gs, func(r int, g Group) error {
		rng := rand.New(rand.NewPCG(uint64(r), 1))
		for round := range 150 {
			x := []float32{float32(r), float32(round), float32(r * round)}
			if err := g.Sum(3, func(dst []float32, at int) {
				time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
				copy(dst, x[at:])
			}, func(sums []float32, at int) {
				copy(x[at:], sums)
				time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
			}); err != nil {
				return err
			}
			if want := [3]float32{6, float32(4 * round), float32(6 * round)}; [3]float32(x) != want {
				return fmt.Errorf("round %d: %v, want %v", round, x, want)
			}
		}
		return nil
	})
}

// start starts a rank that is a process; said is what it has printed when it ended.
func start(t *testing.T, path string, rank int, behaviour string) (c *exec.Cmd, out *lines) {
	t.Helper()
	c, out = exec.Command(os.Args[0]), &lines{}
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", role, path, rank, behaviour))
	c.Stdout = out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, out
}

type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A rank that dies, leaves or never comes is noticed by all others within seconds,
// with its number and whether it went by itself.
func TestAnotherRankIsGone(t *testing.T) {
	for name, want := range map[string]Lost{"killed": {2, false}, "exits": {2, false}, "leaves": {2, true}, "early": {2, false}} {
		t.Run(name, func(t *testing.T) {
			path, err := Meet(4)
			if err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			g, err := Join(path, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			one, oneSaid := start(t, path, 1, "stays")
			two, twoSaid := start(t, path, 2, name)
			three, threeSaid := start(t, path, 3, "stays")
			ended := make(chan time.Time, 1)
			go func() { // as who starts ranks does
				_ = two.Wait()
				ended <- time.Now()
				g.Gone(2)
			}()
			x := make([]float32, 100_000)
			if name != "early" && g.Missing() != nil {
				t.Errorf("at the start: %v", g.Missing())
			}
			for i := 0; err == nil; i++ {
				if err = Sum(g, x); i == 5 && name == "killed" {
					_ = two.Process.Signal(syscall.SIGKILL)
				}
			}
			if _, is := IsLost(g.Missing()); !is { // a rank that left after it is perhaps the first that is seen
				t.Errorf("%v is missing, want %v", g.Missing(), &want)
			}
			took := time.Since(<-ended)
			if rank, is := IsLost(err); !is || rank != want.Rank || err.Error() != want.Error() {
				t.Errorf("%v, want %v; rank 2 said %s", err, &want, twoSaid)
			}
			if took > 30*time.Second {
				t.Errorf("noticed %v after the end", took)
			}
			if again := Sum(g, x); again == nil {
				t.Error("a group that lost a rank goes on")
			}
			_, _ = one.Process.Wait()
			_, _ = three.Process.Wait()
			time.Sleep(50 * time.Millisecond) // what they said arrives
			for _, said := range []*lines{oneSaid, threeSaid} {
				if !strings.Contains(said.String(), "lost 2 true") {
					t.Errorf("another rank said %q", said)
				}
			}
		})
	}
}

// A killed rank is noticed whenever it was killed.
func TestKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills 20 processes")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 20 {
		path, err := Meet(2)
		if err != nil {
			t.Fatal(err)
		}
		g, err := Join(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := start(t, path, 1, "stays")
		x := make([]float32, 200_000)
		if err := Sum(g, x); err != nil {
			t.Fatal(err)
		}
		killed := make(chan time.Time, 1)
		go func() {
			time.Sleep(time.Duration(rng.IntN(20_000)) * time.Microsecond)
			killed <- time.Now()
			_ = c.Process.Kill() // it is not waited for: as a zombie it is gone as well
		}()
		for err == nil {
			err = Sum(g, x)
		}
		if took := time.Since(<-killed); took > 30*time.Second {
			t.Errorf("%d: noticed after %v", i, took)
		}
		if rank, is := IsLost(err); !is || rank != 1 {
			t.Errorf("%d: %v", i, err)
		}
		g.Close()
		os.Remove(path)
	}
}

func TestWhatIsNoGroup(t *testing.T) {
	path, err := Meet(2)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	g, err := Join(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(path, fmt.Sprintf("/prabench-ranks-%d-", os.Getpid())) { // who looks for what is left looks for it
		t.Errorf("the file %s does not name its process", path)
	}
	other := t.TempDir() + "/file"
	raw, _ := json.Marshal(make([]int, 100_000))
	if err := os.WriteFile(other, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		rank int
		want string
	}{
		{path, 2, "no rank 2 of 2"}, {path, -1, "no rank -1"}, {path, 1, "rank 1 is there already"}, {other, 0, "not the file of a group"},
		{other + "2", 0, "no such file"},
	} {
		if _, err := Join(c.path, c.rank); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, rank %d: %v, want %q", c.path, c.rank, err, c.want)
		}
	}
	g.Close()
	if _, err := Join(path, 1); err == nil || !strings.Contains(err.Error(), "there was a rank 1") {
		t.Errorf("a rank that has left comes back: %v", err)
	}
	for _, size := range []int{0, 1, most + 1} {
		if p, err := Meet(size); err == nil {
			os.Remove(p)
			t.Errorf("a group of %d", size)
		}
	}
	if lo, hi := Part(Alone{}, 7); lo != 0 || hi != 7 || Sum(Alone{}, make([]float32, 2)) != nil {
		t.Error("alone")
	}
}

func BenchmarkSum(b *testing.B) {
	for _, size := range []int{2, 4} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			path, err := Meet(size)
			if err != nil {
				b.Fatal(err)
			}
			defer os.Remove(path)
			const n = 1 << 22
			b.SetBytes(4 * n)
			var wg sync.WaitGroup
			for r := range size {
				g, err := Join(path, r)
				if err != nil {
					b.Fatal(err)
				}
				defer g.Close()
				x := make([]float32, n)
				wg.Go(func() {
					for range b.N {
						if err := Sum(g, x); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
