package outside

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"prabench/harness/machine"
	"prabench/results/record"
)

// The test program is the program outside: with this variable set it behaves, or
// misbehaves, as its first argument says.
const role = "PRABENCH_TEST_OUTSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(role) != "" {
		os.Exit(play(os.Args[1], os.Args[len(os.Args)-1]))
	}
	grace = 300 * time.Millisecond
	os.Exit(m.Run())
}

// play reads the job and does a part; the exit code is that of the program.
func play(part, file string) int {
	var job Job
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &job)
	}
	if err != nil && part != "stay" {
		fmt.Fprintln(os.Stderr, err)
		return 9
	}
	write := func(n, size, channels int) {
		labels := make([]int32, n)
		for i := range labels {
			labels[i] = int32(i % max(job.Classes, 1))
		}
		m := Images{Size: size, Channels: channels, Pixels: make([]uint8, n*size*size*channels), Labels: labels}
		if err := Write(job.ImagesFile, m); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
	}
	child := func(session bool) {
		c := exec.Command(os.Args[0], "stay", "none")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
		if err := c.Start(); err != nil {
			os.Exit(9)
		}
	}
	switch part {
	case "good":
		fmt.Println("loading a model")
		if job.Task == Time {
			return answer(func(n int) int { return n })
		}
		fmt.Printf("{\"done\": %d}\n", job.Count)
		write(job.Count, job.Size, job.Channels)
	case "junk":
		for range 100 {
			fmt.Print("{\"done\": \"many\"}\n\x00\xff{[\n{\"progress\": 3}\n")
		}
		return play("good", file)
	case "flood":
		line := strings.Repeat("all is well ", 1000)
		for range 2000 {
			fmt.Println(line)
			fmt.Fprint(os.Stderr, line)
		}
		return play("good", file)
	case "few":
		write(job.Count-1, job.Size, job.Channels)
	case "size":
		write(job.Count, job.Size+1, job.Channels)
	case "rgba":
		write(job.Count, job.Size, 4)
	case "floats":
		n := job.Count * job.Size * job.Size * job.Channels
		return floats(job, n)
	case "no file":
	case "not an archive":
		_ = os.WriteFile(job.ImagesFile, []byte("images"), 0o644)
	case "exit":
		fmt.Fprintln(os.Stderr, "Traceback\nRuntimeError: no such layer")
		return 3
	case "hang":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		time.Sleep(time.Minute)
	case "child", "session":
		child(part == "session")
		write(job.Count, job.Size, job.Channels)
	case "stay":
		time.Sleep(time.Minute)
	case "memory", "memory of a child":
		if part == "memory of a child" {
			c := exec.Command(os.Args[0], "memory", file)
			_ = c.Run()
			return 0
		}
		held := make([]byte, 256<<20)
		for i := range held {
			held[i] = 1
		}
		time.Sleep(time.Minute)
		fmt.Println(held[len(held)-1])
	default:
		return playCalls(part, job)
	}
	return 0
}

// playCalls is play for parts in the task of timing.
func playCalls(part string, job Job) int {
	switch part {
	case "wrong answer":
		return answer(func(n int) int { return n + 1 })
	case "early":
		fmt.Println(`{"done": 4}`)
		return answer(func(n int) int { return n })
	case "ends":
		return 0
	case "about":
		_ = os.WriteFile(job.AboutFile, []byte(`{"parameters": 3}`), 0o644)
		return answer(func(n int) int { return n })
	}
	return 0
}

// floats writes an array of floats under the name of images.
func floats(job Job, n int) int {
	var b bytes.Buffer
	b.Write(Header("<f4", job.Count, job.Size, job.Size, job.Channels))
	b.Write(make([]byte, 4*n))
	f, err := os.Create(job.ImagesFile)
	if err != nil {
		return 9
	}
	z := zip.NewWriter(f)
	w, err := z.Create("arr_0.npy")
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if errors.Join(err, z.Close(), f.Close()) != nil {
		return 9
	}
	return 0
}

func answer(with func(int) int) int {
	var n int
	for {
		if _, err := fmt.Scanln(&n); err != nil {
			return 0
		}
		fmt.Printf("{\"done\": %d}\n", with(n))
	}
}

