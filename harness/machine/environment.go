// Package machine looks at the computer that measures: what it is, what it is
// busy with, how much memory this process has taken.
//
// Its principle is that a number without its machine is gossip. Everything is read
// from the system's own files; what cannot be read is left empty, never
// guessed, and no run fails for it.
package machine

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"prabench/internal/gitenv"
	"prabench/models/gemm"
	"prabench/results/record"
)

// Environment is the record that every attempt of a run carries. threads is
// how many the run was given, 0 for all.
func Environment(threads int) record.Environment {
	lib := gemm.Loaded()
	e := record.Environment{
		CPU: cpuModel("/proc/cpuinfo"), Cores: runtime.NumCPU(), Threads: threads,
		MemoryBytes: Memory().Total,
		OS:          osName("/etc/os-release"), Kernel: firstLine("/proc/sys/kernel/osrelease"),
		Go: runtime.Version(), GEMM: lib.Name,
		GPU: gpus("/proc/driver/nvidia"), Driver: driver("/proc/driver/nvidia/version"),
		Extra: map[string]string{"arch": runtime.GOARCH},
	}
	if e.GitRevision, e.GitDirty = revision(); e.GitDirty || e.GitRevision == "" {
		// Two builds of changed or unknown source are not the same program.
		e.GitRevision = strings.Trim(e.GitRevision+"."+programHash(), ".")
	}
	return e
}

// revision is what the program was built from: the stamp of `go build`, else
// what git says about the module's folder when this is one, else nothing.
func revision() (rev string, dirty bool) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				rev = s.Value
			case "vcs.modified":
				dirty = s.Value == "true"
			}
		}
	}
	if rev != "" {
		return rev, dirty
	}
	exe, _ := os.Executable()
	wd, _ := os.Getwd()
	dir := sourceDir(exe, wd)
	if dir == "" {
		return "", false
	}
	out, err := git(dir, "rev-parse", "HEAD")
	if err != nil {
		return "", false
	}
	changed, err := git(dir, "status", "--porcelain", "--untracked-files=no")
	return strings.TrimSpace(string(out)), err != nil || len(bytes.TrimSpace(changed)) > 0
}

func git(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = gitenv.Clean("GIT_OPTIONAL_LOCKS=0") // only look
	cmd.WaitDelay = 5 * time.Second
	return cmd.Output()
}

// sourceDir is the folder of this module's source that a program was built from, as far
// as its place tells: beside or below go.mod, or the current folder of what the go
// command builds and runs in one go. A program that lies elsewhere may be of any source.
func sourceDir(exe, wd string) string {
	starts := []string{filepath.Dir(exe)}
	if strings.Contains(exe, "/go-build") {
		starts = append(starts, wd)
	}
	for _, dir := range starts {
		for {
			if b, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
				if bytes.HasPrefix(b, []byte("module prabench\n")) {
					return dir
				}
				break
			}
			up := filepath.Dir(dir)
			if up == dir {
				break
			}
			dir = up
		}
	}
	return ""
}

func cpuModel(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var vendor, family, number string
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "model name", "Model":
			// A virtual machine's name can be as vague as "AMD EPYC": family and
			// model number tell generations apart.
			if number != "" {
				return value + " (family " + family + ", model " + number + ")"
			}
			return value
		case "vendor_id":
			vendor = value
		case "cpu family":
			family = value
		case "model":
			number = value
		}
	}
	return vendor
}

func osName(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return runtime.GOOS
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			if name, err := strconv.Unquote(v); err == nil {
				return name
			}
			return v
		}
	}
	return runtime.GOOS
}

func firstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// gpus names the graphics devices the driver lists, equal ones counted.
func gpus(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "gpus", "*", "information"))
	var names []string
	count := map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(b), "\n") {
			if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "Model" {
				name := strings.TrimSpace(value)
				if count[name]++; count[name] == 1 {
					names = append(names, name)
				}
			}
		}
	}
	for i, n := range names {
		if count[n] > 1 {
			names[i] = strconv.Itoa(count[n]) + " × " + n
		}
	}
	return strings.Join(names, ", ")
}

// driver is the version of NVIDIA's kernel module.
func driver(path string) string {
	for _, field := range strings.Fields(firstLine(path)) {
		if field[0] >= '0' && field[0] <= '9' && strings.Contains(field, ".") {
			return field
		}
	}
	return ""
}

// programHash is the first 8 hex digits of the running program's SHA-256.
var programHash = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
})
