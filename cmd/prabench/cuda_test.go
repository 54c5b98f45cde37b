//go:build cuda

package main

import (
	"database/sql"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// builtPrograms is the folder of prabench and prabench-cuda as `make` builds them.
func builtPrograms(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prabench", "prabench-cuda"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("%v; `make build cuda` makes it", err)
		}
	}
	return dir
}

// quickCut is what makes the shipped quick.toml short.
var quickCut = strings.Fields(`--only model.patch=14 --set train.steps=15 --set sample.count=40 --set metrics.samples=40
	--set data.limit=300
	--set measure.batch=4 --set measure.rounds=1 --set measure.train_steps=1 --set measure.repeat_disturbed=0 --no-figures`)

// builtBeside makes an empty folder the current one; it gives the folder of the built
// programs, which run as themselves, and the shipped quick.toml.
func builtBeside(t *testing.T) (bin, file string) {
	t.Helper()
	bin = builtPrograms(t)
	file, err := filepath.Abs("../../experiments/quick.toml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	os.Unsetenv(asProgram)
	t.Cleanup(func() { os.Setenv(asProgram, "1") })
	return bin, file
}

// The shipped experiment through both programs: prabench starts prabench-cuda
// as its worker, the rows are in SQLite, and say what the CPU's say.
func TestCUDASweep(t *testing.T) {
	bin, file := builtBeside(t)
	loss := map[string]map[string]float64{}
	for _, device := range []string{"cuda:0", "cpu"} {
		cmd := exec.Command(filepath.Join(bin, "prabench"),
			append([]string{"run", file, "--device", device, "--db", device + ".db", "--artifacts", "of-" + device}, quickCut...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			logs, _ := filepath.Glob("of-" + device + "/log/*")
			for _, l := range logs {
				b, _ := os.ReadFile(l)
				t.Logf("%s:\n%s", l, b)
			}
			t.Fatalf("%s: %v\n%s", device, err, out)
		}
		db, err := sql.Open("sqlite3", device+".db")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		rows, err := db.Query(`SELECT cell, metric, value, protocol FROM results WHERE outcome = 'ok'`)
		if err != nil {
			t.Fatal(err)
		}
		loss[device] = map[string]float64{}
		seen := map[string]int{}
		for rows.Next() {
			var cell, metric, protocol string
			var value float64
			if err := rows.Scan(&cell, &metric, &value, &protocol); err != nil {
				t.Fatal(err)
			}
			seen[metric]++
			switch {
			case metric == "train_loss":
				loss[device][cell] = value
			case device == "cuda:0" && metric == "throughput" && !strings.Contains(protocol, "CPU stand-in"):
				t.Errorf("the protocol of a throughput does not name the device: %s", protocol)
			}
		}
		rows.Close()
		for _, m := range []string{"train_loss", "fid_proxy", "throughput", "latency", "first_block_latency", "memory_model", "memory_cache",
			"memory_activations", "train_throughput"} {
			if seen[m] != 4 {
				t.Errorf("%s: %d rows of %s, want one of each of 4 cells", device, seen[m], m)
			}
		}
	}
	for cell, want := range loss["cpu"] {
		if got, ok := loss["cuda:0"][cell]; !ok || !(math.Abs(got-want) <= 1e-4*want) {
			t.Errorf("cell %s: train_loss %.9g on cuda:0, %.9g on the CPU", cell, got, want)
		}
	}
}

// A device without enough memory ends cells with oom, which the database says;
// a slow clock is reported, measured again and flagged.
func TestCUDATrouble(t *testing.T) {
	bin, file := builtBeside(t)
	args := append([]string{"run", file, "--device", "cuda:0", "--only", "model.patch=14,model.block=2,train.rollout_depth=0"},
		quickCut[2:]...)
	run := func(name string, env ...string) (text string, failed bool, db *sql.DB) {
		cmd := exec.Command(filepath.Join(bin, "prabench"), append(args, "--db", name+".db", "--artifacts", "of-"+name, "--set",
			"measure.repeat_disturbed=1")...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		db, dbErr := sql.Open("sqlite3", name+".db")
		if dbErr != nil {
			t.Fatal(dbErr)
		}
		t.Cleanup(func() { db.Close() })
		return string(out), err != nil, db
	}
	text, failed, db := run("small", "STANDIN_MEMORY=8")
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM attempt WHERE outcome = 'oom' AND reason LIKE '%out of memory%'`).Scan(&n); err != nil ||
		n == 0 || !failed {
		t.Errorf("8 MiB of memory: %d attempts ended with oom (%v), the run failed: %v\n%s", n, err, failed, text)
	}
	text, failed, db = run("slow", "STANDIN_NVML_CLOCK=500")
	if failed || !strings.Contains(text, "the device's clock was 50 % of its default") {
		t.Errorf("a clock of 500 of 1000 MHz is not told:\n%s", text)
	}
	for metric, want := range map[string][2]float64{"disturbed_rounds": {1, 1}, "device_clock_share": {0.5, 0.5}, "joules_image": {1e-9, 1e9},
		"device_power": {100, 100}} {
		var v float64
		if err := db.QueryRow(`SELECT value FROM results WHERE metric = ?`, metric).Scan(&v); err != nil || v < want[0]-1e-9 || v > want[1]+1e-9 {
			t.Errorf("%s is %v (%v), want %v", metric, v, err, want)
		}
	}
}

// Two devices train a cell together, their sums by NCCL, which the row of the time says;
// without it the same losses come through the host.
func TestCUDADevices(t *testing.T) {
	bin, file := builtBeside(t)
	args := append([]string{"run", file, "--device", "cuda", "--set", "measure.devices=2", "--only",
		"model.patch=14,model.block=2,train.rollout_depth=0"}, quickCut[2:]...)
	loss := map[string]float64{}
	for way, env := range map[string]string{
		"NCCL 2.21.5 of 2 devices": "", "through the host (PRABENCH_CUDA_NO_NCCL=1)": "PRABENCH_CUDA_NO_NCCL=1",
	} {
		cmd := exec.Command(filepath.Join(bin, "prabench"), append(args, "--db", "of"+env+".db", "--artifacts", "of"+env)...)
		cmd.Env = append(os.Environ(), "STANDIN_DEVICES=2", env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		db, err := sql.Open("sqlite3", "of"+env+".db")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var protocol string
		if err := db.QueryRow(`SELECT protocol FROM results WHERE metric = 'train_seconds'`).Scan(&protocol); err != nil ||
			!strings.Contains(protocol, way) {
			t.Errorf("%q: %v, the protocol of a training's time is %s", env, err, protocol)
		}
		var v float64
		if err := db.QueryRow(`SELECT value FROM results WHERE metric = 'train_loss'`).Scan(&v); err != nil {
			t.Error(err)
		}
		loss[way] = v
	}
	for way, v := range loss {
		for _, other := range loss {
			if v == 0 || v != other {
				t.Errorf("%s: train_loss %.9g, otherwise %.9g: the stand-in adds up as the host does", way, v, other)
			}
		}
	}
}
