package outside

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"prabench/harness/machine"
	"prabench/results/record"
)

// Tasks of a program.
const (
	Sample = "sample" // draw Count images into the file Images, and end
	Time   = "time"   // draw as many as each line of the standard input says, until it ends
)

// Job is what a program is asked for: the content of the file whose path is the
// last argument of its command.
type Job struct {
	Version    int             `json:"version"` // 1
	Task       string          `json:"task"`
	Settings   json.RawMessage `json:"settings"` // as in the experiment file
	Seed       uint64          `json:"seed"`
	Count      int             `json:"count,omitempty"`
	Batch      int             `json:"batch"`
	Size       int             `json:"size"`
	Channels   int             `json:"channels"`
	Classes    int             `json:"classes"`
	ClassNames []string        `json:"class_names,omitempty"`
	Device     string          `json:"device"`
	Precision  string          `json:"precision"`
	Threads    int             `json:"threads"`
	Data       string          `json:"data,omitempty"` // .npz of the training images and their classes, where asked for
	Keep       string          `json:"keep"`           // a folder that later attempts and the timing find again
	Work       string          `json:"work"`           // a folder of this attempt alone
	ImagesFile string          `json:"images"`         // where the images are to be written: .npz, or .npy under the same name
	AboutFile  string          `json:"about"`          // where numbers about the model may be written
}

// Process is how a program is run.
type Process struct {
	Label       string
	Command     []string
	Dir         string
	MemoryLimit int64                                      // bytes of all its processes; 0 = none
	Log         io.Writer                                  // gets what it prints when it has ended, shortened
	OnDevice    func(pids []int) (bytes int64, known bool) // memory of GPUs that processes hold; may be nil
	Said        func(done int)
}

// Fault is what a program did wrong.
type Fault struct {
	Outcome string // one of record's
	Reason  string
}

func (f *Fault) Error() string { return f.Reason }

func fault(outcome, format string, args ...any) error {
	return &Fault{outcome, fmt.Sprintf(format, args...)}
}

// Running is a program at work.
type Running struct {
	Process
	job     Job
	ctx     context.Context
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan int
	log     ends
	over    chan struct{} // it has ended, and what it printed is read
	exit    error
	watched sync.WaitGroup

	mu       sync.Mutex
	peak     int64
	onDevice int64 // peak of the GPUs' memory
	known    bool  // it was ever said
	asked    time.Time
	killed   error // why it was killed
	closed   bool
}

// grace is how long a program has to end after it was asked to, and what it
// started after the program itself.
var grace = 2 * time.Second

// askDevice is how often the GPUs' memory is looked at: its library takes a while.
const askDevice = 100 * time.Millisecond

// Start starts the program. The context's end stops it.
func Start(ctx context.Context, p Process, job Job) (*Running, error) {
	job.Version = 1
	job.ImagesFile, job.AboutFile = filepath.Join(job.Work, "images.npz"), filepath.Join(job.Work, "about.json")
	raw, err := json.MarshalIndent(job, "", " ")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(job.Work, "job.json")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		return nil, err
	}
	if err := machine.AdoptOrphans(); err != nil {
		return nil, err
	}
	words := slices.Clone(p.Command)
	if strings.ContainsRune(words[0], '/') && !filepath.IsAbs(words[0]) {
		words[0] = filepath.Join(p.Dir, words[0])
	}
	r := &Running{Process: p, job: job, ctx: ctx, answers: make(chan int, 1), over: make(chan struct{})}
	r.cmd = exec.Command(words[0], append(words[1:], file)...)
	r.cmd.Dir = p.Dir
	r.cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	for _, name := range []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
		r.cmd.Env = append(r.cmd.Env, fmt.Sprintf("%s=%d", name, max(1, job.Threads)))
	}
	return r, r.start()
}

func (r *Running) start() (err error) {
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return err
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	errs, theirErrs, err := os.Pipe()
	if err != nil {
		return err
	}
	r.cmd.Stdout, r.cmd.Stderr = theirs, theirErrs
	err = r.cmd.Start()
	theirs.Close()
	theirErrs.Close()
	if err != nil {
		out.Close()
		errs.Close()
		return fault(record.Crash, "%s cannot be started: %v", r.Label, err)
	}
	var read sync.WaitGroup
	read.Go(func() { r.listen(out); out.Close() })
	read.Go(func() { _, _ = io.Copy(&r.log, errs); errs.Close() })
	ended := make(chan struct{})
	r.watched.Go(func() { r.watch(ended) })
	go func() {
		r.exit = r.cmd.Wait()
		close(ended)
		r.watched.Wait() // what it left behind is gone, and with it the writers of its pipes
		read.Wait()
		close(r.over)
	}()
	return nil
}

