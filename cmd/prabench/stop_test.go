package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

// waiting starts the program, lets it come to its wait, signals it, and gives how long
// it took to end, its code and what it said.
func waiting(t *testing.T, sig syscall.Signal, env []string, begun func(said string) bool, args ...string) (time.Duration, int, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), env...)
	var said lockedText
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	waitFor(t, fmt.Sprintf("%v to wait: %s", args, said.String()), func() bool { return begun(said.String()) })
	since := time.Now()
	cmd.Process.Signal(sig)
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("%v goes on for 20 s after %v: %s", args, sig, said.String())
	}
	return time.Since(since), cmd.ProcessState.ExitCode(), said.String()
}

// soon is a second, and what a loaded machine takes to run a process that may.
const soon = 3 * time.Second

// A command that waits ends soon after each signal, with the code of what was stopped
// and a word on how to go on.
func TestStoppedWhileWaiting(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for processes: some seconds")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	calls := make(chan net.Conn, 9)
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			calls <- c
		}
	}()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run("locked database "+sig.String(), func(t *testing.T) {
			here(t)
			must(t, "run tiny.toml --no-figures --only train.rollout_depth=0 --set measure.rounds=0 --set train.steps=2")
			db, err := sql.Open("sqlite3", "results.db?_txlock=immediate")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			begin := time.Now()
			took, code, said := waiting(t, sig, nil, func(string) bool {
				_, err := os.Stat(".prabench/lock")
				return time.Since(begin) > 2*time.Second && err == nil
			}, "run", "tiny.toml", "--no-figures")
			if took > soon || code != exitFailed || !strings.Contains(said, "to go on: prabench run tiny.toml --no-figures") ||
				strings.Contains(said, "context canceled") {
				t.Errorf("%v, exit code %d: %s", took, code, said)
			}
		})
		t.Run("a server that does not answer "+sig.String(), func(t *testing.T) {
			here(t)
			folder := t.TempDir()
			env := []string{"GOPROXY=http://" + silent.Addr().String(), "GOMODCACHE=" + folder + "/mod", "GOCACHE=" + folder + "/build",
				"XDG_CACHE_HOME=" + folder, "GOFLAGS=-modcacherw"}
			took, code, said := waiting(t, sig, env, func(string) bool {
				select {
				case c := <-calls:
					t.Cleanup(func() { c.Close() })
					return true
				default:
					return false
				}
			}, "data", "fetch", "mnist", "--root", folder+"/mnist")
			if took > soon || code != exitFailed || !strings.Contains(said, "to go on: prabench data fetch mnist") {
				t.Errorf("%v, exit code %d: %s", took, code, said)
			}
		})
		t.Run("an open page "+sig.String(), func(t *testing.T) {
			here(t)
			page := ""
			took, code, said := waiting(t, sig, nil, func(said string) bool {
				line, err := bufio.NewReader(strings.NewReader(said)).ReadString('\n')
				if page = strings.TrimSpace(line); err != nil || !strings.HasPrefix(page, "http://") {
					return false
				}
				reply, err := http.Get(page + "events") // which goes on
				return err == nil && reply.StatusCode == http.StatusOK
			}, "serve", "tiny.toml", "--listen", "127.0.0.1:0")
			if took > soon || code != exitOK {
				t.Errorf("%v, exit code %d: %s", took, code, said)
			}
		})
		t.Run("measuring "+sig.String(), func(t *testing.T) {
			t.Chdir(t.TempDir())
			begin := time.Now()
			took, code, said := waiting(t, sig, nil, func(string) bool { return time.Since(begin) > time.Second }, "bench")
			if took > soon || code != exitFailed || !strings.Contains(said, "to go on: prabench bench") {
				t.Errorf("%v, exit code %d: %s", took, code, said)
			}
		})
	}
}

// lockedText is what a process says, read while it says more.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
