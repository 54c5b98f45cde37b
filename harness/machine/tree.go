package machine

import (
	"os"
	"strconv"
	"time"
)

// Fields of /proc/<pid>/stat after the program's name, beside those of groups.
const (
	statParent = 1
	statSpent  = 11 // and the three behind it: its user and system time, and its children's
)

// Descendants are the processes that a process has started, and theirs, as far as
// they still have it among their ancestors. Those that have ended and wait to be
// collected are left out.
func Descendants(of int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f, err := statOf(pid); err == nil && f[statState] != "Z" && f[statState] != "X" {
			if parent, err := strconv.Atoi(f[statParent]); err == nil {
				children[parent] = append(children[parent], pid)
			}
		}
	}
	out := children[of]
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out
}

// spentBy is the seconds of processor time of processes and of those that they have
// collected.
func spentBy(pids []int) (seconds float64) {
	for _, pid := range pids {
		f, err := statOf(pid)
		if err != nil {
			continue
		}
		for _, field := range f[statSpent : statSpent+4] {
			n, _ := strconv.ParseFloat(field, 64)
			seconds += n / ticks
		}
	}
	return seconds
}

// Tree is a process's descendants, looked at from outside. As in a [Group], the
// members are found again only now and then.
type Tree struct {
	Root    int
	members []int
	looked  time.Time
}

// Resident is the number of bytes that the descendants hold in memory now.
func (t *Tree) Resident() (bytes int64) {
	if time.Since(t.looked) > 200*time.Millisecond {
		t.members, t.looked = Descendants(t.Root), time.Now()
	}
	for _, pid := range t.members {
		bytes += residentOf(pid)
	}
	return bytes
}

// PeakOf is the largest number of bytes that a living process had resident since it
// began; 0 where the system does not say.
func PeakOf(pid int) int64 { return kilobytes("/proc/"+strconv.Itoa(pid)+"/status", "VmHWM") }

// NameOf is what the system calls a living process, "" when it is gone.
func NameOf(pid int) string { return firstLine("/proc/" + strconv.Itoa(pid) + "/comm") }
