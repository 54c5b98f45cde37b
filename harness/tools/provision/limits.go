package provision

import (
	"fmt"

	"prabench/harness/machine"
	"prabench/internal/numeral"
)

// fewFiles and smallFile are below what ordinary work needs: a run of many cells
// has its database, logs and artifacts open; a model with its optimiser is tens
// of megabytes.
const (
	fewFiles  = 256
	smallFile = 64 << 20
	// A worker has the threads of its runtime beside those that compute.
	fewProcesses = 128
)

// limits tells what the system allows this process and not the whole machine.
// What is not limited is not told.
func limits(l machine.Limits, cores int) []Finding {
	var fs []Finding
	say := func(bad bool, what, detail, advice string) {
		state := "ok"
		if bad {
			state = "slow"
		} else {
			advice = ""
		}
		fs = append(fs, Finding{what, state, detail, advice})
	}
	if l.Memory > 0 {
		say(false, "memory limit", numeral.Bytes(l.Memory)+" by the control group, which plan and run keep to", "")
	}
	if l.Quota > 0 && l.Quota < float64(cores) {
		say(l.Quota < 1, "processor limit", fmt.Sprintf("%s processors by the control group", numeral.Digits(l.Quota, 3)),
			"timings are throttled below one processor: raise the group's quota")
	}
	if l.AddressSpace > 0 {
		say(l.AddressSpace < 2<<30, "address space limit", numeral.Bytes(l.AddressSpace)+" a process (ulimit -v)",
			"a worker reserves more than it holds: ulimit -v unlimited")
	}
	if l.Data > 0 {
		say(l.Data < 1<<30, "data limit", numeral.Bytes(l.Data)+" of private memory a process (ulimit -d)",
			"trainings hold more: ulimit -d unlimited")
	}
	if l.Processes > 0 {
		say(l.Processes < fewProcesses, "process limit", fmt.Sprintf("%d processes and threads by the control group", l.Processes),
			"each worker has some ten threads and one for each processor: raise pids.max")
	}
	if l.FileSize > 0 {
		say(l.FileSize < smallFile, "file size limit", numeral.Bytes(l.FileSize)+" (ulimit -f)",
			"models and databases may not be written: ulimit -f unlimited")
	}
	if l.CPUTime > 0 {
		say(true, "processor time limit", fmt.Sprintf("%v a process (ulimit -t)", l.CPUTime),
			"a training that needs more ends with timeout: ulimit -t unlimited")
	}
	if l.OpenFiles > 0 && l.OpenFiles < fewFiles {
		say(true, "open files limit", fmt.Sprintf("%d (ulimit -n)", l.OpenFiles), fmt.Sprintf("ulimit -n %d or more", fewFiles))
	}
	return fs
}
