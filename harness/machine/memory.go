package machine

import (
	"os"
	"strconv"
	"strings"
)

// Bytes of this machine's memory.
type Bytes struct{ Total, Available int64 }

// Memory is the memory of the machine; zeros where the system does not say.
func Memory() Bytes {
	return Bytes{Total: kilobytes("/proc/meminfo", "MemTotal"), Available: kilobytes("/proc/meminfo", "MemAvailable")}
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
