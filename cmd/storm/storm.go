// Command storm runs an experiment while it kills the runner and its workers at
// random moments, lets it finish, and compares the database with that of a run
// that nobody disturbed.
//
//	go run ./cmd/storm -program bin/prabench -kills 200 experiments/quick.toml --set train.steps=60
//
// Its principle is that a harness is what is left after kill -9. A sweep that ends
// before enough kills were sent is checked and another one begun, so that no
// kill meets a run with nothing to do.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"prabench/harness/engine"
)

func main() {
	var s storm
	flag.StringVar(&s.program, "program", "bin/prabench", "the program under test")
	flag.IntVar(&s.kills, "kills", 200, "SIGKILLs to send")
	flag.DurationVar(&s.longest, "longest", 3*time.Second, "longest time between two kills; it is drawn evenly")
	flag.Uint64Var(&s.seed, "seed", 1, "of the moments and the victims")
	flag.StringVar(&s.dir, "dir", "", "folder for the databases; a temporary one, removed at the end, otherwise")
	flag.Parse()
	s.args, s.out = flag.Args(), os.Stdout
	if len(s.args) == 0 {
		fmt.Fprintln(os.Stderr, "storm: an experiment file is expected")
		os.Exit(2)
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "storm")
		if err != nil {
			fmt.Fprintln(os.Stderr, "storm:", err)
			os.Exit(2)
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	problems, err := s.run()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(2)
	case problems > 0:
		os.Exit(1)
	}
}

// storm is one storm over one experiment.
type storm struct {
	program string
	env     []string // added to the program's environment
	args    []string // of `prabench run`
	kills   int
	longest time.Duration
	seed    uint64
	dir     string
	out     io.Writer

	random                     *rand.Rand
	runners, workers, restarts int
}

// run is the whole storm; it gives the number of differences it found.
func (s *storm) run() (problems int, err error) {
	s.random = rand.New(rand.NewPCG(s.seed, 0))
	begin := time.Now()
	quiet, err := s.undisturbed()
	if err != nil {
		return 0, err
	}
	want, err := read(quiet.DB)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(s.out, "undisturbed: %d rows, %d stages, %v\n", len(want.rows), len(want.stages), time.Since(begin).Round(time.Second))
	sweeps := 0
	for s.runners+s.workers < s.kills {
		sweeps++
		w := weather{storm: s, places: s.places(fmt.Sprintf("storm%d", sweeps)), seen: map[string]bool{}}
		if err := w.sweep(); err != nil {
			return problems, err
		}
		got, err := read(w.places.DB)
		if err != nil {
			return problems, err
		}
		for _, p := range append(differences(want, got), w.lost(got)...) {
			problems++
			fmt.Fprintln(s.out, "PROBLEM:", p)
		}
		fmt.Fprintf(s.out, "sweep %d: %d rows, %d stages; so far %d kills: %d of runners, %d of workers\n",
			sweeps, len(got.rows), len(got.stages), s.runners+s.workers, s.runners, s.workers)
	}
	fmt.Fprintf(s.out, "%d kills (%d of runners, %d of workers) in %d sweeps, %d restarts, %v: %d problems\n",
		s.runners+s.workers, s.runners, s.workers, sweeps, s.restarts, time.Since(begin).Round(time.Second), problems)
	if problems == 0 {
		fmt.Fprintf(s.out,
			"0 results lost, 0 duplicated, every database equal to the undisturbed one but for times, attempts and measured speeds\n")
	}
	return problems, nil
}

func (s *storm) places(name string) engine.Places {
	return engine.Places{DB: filepath.Join(s.dir, name+".db"), Artifacts: filepath.Join(s.dir, name)}
}

// start starts a runner.
func (s *storm) start(p engine.Places, log io.Writer) (*runner, error) {
	args := append([]string{"run", "--no-figures", "--db", p.DB, "--artifacts", p.Artifacts}, s.args...)
	cmd := exec.Command(s.program, args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &runner{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its state says how it ended
		close(r.ended)
	}()
	return r, nil
}

// runner is a `prabench run`.
type runner struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (r *runner) code() int { <-r.ended; return r.cmd.ProcessState.ExitCode() }

func (s *storm) undisturbed() (engine.Places, error) {
	p := s.places("undisturbed")
	log, err := os.Create(filepath.Join(s.dir, "undisturbed.log"))
	if err != nil {
		return p, err
	}
	defer log.Close()
	r, err := s.start(p, log)
	if err != nil {
		return p, err
	}
	if code := r.code(); code != 0 {
		said, _ := os.ReadFile(log.Name())
		return p, fmt.Errorf("the undisturbed run ended with exit code %d:\n%s", code, said)
	}
	return p, nil
}

// weather is the storm over one database.
type weather struct {
	*storm
	places engine.Places
	seen   map[string]bool // attempts that ended well and were stored or left to be stored
}

// sweep runs the experiment to its end, killing until there were enough kills.
func (w *weather) sweep() error {
	log, err := os.Create(w.places.Artifacts + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	for undisturbed := 0; ; {
		r, err := w.start(w.places, log)
		if err != nil {
			return err
		}
		stormy := w.runners+w.workers < w.kills
		if stormy {
			w.kill(r)
		}
		code := r.code()
		w.restarts++
		if code == 0 {
			return nil
		}
		w.look()
		if !stormy {
			if undisturbed++; undisturbed > 5 {
				said, _ := os.ReadFile(log.Name())
				return fmt.Errorf("five undisturbed runs after the storm did not finish; the last ended with exit code %d:\n%s", code,
					said[max(0, len(said)-4000):])
			}
		}
	}
}

// kill sends kills until the runner is dead or has ended.
func (w *weather) kill(r *runner) {
	for w.runners+w.workers < w.kills {
		select {
		case <-r.ended:
			return
		case <-time.After(time.Duration(w.random.Int64N(int64(w.longest)))):
		}
		if pid := w.worker(); pid > 0 && w.random.IntN(2) == 0 {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				w.workers++
			}
			continue
		}
		if r.cmd.Process.Kill() == nil {
			w.runners++
			return
		}
	}
}

// worker is a process that is at a stage, or 0.
func (w *weather) worker() int {
	var alive []int
	for _, r := range engine.RunningNow(w.places) {
		if r.Worker.Alive() {
			alive = append(alive, r.Worker.PID)
		}
	}
	if len(alive) == 0 {
		return 0
	}
	return alive[w.random.IntN(len(alive))]
}