// watch looks at the memory of all the program's processes and ends them when the
// context does or they hold too much.
func (r *Running) watch(ended chan struct{}) {
	tree := &machine.Tree{Root: os.Getpid()}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	stop := r.ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case <-ended:
			r.sweep()
			return
		case <-look.C:
			r.see(tree)
		case <-stop:
			stop = nil
			r.kill(context.Cause(r.ctx), syscall.SIGTERM)
			late = time.After(grace)
		case <-late:
			r.kill(nil, syscall.SIGKILL)
		}
	}
}

func (r *Running) see(tree *machine.Tree) {
	held := tree.Resident()
	own := machine.PeakOf(r.cmd.Process.Pid)
	r.mu.Lock()
	r.peak = max(r.peak, held, own)
	if r.OnDevice != nil && time.Since(r.asked) > askDevice {
		if held, known := r.OnDevice(machine.Descendants(os.Getpid())); known {
			r.onDevice, r.known = max(r.onDevice, held), true
		}
		r.asked = time.Now()
	}
	r.mu.Unlock()
	if r.MemoryLimit > 0 && held > r.MemoryLimit {
		r.kill(fault(record.OutOfMemory, "%s and what it started held %s and may hold %s (measure.memory_limit): killed", r.Label,
			machine.Size(held), machine.Size(r.MemoryLimit)), syscall.SIGKILL)
	}
}

// kill signals every process of the program; the first reason counts.
func (r *Running) kill(why error, s syscall.Signal) {
	r.mu.Lock()
	if r.killed == nil {
		r.killed = why
	}
	r.mu.Unlock()
	for _, pid := range machine.Descendants(os.Getpid()) {
		_ = syscall.Kill(pid, s)
	}
}

// sweep ends what the program left running. A moment is given to helpers that end by
// themselves when the program has.
func (r *Running) sweep() {
	var left []int
	began := time.Now()
	for r.ctx.Err() == nil {
		if left = machine.Descendants(os.Getpid()); len(left) == 0 || time.Since(began) > grace {
			break
		}
		collect()
		time.Sleep(20 * time.Millisecond)
	}
	if len(left) > 0 {
		var names []string
		for _, pid := range left {
			names = append(names, machine.NameOf(pid))
		}
		r.kill(fault(record.Invalid, "%s ended and left %d processes running (%.100s), which were killed: let it wait for what it starts",
			r.Label, len(left), strings.Join(names, ", ")), syscall.SIGKILL)
	}
	for range 100 { // what is killed may have started more
		collect()
		if left = machine.Descendants(os.Getpid()); len(left) == 0 {
			return
		}
		r.kill(nil, syscall.SIGKILL)
		time.Sleep(10 * time.Millisecond)
	}
}

// collect takes leave of adopted processes that have ended.
func collect() {
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}

// said is a line of a program's standard output that is an answer.
type said struct {
	Done *int `json:"done"`
}

