package slurm

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/models/pra"
)

var update = flag.Bool("update", false, "write the golden scripts again")

// prologue writes a file and gives its path.
func prologue(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.sh")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScriptsOfSites compares scripts for a cluster with modules, for containers,
// and for seven small trainings of which three share a task.
func TestScriptsOfSites(t *testing.T) {
	modules := "#!/bin/bash -l\n#SBATCH --mail-type=FAIL\n# data on the node's own disk\nmodule load gcc/12 cuda/12.6\n#SBATCH --tmp=50G\n" +
		"export PRABENCH_DATA=\"$TMPDIR/data\"\nmkdir -p \"$PRABENCH_DATA\" && cp -r /shared/data/mnist \"$PRABENCH_DATA/\"\n"
	ranks := map[string]int{"several": 4}
	for name, o := range map[string]Options{
		"modules":   {Prologue: prologue(t, modules), CPUs: 8, Gres: "gpu:1", Mem: "32G"},
		"container": {Wrap: `apptainer exec --nv --bind "/scratch/a b" 'it'"'"'s.sif'`, Gres: "gpu:1"},
		"packed":    {Pack: 3, CPUs: 4, Gres: "gpu:3", Concurrent: 2},
		"several":   {CPUs: 6, Gres: "gpu:h100,tmpdisk:50"}, // GPUs a training
	} {
		t.Run(name, func(t *testing.T) {
			if err := o.Check(); err != nil {
				t.Fatal(err)
			}
			at, err := o.site()
			if err != nil {
				t.Fatal(err)
			}
			all := items("train a", "train b", "train c", "train d", "train e", "train f", "train g", "time m: train a")
			for _, it := range all {
				it.Settings = &stage.Settings{Params: pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()}}
				it.Settings.Measure.Devices = ranks[name]
			}
			s := &Submission{Name: "small", Artifacts: "/shared/art", Folder: "/shared/here"}
			s.Program.Path = "/shared/art/program/0f/prabench"
			s.Arrays = arrange(all, func(string) (string, bool) { return "", false }, 100)
			if err := o.enough(s.Arrays); err != nil {
				t.Fatal(err)
			}
			s.pack(o.Pack)
			text := ""
			for i := range s.Arrays {
				text += script(s, &s.Arrays[i], "0123456789ab", strings.Repeat("ab", 32), o, at) + "\n"
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text); diff != "" {
				t.Error(diff)
			}
			if out, err := exec.Command("sh", "-n", "-c", text).CombinedOutput(); err != nil {
				t.Errorf("a shell cannot read it: %v %s", err, out)
			}
		})
	}
}

// TestTooFewGPUs refuses fewer than one training needs, which would wait for ever.
func TestTooFewGPUs(t *testing.T) {
	train := item("train a")
	train.Settings = &stage.Settings{Params: pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()}}
	train.Settings.Measure.Devices = 4
	arrays := arrange([]*engine.Item{train}, func(string) (string, bool) { return "", false }, 100)
	for gres, want := range map[string]bool{"gpu:4": true, "gpu": true, "": true, "gpu:h100:8": true, "tmpdisk:1": true, "gpu:2": false,
		"tmpdisk:9,gpu:a100:1": false} {
		err := Options{Gres: gres}.enough(arrays)
		if want != (err == nil) || err != nil && !strings.Contains(err.Error(), "measure.devices = 4") {
			t.Errorf("--gres %s: %v", gres, err)
		}
	}
	for in, want := range map[string]string{"gpu": "gpu:4", "gpu:h100": "gpu:h100:4", "gpu:2": "gpu:2", "": "", "a:1,gpu": "a:1,gpu:4"} {
		if got := counted(in, 4); got != want {
			t.Errorf("%s: %s, not %s", in, got, want)
		}
		if got := counted(in, 1); got != in {
			t.Errorf("%s for one: %s", in, got)
		}
	}
}

// TestProcessors holds that each process of a training has its threads, once.
func TestProcessors(t *testing.T) {
	for _, c := range []struct{ threads, devices, pack, least, want int }{
		{1, 1, 0, 0, 1}, {3, 1, 0, 0, 3}, {3, 2, 0, 0, 6}, {2, 4, 3, 0, 24}, {2, 2, 0, 8, 16},
	} {
		train := item("train a")
		p := pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()}
		p.Train.Threads = c.threads
		train.Settings = &stage.Settings{Params: p}
		train.Settings.Measure.Devices = c.devices
		train.Settings.Measure.Device = "cpu"
		a := arrange([]*engine.Item{train}, func(string) (string, bool) { return "", false }, 100)[0]
		a.Pack = c.pack
		if got := processors(&a, c.least); got != c.want {
			t.Errorf("%+v: %d processors", c, got)
		}
	}
}

