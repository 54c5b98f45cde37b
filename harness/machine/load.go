package machine

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Load is what else ran on this machine between two looks.
type Load struct {
	Wall    time.Duration
	Foreign float64 // processors that others kept busy, on average
	Worst   float64 // the same in the worst second
	Steal   float64 // processors that the host took away, on average
	// Frequency is the mean clock of the processors in Hz; 0 where the system
	// does not say.
	Frequency float64
}

// Watch looks at the machine while this process measures.
type Watch struct {
	tree        bool // what this process started is its own work, while it runs
	begin, last reading
	worst       float64
	clocks      []float64
	stop, done  chan struct{}
}

// reading is one look: seconds of processor time since boot, and this
// process's own.
type reading struct {
	at                time.Time
	busy, stolen, own float64
}

// StartWatch begins to look, once a second. Nil means that the system does not
// say what its processors do.
func StartWatch() *Watch { return startWatch(false) }

// StartWatchWithChildren is StartWatch for a process whose work is done by those
// that it starts.
func StartWatchWithChildren() *Watch { return startWatch(true) }

func startWatch(tree bool) *Watch {
	first, ok := look(tree)
	if !ok {
		return nil
	}
	w := &Watch{tree: tree, begin: first, last: first, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-t.C:
				w.see()
			}
		}
	}()
	return w
}

func (w *Watch) see() {
	now, ok := look(w.tree)
	if !ok {
		return
	}
	w.worst = max(w.worst, foreign(w.last, now))
	w.last = now
	if hz := frequency("/sys/devices/system/cpu"); hz > 0 {
		w.clocks = append(w.clocks, hz)
	}
}

// Stop ends the watch and gives what it saw; ok is false for a nil watch.
func (w *Watch) Stop() (l Load, ok bool) {
	if w == nil {
		return l, false
	}
	close(w.stop)
	<-w.done
	if time.Since(w.last.at) > 300*time.Millisecond || w.last == w.begin {
		w.see() // a shorter rest would be judged by a few clock ticks
	}
	now := w.last
	l.Wall = now.at.Sub(w.begin.at)
	if l.Wall <= 0 {
		return l, true
	}
	l.Foreign = foreign(w.begin, now)
	l.Worst = max(w.worst, l.Foreign)
	l.Steal = max(0, (now.stolen-w.begin.stolen)/l.Wall.Seconds())
	for _, hz := range w.clocks {
		l.Frequency += hz / float64(len(w.clocks))
	}
	return l, true
}

// foreign is the number of processors that other processes kept busy between
// two looks. Ticks of the system's clock round it both ways; less than nothing
// is nothing.
func foreign(a, b reading) float64 {
	wall := b.at.Sub(a.at).Seconds()
	if wall <= 0 {
		return 0
	}
	return max(0, (b.busy-a.busy-(b.own-a.own))/wall)
}

func look(tree bool) (reading, bool) {
	r := reading{at: time.Now()}
	f, err := os.Open("/proc/stat")
	if err != nil {
		return r, false
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	busy, stolen, ok := processors(line)
	r.busy, r.stolen = busy, stolen
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			r.own += time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
		}
	}
	if tree {
		r.own += spentBy(Descendants(os.Getpid()))
	}
	return r, ok
}

// ticks a second in /proc/stat: fixed for user space on every Linux that Go
// runs on.
const ticks = 100

// processors reads the first line of /proc/stat: user nice system idle iowait
// irq softirq steal. Time of guests is in user already.
func processors(line string) (busy, stolen float64, ok bool) {
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, 0, false
	}
	for i, at := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseFloat(f[at], 64)
		if err != nil {
			return 0, 0, false
		}
		if i == 5 {
			stolen = n / ticks
		} else {
			busy += n / ticks
		}
	}
	return busy, stolen, busy > 0 // some sandboxes show zeros
}

// frequency is the mean clock in Hz of the processors whose clock is known.
func frequency(dir string) float64 {
	files, _ := filepath.Glob(filepath.Join(dir, "cpu[0-9]*", "cpufreq", "scaling_cur_freq"))
	var sum float64
	n := 0
	for _, f := range files {
		if khz, err := strconv.ParseFloat(firstLine(f), 64); err == nil {
			sum += khz * 1000
			n++
		}
	}
	return sum / float64(max(n, 1))
}
