package slurm

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"prabench/harness/stage"
	"prabench/models"
)

// notice is how many seconds before a task's time limit it is asked to save.
const notice = 120

// jobName is an array's job name, by which the queue is searched.
func jobName(id, array string) string { return "prabench-" + id + "-" + array }

// script is the text that sbatch gets for an array. Lines of the prologue come
// before ours: of two that say the same sbatch takes the later one.
func script(s *Submission, a *Array, id, hash string, o Options, at site) string {
	dir := Dir(s.Artifacts, id)
	var b strings.Builder
	fmt.Fprintf(&b, "#!%s\n# %s, stages of kind %s: %d; written by prabench submit slurm, plan %.12s.\n", at.shell, s.Name, a.Kind,
		len(a.Tasks), hash)
	for _, line := range at.lines {
		b.WriteString(line + "\n")
	}
	set := func(format string, args ...any) { fmt.Fprintf(&b, "#SBATCH "+format+"\n", args...) }
	given := func(flag, value string) {
		if value != "" {
			set("--%s=%s", flag, value)
		}
	}
	set("--job-name=%s", jobName(id, a.Name))
	set("--array=%s", indices(a, o.Concurrent))
	set("--output=%s", pathPattern(filepath.Join(dir, logFolder, a.Name), "-%A_%a.log"))
	set("--open-mode=append")
	set("--chdir=%s", word(s.Folder))
	set("--requeue")
	set("--signal=B:USR2@%d", notice)
	set("--kill-on-invalid-dep=yes")
	set("--nodes=1")
	set("--ntasks=1")
	set("--cpus-per-task=%d", processors(a, o.CPUs))
	if measured(a) {
		o = o.timing()
		set("--exclusive")
	}
	given("partition", o.Partition)
	given("account", o.Account)
	given("qos", o.QOS)
	given("constraint", constraint(o.Constraint))
	given("time", o.Time)
	given("mem", o.Mem)
	if usesDevice(a) {
		given("gres", counted(o.Gres, devices(a)*max(1, a.Pack)))
	}
	b.WriteString(at.before)
	b.WriteString(at.start(fmt.Sprintf("%s task --plan %s --hash %s --array %s", quoted(s.Program.Path),
		quoted(filepath.Join(dir, planFile)), hash, a.Name)))
	return b.String()
}

// constraint is quoted where it has signs, as sbatch reads quotes.
func constraint(c string) string {
	if strings.ContainsAny(c, "&|*[]()") {
		return `"` + c + `"`
	}
	return c
}

// usesDevice says whether the tasks of an array compute on the models' device;
// embedders and pixels are the processor's.
func usesDevice(a *Array) bool {
	k := stage.Named(a.Kind)
	return k != nil && k.OnDevice
}

// measured says whether the tasks of an array are measured, alone on a node.
func measured(a *Array) bool {
	k := stage.Named(a.Kind)
	return k != nil && k.Measured()
}

// processors are those of one task of an array.
func processors(a *Array, least int) int {
	n := threads(a)
	if usesDevice(a) {
		n = max(n, least)
	}
	return n * devices(a) * max(1, a.Pack)
}

// devices are those that a stage of an array computes on at a time.
func devices(a *Array) int {
	n := 1
	for _, t := range a.Tasks {
		if k := stage.Named(a.Kind); k != nil {
			n = max(n, k.RanksOf(&t.Settings))
		}
	}
	return n
}

// counted gives GPUs that are asked for without a number the number that is needed.
func counted(gres string, n int) string {
	parts := strings.Split(gres, ",")
	for i, p := range parts {
		if _, numbered := gpus(p); n > 1 && !numbered && isGPU(p) {
			parts[i] = p + ":" + strconv.Itoa(n)
		}
	}
	return strings.Join(parts, ",")
}

func isGPU(gres string) bool { return gres == "gpu" || strings.HasPrefix(gres, "gpu:") }

// gpus is the number in gpu:h100:4, if there is one.
func gpus(gres string) (n int, numbered bool) {
	if !isGPU(gres) {
		return 0, false
	}
	n, err := strconv.Atoi(gres[strings.LastIndex(gres, ":")+1:])
	return n, err == nil
}

// enough says for which array the GPUs that were asked for are too few.
func (o Options) enough(arrays []Array) error {
	for i := range arrays {
		a := &arrays[i]
		for p := range strings.SplitSeq(o.Gres, ",") {
			if have, numbered := gpus(p); numbered && usesDevice(a) && have < devices(a) {
				return fmt.Errorf("--gres %s: %s = %d, so stages of kind %s need as many GPUs each: ask for more, or leave out the number",
					o.Gres, models.DevicesKey, devices(a), a.Kind)
			}
		}
	}
	return nil
}

// threads is what a process of an array computes with at most.
func threads(a *Array) int {
	n := 1
	for _, t := range a.Tasks {
		switch {
		case measured(a):
			n = max(n, t.Settings.Measure.Threads)
		default:
			n = max(n, t.Settings.Training().Threads)
		}
	}
	return n
}

// indices writes the indices of an array as sbatch wants them: 0-11%4, or
// 0-2,5%4.
func indices(a *Array, concurrent int) string {
	var at []int // sorted
	for _, t := range a.Tasks {
		if p := a.position(t.Index); len(at) == 0 || at[len(at)-1] != p {
			at = append(at, p)
		}
	}
	var parts []string
	for i := 0; i < len(at); {
		j := i
		for j+1 < len(at) && at[j+1] == at[j]+1 {
			j++
		}
		part := strconv.Itoa(at[i])
		if j > i {
			part += "-" + strconv.Itoa(at[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	text := strings.Join(parts, ",")
	if concurrent > 0 {
		text += "%" + strconv.Itoa(concurrent)
	}
	return text
}

// pathPattern writes a path for --output, in which a percent sign is doubled;
// what pattern says is replaced by Slurm.
func pathPattern(path, pattern string) string {
	return word(strings.ReplaceAll(path, "%", "%%") + pattern)
}

// word is quoted where it has blanks: sbatch splits these lines itself.
func word(s string) string {
	if strings.ContainsAny(s, " \t'") {
		return `"` + s + `"`
	}
	return s
}

// dependency is the value of --dependency for an array, "" for none, once job
// gives the jobs of the arrays before it.
func (a *Array) dependency(job func(array string) string) string {
	var parts []string
	if a.Corresponds != "" {
		parts = append(parts, "aftercorr:"+job(a.Corresponds))
	}
	for _, one := range a.One {
		parts = append(parts, "afterok:"+job(one))
	}
	// One failure among many must not hold up the others: these tasks look for
	// themselves whether their input is there.
	for _, some := range a.Some {
		parts = append(parts, "afterany:"+job(some))
	}
	for _, j := range a.Jobs {
		parts = append(parts, "afterany:"+j)
	}
	return strings.Join(parts, ",")
}