// listen takes {"done": n} as progress or as an answer; everything else is for the log.
func (r *Running) listen(out io.Reader) {
	in := bufio.NewReaderSize(out, 64<<10)
	for {
		line, err := in.ReadSlice('\n')
		var s said
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] == '{' && json.Unmarshal(text, &s) == nil && s.Done != nil {
			r.answer(*s.Done)
		} else {
			_, _ = r.log.Write(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (r *Running) answer(n int) {
	if r.job.Task == Sample {
		if r.Said != nil {
			r.Said(n)
		}
		return
	}
	select {
	case r.answers <- n:
	default: // more answers than questions: the next question is answered wrongly, and told so
	}
}

// Draw asks for n images and waits until they are drawn.
func (r *Running) Draw(n int) error {
	select {
	case early := <-r.answers:
		return fault(record.Invalid, "%s said {\"done\": %d} before it was asked: one answer a line of the standard input", r.Label, early)
	default:
	}
	if _, err := fmt.Fprintf(r.in, "%d\n", n); err != nil {
		return r.early(err)
	}
	select {
	case done := <-r.answers:
		if done != n {
			return fault(record.Invalid, "%s was asked for %d images and said {\"done\": %d}", r.Label, n, done)
		}
		return nil
	case <-r.over:
		return r.early(nil)
	}
}

// early is why a program ended while it was still needed.
func (r *Running) early(err error) error {
	if wrong := r.Wait(); wrong != nil {
		return wrong
	}
	return fault(record.Invalid, "%s ended before its standard input did (%v); in the task \"time\" it draws as many images as each line "+
		"says and then prints {\"done\": n}", r.Label, err)
}

// Peak is the largest number of bytes that the program's processes had resident, all
// together.
func (r *Running) Peak() int64 {
	r.see(&machine.Tree{Root: os.Getpid()})
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.peak
}

// PeakOnDevice is the largest number of bytes of GPUs that the program's processes
// held, all together, and whether it is known.
func (r *Running) PeakOnDevice() (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.onDevice, r.known
}

// Wait lets the program end and says what was wrong with how it did: a *[Fault] or
// the context's cause.
func (r *Running) Wait() error {
	_ = r.in.Close()
	<-r.over
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		r.log.print(r.Log)
	}
	switch {
	case r.killed != nil:
		return r.killed
	case r.exit != nil:
		how := strings.Replace(r.exit.Error(), "exit status", "with exit code", 1)
		return fault(record.Crash, "%s ended %s%s", r.Label, how, r.log.last())
	}
	return nil
}

// Close ends the program if it still runs, and removes the attempt's folder.
func (r *Running) Close() {
	select {
	case <-r.over:
	default:
		r.kill(errors.New("no longer needed"), syscall.SIGKILL)
		_ = r.Wait()
	}
	_ = os.RemoveAll(r.job.Work)
}

// Images reads the images that the program has written: exactly as many as were asked
// for.
func (r *Running) Images(floats Range) (*Set, error) {
	path := r.job.ImagesFile
	if _, err := os.Stat(path); err != nil {
		path = strings.TrimSuffix(path, "z") + "y"
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fault(record.Invalid, "%s ended as if all were well and wrote no file %q of its job", r.Label, "images")
	}
	s, err := Read(path, Want{Size: r.job.Size, Channels: r.job.Channels, Floats: floats})
	if err != nil {
		text := strings.ReplaceAll(err.Error(), path, "images")
		return nil, fault(record.Invalid, "%s: %s", r.Label, strings.ReplaceAll(text, "--range", "range of [[external]]"))
	}
	if s.N != r.job.Count {
		return nil, fault(record.Invalid, "%s wrote %d images, %d were asked for (count)", r.Label, s.N, r.job.Count)
	}
	if i := slices.IndexFunc(s.Labels, func(l int32) bool { return int(l) >= r.job.Classes }); i >= 0 {
		return nil, fault(record.Invalid, "%s: arr_1: label %d is %d, the data set has the classes 0 to %d", r.Label, i, s.Labels[i],
			r.job.Classes-1)
	}
	return s, nil
}

// About reads the numbers that the program told of its model, if it did: some of
// those of the names.
func (r *Running) About(names ...string) (map[string]float64, error) {
	raw, err := os.ReadFile(r.job.AboutFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out := map[string]float64{}
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return nil, fault(record.Invalid, "%s: its file %q is no JSON object of numbers: %v", r.Label, "about", err)
	}
	for name, v := range out {
		if !slices.Contains(names, name) || v < 0 || math.IsInf(v, 0) {
			return nil, fault(record.Invalid, "%s: its file %q has %s = %g; allowed: numbers from 0 of %s", r.Label, "about", name, v,
				strings.Join(names, ", "))
		}
	}
	return out, nil
}

// FilesHash is the SHA-256 of the lines that sha256sum would write of files in a
// folder; paths is a JSON array.
func FilesHash(dir, paths string) (string, error) {
	var names []string
	if err := json.Unmarshal([]byte(paths), &names); err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range names {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, name)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s  %s\n", sumOf(raw), name)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ends keeps the beginning and the end of what is written to it.
type ends struct {
	mu         sync.Mutex
	head, tail []byte
	total      int64
}

const keptOfEach = 32 << 10

func (e *ends) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total += int64(len(p))
	rest := p
	if room := keptOfEach - len(e.head); room > 0 {
		n := min(room, len(rest))
		e.head, rest = append(e.head, rest[:n]...), rest[n:]
	}
	e.tail = append(e.tail, rest...)
	if len(e.tail) > 2*keptOfEach {
		e.tail = append(e.tail[:0], e.tail[len(e.tail)-keptOfEach:]...)
	}
	return len(p), nil
}

func (e *ends) print(w io.Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = w.Write(e.head)
	tail := e.tail[max(0, len(e.tail)-keptOfEach):]
	if left := e.total - int64(len(e.head)+len(tail)); left > 0 {
		fmt.Fprintf(w, "\n… %s left out …\n", machine.Size(left))
	}
	_, _ = w.Write(tail)
}

// last is the last line, in brackets.
func (e *ends) last() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(append(slices.Clone(e.head), e.tail...))), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	if line == "" {
		return ""
	}
	return fmt.Sprintf(": %.200s", line)
}