// started is a program that plays a part.
func started(ctx context.Context, t *testing.T, part, task string, limit int64) (*Running, *bytes.Buffer) {
	t.Helper()
	t.Setenv(role, "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	dir := t.TempDir()
	r, err := Start(ctx, Process{Label: "theirs", Command: []string{self, part}, Dir: dir, MemoryLimit: limit, Log: &log},
		Job{Task: task, Settings: json.RawMessage(`{"k":3}`), Count: 6, Batch: 2, Size: 4, Channels: 1, Classes: 3, Work: dir, Keep: dir,
			Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, &log
}

func outcome(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Outcome
	}
	return fmt.Sprint(err)
}

// Every way in which a program can fail to draw images has an outcome of its own and
// words that say what to do; nothing that it started stays.
func TestSamplesOfPrograms(t *testing.T) {
	for part, want := range map[string][2]string{
		"good":              {"", ""},
		"junk":              {"", ""},
		"flood":             {"", ""},
		"few":               {record.Invalid, "wrote 5 images, 6 were asked for"},
		"size":              {record.Invalid, "5×5"},
		"rgba":              {record.Invalid, "RGBA"},
		"floats":            {record.Invalid, "range of [[external]]"},
		"no file":           {record.Invalid, `wrote no file "images"`},
		"not an archive":    {record.Invalid, "not an .npz file"},
		"exit":              {record.Crash, "exit code 3: RuntimeError: no such layer"},
		"child":             {record.Invalid, "left 1 processes running"},
		"session":           {record.Invalid, "left 1 processes running"},
		"memory":            {record.OutOfMemory, "may hold 64 MiB"},
		"memory of a child": {record.OutOfMemory, "may hold 64 MiB"},
	} {
		t.Run(part, func(t *testing.T) {
			limit := int64(0)
			if strings.HasPrefix(part, "memory") {
				limit = 64 << 20
			}
			r, log := started(context.Background(), t, part, Sample, limit)
			err := r.Wait()
			if err == nil {
				_, err = r.Images(NoRange)
			}
			if want[0] == "" && err != nil || want[0] != "" && (outcome(err) != want[0] || !strings.Contains(err.Error(), want[1])) {
				t.Errorf("%s: %v", outcome(err), err)
			}
			if log.Len() > 4*keptOfEach {
				t.Errorf("the log has %d bytes", log.Len())
			}
			if part == "flood" && !strings.Contains(log.String(), "left out") {
				t.Error("the log does not say that it is shortened")
			}
			if left := machine.Descendants(os.Getpid()); len(left) > 0 {
				t.Errorf("%d processes are left", len(left))
			}
		})
	}
}

// A program that hangs ends with its context, whatever it ignores.
func TestHangingProgram(t *testing.T) {
	for _, task := range []string{Sample, Time} {
		cause := errors.New("the time is over")
		ctx, cancel := context.WithCancelCause(context.Background())
		r, _ := started(ctx, t, "hang", task, 0)
		time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
		var err error
		if task == Time {
			err = r.Draw(3)
		} else {
			err = r.Wait()
		}
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v", task, err)
		}
	}
}

// Calls are answered one by one; what is not as agreed is said.
func TestCallsOfPrograms(t *testing.T) {
	for part, want := range map[string]string{
		"good": "", "junk": "", "wrong answer": `asked for 3 images and said {"done": 4}`, "ends": "ended before its standard input did",
		"exit": "exit code 3", "about": "allowed: numbers from 0 of params, nfe",
	} {
		r, _ := started(context.Background(), t, part, Time, 0)
		err := r.Draw(3)
		if err == nil {
			err = r.Draw(1)
		}
		if err == nil && r.Peak() < 1<<20 {
			t.Errorf("%s: a peak of %d bytes", part, r.Peak())
		}
		if err == nil {
			err = r.Wait()
		}
		if err == nil {
			_, err = r.About("params", "nfe")
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", part, err)
		}
		r.Close()
	}
	r, _ := started(context.Background(), t, "early", Time, 0)
	for len(r.answers) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := r.Draw(3); outcome(err) != record.Invalid || !strings.Contains(err.Error(), "before it was asked") {
		t.Error(err)
	}
}

// The memory of GPUs is that of the program and of what it started, at its largest.
func TestMemoryOnDevice(t *testing.T) {
	t.Setenv(role, "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		known bool
		want  int64
	}{{true, 700}, {false, 0}} {
		var mu sync.Mutex
		var looks []int64
		held := func(pids []int) (int64, bool) {
			mu.Lock()
			defer mu.Unlock()
			if len(pids) < 2 { // the program alone holds less than with its child
				return 300, c.known
			}
			looks = append(looks, 700-int64(len(looks))) // the first look is the largest
			return looks[len(looks)-1], c.known
		}
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		r, err := Start(ctx, Process{Label: "theirs", Command: []string{self, "memory of a child"}, Dir: dir, Log: &bytes.Buffer{},
			OnDevice: held},
			Job{Task: Sample, Count: 1, Work: dir, Keep: dir})
		if err != nil {
			t.Fatal(err)
		}
		for enough := false; !enough; time.Sleep(time.Millisecond) {
			mu.Lock()
			enough = len(looks) >= 2
			mu.Unlock()
		}
		cancel()
		_ = r.Wait()
		if got, known := r.PeakOnDevice(); got != c.want || known != c.known {
			t.Errorf("%d bytes, known %t, want %d", got, known, c.want)
		}
		r.Close()
	}
}

func TestProgramsThatCannotStart(t *testing.T) {
	dir := t.TempDir()
	_, err := Start(context.Background(), Process{Label: "theirs", Command: []string{"./nothing"}, Dir: dir}, Job{Work: dir})
	if outcome(err) != record.Crash || !strings.Contains(err.Error(), "theirs cannot be started") {
		t.Error(err)
	}
}

// The hash is that of sha256sum's lines, and another one for other content.
func TestFilesHash(t *testing.T) {
	dir := t.TempDir()
	hash := func(content string) string {
		if err := os.WriteFile(filepath.Join(dir, "a.py"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		h, err := FilesHash(dir, `["a.py"]`)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if a, b := hash("1"), hash("2"); a == b || a != hash("1") {
		t.Error("the hash is not of the content")
	}
	if _, err := FilesHash(dir, `["b.py"]`); err == nil {
		t.Error("a file that is not there has a hash")
	}
}

// What is kept of a long text is its beginning and its end.
func TestEnds(t *testing.T) {
	var e ends
	for i := range 100_000 {
		fmt.Fprintln(&e, strconv.Itoa(i))
	}
	var b bytes.Buffer
	e.print(&b)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if lines[0] != "0" || lines[len(lines)-1] != "99999" || b.Len() > 3*keptOfEach || !strings.Contains(e.last(), "99999") ||
		!slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "left out") }) {
		t.Errorf("%d bytes, %q … %q", b.Len(), lines[0], lines[len(lines)-1])
	}
}