// TestPackedTasks holds that each stage is in one task, and those that build on each
// other at the same place.
func TestPackedTasks(t *testing.T) {
	s := &Submission{Arrays: arrange(items("train a", "train b", "train c", "sample x: train a", "sample y: train c", "time m: train c"),
		func(string) (string, bool) { return "", false }, 100)}
	s.pack(2)
	got := map[string]string{}
	for i := range s.Arrays {
		a := &s.Arrays[i]
		for p := range 3 {
			for _, task := range a.Packed(p) {
				got[a.Name] += " " + task.Key + "@" + string(rune('0'+p))
			}
		}
		got[a.Name] += " as " + indices(a, 0)
	}
	want := map[string]string{"train": " a@0 b@0 c@1 as 0-1", "sample": " x@0 y@1 as 0-1", "time": " m@2 as 2"}
	if s.Arrays[2].Corresponds == "train" {
		// What is measured stays alone, and Slurm pairs tasks of equal index: it has to wait for all.
		t.Error("a timing waits for the task of its own index, which holds other trainings")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPrologueRefused(t *testing.T) {
	for text, want := range map[string]string{
		"module load gcc\r\n":                    "line 1: it has a carriage return",
		"#!/usr/bin/python3\n":                   "line 1: /usr/bin/python3 is no shell",
		"true\n#SBATCH --array=0-3\n":            "line 2: \"#SBATCH --array=0-3\": prabench sets this one",
		"#SBATCH --mem=1G --signal=KILL@9\n":     "line 1: \"#SBATCH --mem=1G --signal=KILL@9\": prabench sets this one",
		"#SBATCH -n4\n":                          "prabench sets this one: a task is one process",
		"#SBATCH -c 4\n":                         "use --cpus",
		"#SBATCH mem=1G\n":                       "an option begins with -",
		"#SBATCH\n":                              "an option follows",
		"#SBATCH --comment=\"half\n":             "the quotation mark \" is not closed",
		"if true; then\n  module load gcc\n":     "/bin/sh cannot read it",
		strings.Repeat("# long\n", 20000) + "\n": "at most 64 KiB",
	} {
		o := Options{Prologue: prologue(t, text)}
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), o.Prologue) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if err := (Options{Prologue: "/nowhere/site.sh"}).Check(); err == nil || !strings.Contains(err.Error(), "/nowhere/site.sh") {
		t.Errorf("%v", err)
	}
	good := "#SBATCH --mail-type=FAIL # -n4 is a comment\n#SBATCH -p main --comment='-n4 --array'\n##SBATCH --array=1\ncd /tmp\n"
	if err := (Options{Prologue: prologue(t, good)}).Check(); err != nil {
		t.Error(err)
	}
	for _, o := range []Options{{Pack: -1}, {Pack: 5000}, {CPUs: -1}, {Wrap: "run $IMAGE"}, {Wrap: "run; reboot"}, {Wrap: "run `id`"},
		{Wrap: "run 'half"}, {Wrap: "a\nb"}, {Wrap: "run > file"}, {Wrap: "run *.sif"}} {
		if o.Check() == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

// TestWords holds that no sign of a word reaches a shell.
func TestWords(t *testing.T) {
	in := `apptainer exec --bind '/a;b:$(id)' "" "it's" img.sif`
	got, err := words(in)
	want := []string{"apptainer", "exec", "--bind", "/a;b:$(id)", "", "it's", "img.sif"}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q, %v", got, err)
	}
	line := "printf '%s\\n'"
	for _, w := range got {
		line += " " + quoted(w)
	}
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil || string(out) != strings.Join(want, "\n")+"\n" {
		t.Errorf("a shell makes %q of it, %v", out, err)
	}
}

// TestWrappedTask runs the end of a script: signals reach the program behind a
// wrapper, its exit code is the script's, and the one that asks for it puts the task
// back into the queue.
func TestWrappedTask(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("scontrol", "#!/bin/sh\necho \"$@\" >"+dir+"/called\n")
	program := write("program", "#!/bin/sh\necho \"$@\" >"+dir+"/words\ntrap 'exit 75' USR2\ntrap 'exit 4' TERM\n"+
		"touch "+dir+"/ready\nn=0\nwhile [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done\n")
	wrapper := write("wrapper", "#!/bin/sh\nexec \"$@\"\n")
	for _, shell := range []string{"sh", "bash"} {
		for _, c := range []struct {
			signal syscall.Signal
			code   int
			called string
		}{{syscall.SIGUSR2, 0, "requeue 7\n"}, {syscall.SIGTERM, 4, ""}} {
			_ = os.Remove(filepath.Join(dir, "ready"))
			_ = os.Remove(filepath.Join(dir, "called"))
			s := site{wrap: []string{wrapper}}
			cmd := exec.Command(shell, write("script", "set -e\n"+s.start(program+" task 'a b'")))
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "SLURM_JOB_ID=7"}
			if err := cmd.Start(); err != nil {
				t.Skip(err)
			}
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
					break
				}
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			called, _ := os.ReadFile(filepath.Join(dir, "called"))
			if code := cmd.ProcessState.ExitCode(); code != c.code || string(called) != c.called {
				t.Errorf("%s, %v: exit code %d, scontrol %q", shell, c.signal, code, called)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "words")); string(got) != "task a b --requeue-status 75\n" {
				t.Errorf("the program got %q", got)
			}
		}
	}
}

// TestLibrariesOfABundle copies a program with what it loads, and takes nothing from
// beside a program that is installed.
func TestLibrariesOfABundle(t *testing.T) {
	for _, bundle := range []bool{true, false} {
		dir := t.TempDir()
		for name, text := range map[string]string{"bin/prabench": "program", "lib/libgomp.so.1": "library", "VERSION": "revision x"} {
			if name == "VERSION" && !bundle {
				continue
			}
			path := filepath.Join(dir, "there", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		from := filepath.Join(dir, "there", "bin", "prabench")
		p := Program{Path: filepath.Join(dir, "art", "program", "0f", "prabench")}
		if err := p.keep(from); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "art", "program", "0f", "lib", "libgomp.so.1"))
		if bundle != (err == nil && string(got) == "library") {
			t.Errorf("bundle %v: %q, %v", bundle, got, err)
		}
	}
}
