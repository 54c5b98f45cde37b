package machine

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are what the system allows this very process, and each that it starts.
// Zero is no limit.
type Limits struct {
	AddressSpace int64         // bytes; ulimit -v
	Data         int64         // bytes of private memory; ulimit -d
	FileSize     int64         // bytes; ulimit -f
	OpenFiles    int64         // the soft limit raised to the hard one, as Go does; ulimit -Hn
	CPUTime      time.Duration // of a process; ulimit -t
	Processes    int64         // processes and threads of the control group and those above it; pids.max
	Memory       int64         // bytes of the control group and those above it
	Quota        float64       // processors of the control group and those above it
	Affinity     int           // processors that the process may run on; never 0
}

// LimitsHere asks the system.
func LimitsHere() Limits {
	l := Limits{
		AddressSpace: limitOf(unix.RLIMIT_AS), Data: limitOf(unix.RLIMIT_DATA),
		FileSize: limitOf(unix.RLIMIT_FSIZE), OpenFiles: limitOf(unix.RLIMIT_NOFILE),
		CPUTime:   time.Duration(min(limitOf(unix.RLIMIT_CPU), math.MaxInt64/int64(time.Second))) * time.Second,
		Processes: processesIn(groupsFile, groupsRoot), Quota: quota(), Affinity: runtime.NumCPU(),
	}
	if limit, _, ok := confined(); ok {
		l.Memory = limit
	}
	return l
}

// limitOf is the soft limit of a resource; 0 where there is none.
func limitOf(resource int) int64 {
	var r syscall.Rlimit
	if syscall.Getrlimit(resource, &r) != nil || r.Cur > math.MaxInt64 {
		return 0
	}
	return int64(r.Cur)
}

// Processors is how many of this machine's processors this process can keep
// busy: those that it may run on, or the whole ones of its control group's quota.
func Processors() int {
	n := runtime.NumCPU()
	if q := quota(); q > 0 {
		n = min(n, max(1, int(q)))
	}
	return n
}

// ownGroups are the folders of this process's control group of a controller and
// of those above it, the innermost first: each can set a limit. "" is the one
// hierarchy of version 2.
func ownGroups(groups, root, controller string) []string {
	raw, _ := os.ReadFile(groups)
	own := ""
	for line := range strings.SplitSeq(string(raw), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) == 3 && (slices.Contains(strings.Split(f[1], ","), controller)) {
			own = f[2]
		}
	}
	top := filepath.Join(root, controller)
	dirs := []string{}
	for at := filepath.Clean("/" + own); at != "/"; at = filepath.Dir(at) {
		dirs = append(dirs, filepath.Join(top, at))
	}
	return append(dirs, top) // within a container the group's own folder is the top
}

// unlimited is below what version 1 writes for "no limit", and above any memory.
const unlimited = 1 << 60

const (
	groupsFile = "/proc/self/cgroup"
	groupsRoot = "/sys/fs/cgroup"
)

// quota is the least number of processors that a control group allows; 0 = any.
func quota() float64 { return quotaIn(groupsFile, groupsRoot) }

func quotaIn(groups, root string) float64 {
	least := 0.0
	take := func(used, period string) {
		u, err := strconv.ParseFloat(used, 64)
		p, errPeriod := strconv.ParseFloat(period, 64)
		if err == nil && errPeriod == nil && u > 0 && p > 0 && (least == 0 || u/p < least) {
			least = u / p
		}
	}
	for _, dir := range ownGroups(groups, root, "") {
		if f := strings.Fields(firstLine(filepath.Join(dir, "cpu.max"))); len(f) == 2 {
			take(f[0], f[1])
		}
	}
	for _, dir := range ownGroups(groups, root, "cpu") {
		take(firstLine(filepath.Join(dir, "cpu.cfs_quota_us")), firstLine(filepath.Join(dir, "cpu.cfs_period_us")))
	}
	return least
}

// processesIn is the least number of processes and threads that a control group
// allows; 0 = any.
func processesIn(groups, root string) (least int64) {
	for _, controller := range []string{"", "pids"} {
		for _, dir := range ownGroups(groups, root, controller) {
			n, err := strconv.ParseInt(firstLine(filepath.Join(dir, "pids.max")), 10, 64)
			if err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
	}
	return least
}

// confined is the tightest limit of this process's control groups and what of it
// is taken, page cache that could be dropped not counted.
func confined() (limit, used int64, ok bool) { return confinedIn(groupsFile, groupsRoot) }

func confinedIn(groups, root string) (limit, used int64, ok bool) {
	for _, g := range []struct{ controller, limit, used, cache string }{
		{"", "memory.max", "memory.current", "inactive_file"},
		{"", "memory.high", "memory.current", "inactive_file"}, // above it everything is slowed down
		{"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
	} {
		for _, dir := range ownGroups(groups, root, g.controller) {
			l, err := strconv.ParseInt(firstLine(filepath.Join(dir, g.limit)), 10, 64)
			u, errUsed := strconv.ParseInt(firstLine(filepath.Join(dir, g.used)), 10, 64)
			if err != nil || errUsed != nil || l >= unlimited {
				continue // no such group, or no limit
			}
			cache, _ := field(filepath.Join(dir, "memory.stat"), g.cache)
			u = max(0, u-cache)
			if !ok || l-u < limit-used {
				limit, used, ok = l, u, true
			}
		}
	}
	return limit, used, ok
}
