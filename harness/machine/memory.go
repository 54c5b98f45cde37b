package machine

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bytes of this machine's memory.
type Bytes struct{ Total, Available int64 }

// Memory is the memory of the machine, or of the control group that confines
// this process where that is less; zeros where the system does not say.
func Memory() Bytes {
	b := Bytes{Total: kilobytes("/proc/meminfo", "MemTotal"), Available: kilobytes("/proc/meminfo", "MemAvailable")}
	if limit, used, ok := confined(); ok && limit < b.Total {
		b.Total, b.Available = limit, min(b.Available, max(0, limit-used))
	}
	return b
}

// Reserve is what is left to the rest of the machine: when less is available,
// it is about to swap.
func Reserve() int64 { return reserve(Memory().Total) }

func reserve(total int64) int64 { return max(256<<20, min(total/20, 2<<30)) }

// Usable is the memory that workers may have, all together; 0 where the system
// does not say.
func Usable() int64 {
	usable, _ := UsableBy()
	return usable
}

// UsableBy is [Usable] and what makes it so little, in words; "" for the machine
// itself.
func UsableBy() (usable int64, by string) {
	m := Memory()
	if m.Total == 0 {
		return 0, ""
	}
	usable = max(m.Total/2, m.Total-reserve(m.Total))
	if m.Total < kilobytes("/proc/meminfo", "MemTotal") {
		by = "the control group of this process allows " + Size(m.Total)
	}
	// No worker can hold more than its address space; that it also needs some for
	// what it never touches makes this the most that it can be.
	if n := limitOf(unix.RLIMIT_AS); n > 0 && n < usable {
		usable, by = n, "the system allows a process "+Size(n)+" of address space (ulimit -v)"
	}
	if n := limitOf(unix.RLIMIT_DATA); n > 0 && n < usable {
		usable, by = n, "the system allows a process "+Size(n)+" of data (ulimit -d)"
	}
	return usable, by
}

// PeakResident is the largest number of bytes this process had resident since
// it began; 0 where the system does not say.
func PeakResident() int64 { return kilobytes("/proc/self/status", "VmHWM") }

// OOMKills counts the processes that the system has killed for want of memory
// since it booted, or in this control group where that can be read.
func OOMKills() int64 {
	if n, ok := field("/sys/fs/cgroup/memory.events", "oom_kill"); ok {
		if all, ok := field("/proc/vmstat", "oom_kill"); ok {
			return max(n, all)
		}
		return n
	}
	n, _ := field("/proc/vmstat", "oom_kill")
	return n
}

func kilobytes(path, key string) int64 {
	n, _ := field(path, key)
	return n * 1024
}

// field is the number after key in a file of lines such as "MemTotal:  12 kB".
func field(path, key string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) >= 2 && strings.TrimSuffix(f[0], ":") == key {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
