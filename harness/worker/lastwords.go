package worker

import (
	"io"
	"os"
	"regexp"
	"strings"
)

// A worker that ends without a result may have said why on its standard error:
// its runtime, the C library or OpenMP did. What they say comes first, and up to
// hundreds of kilobytes of stacks and registers follow it.

// mostLastWords is how much of the end of a log is searched for the reason.
const mostLastWords = 1 << 20

// noThread is what runtimes say when they get no thread: the limit of threads
// binds, or memory for the thread's stack is missing.
var noThread = []string{"failed to create new OS thread", "pthread_create failed", "libgomp: Thread creation failed"}

// saysOutOfMemory says that the worker named memory as what it lacked.
func saysOutOfMemory(log string) bool {
	return says(log, "runtime: out of memory", "cannot allocate memory", "Cannot allocate memory", "std::bad_alloc",
		"CUDA_ERROR_OUT_OF_MEMORY",
		"fatal error: out of memory", "runtime: cannot map pages", "runtime: cannot reserve arena", "libgomp: Out of memory") ||
		addressSpace() != "" && says(log, noThread...)
}

// nullInRuntime is a fault at the null address or just behind it in the Go
// runtime's own code: in a collection, which runs on a stack of the system, or
// while a goroutine was in the runtime.
var nullInRuntime = regexp.MustCompile(`SIGSEGV: segmentation violation\nPC=\S+ m=\d+ sigcode=\d+ addr=0x[0-9a-f]{1,3}\n+` +
	`goroutine 0 [^\n]*\nruntime\.` +
	`|fatal error: unexpected signal during runtime execution\n\[signal SIGSEGV: segmentation violation code=\S+ addr=0x[0-9a-f]{1,3} `)

// runtimeMetNull says that the Go runtime died of such a fault. Parts of it use
// what the system gave them without a look at whether it gave any (the queue of
// spans of the collector of Go 1.26, mgcmark_greenteagc.go), so where a limit of
// memory is in force this is what reaching it looks like.
func runtimeMetNull(log string) bool { return nullInRuntime.MatchString(lastWords(log)) }

// says looks for what a runtime prints when it gives up.
func says(log string, signs ...string) bool {
	text := lastWords(log)
	for _, s := range signs {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// fatalLine is what the Go runtime says when it gives up, for a fault in C code
// as well: the first such line near the end of the log.
func fatalLine(log string) string {
	for line := range strings.SplitSeq(lastWords(log), "\n") {
		for _, sign := range []string{"fatal error: ", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "panic: "} {
			if strings.HasPrefix(line, sign) {
				return " (" + shorten(line, 120) + ")"
			}
		}
	}
	return ""
}

// lastLines is the end of a text file, at most n lines and 16 KiB.
func lastLines(path string, n int) string {
	lines := strings.Split(strings.TrimSpace(tail(path, 16<<10)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// lastWords is the end of a log, in which a reason is looked for.
func lastWords(path string) string { return tail(path, mostLastWords) }

// tail is the end of a file, at most so many bytes.
func tail(path string, most int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return ""
		}
	}
	b, _ := io.ReadAll(f)
	return string(b)
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
