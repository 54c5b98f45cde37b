package machine

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Group is a process group that is looked at from outside. The zero members
// are found again once a second: a group seldom gains any.
type Group struct {
	ID      int // the process id of its leader
	members []int
	looked  time.Time
}

// Resident is the number of bytes that the processes of the group hold in
// memory now; 0 where the system does not say, or when none is left.
func (g *Group) Resident() int64 {
	if time.Since(g.looked) > time.Second {
		g.members, g.looked = membersOf(g.ID), time.Now()
	}
	var sum int64
	for _, pid := range g.members {
		sum += residentOf(pid)
	}
	return sum
}

// residentOf is a process's resident size in bytes; 0 when it is gone.
func residentOf(pid int) int64 {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(raw)
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// membersOf are the processes of a group.
func membersOf(group int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []int{group}
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f, err := statOf(pid); err == nil && f[statGroup] == strconv.Itoa(group) {
			out = append(out, pid)
		}
	}
	return out
}

// Places of fields in /proc/<pid>/stat after the program's name.
const (
	statState = 0
	statGroup = 2
	statStart = 19 // in clock ticks since boot
)

// statOf is the fields of /proc/<pid>/stat behind the program's name, which
// may itself hold blanks and brackets.
func statOf(pid int) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, err
	}
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(f) <= statStart {
		return nil, errors.New("a process without a start")
	}
	return f, nil
}

// Process names a process for good: numbers are used again, also after the
// machine has booted.
type Process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // when it began, in the system's own words
}

// ProcessOf names a process that is alive.
func ProcessOf(pid int) Process {
	p := Process{PID: pid}
	if f, err := statOf(pid); err == nil {
		p.Start = f[statStart] + " " + bootID()
	}
	return p
}

// Alive says whether the process still runs: one that has ended and waits to
// be collected does not.
func (p Process) Alive() bool {
	if p.PID <= 0 || p.Start == "" {
		return false
	}
	f, err := statOf(p.PID)
	return err == nil && f[statState] != "Z" && f[statState] != "X" && f[statStart]+" "+bootID() == p.Start
}

// Here says whether the process was one of this machine, since it booted.
func (p Process) Here() bool { return strings.HasSuffix(p.Start, " "+bootID()) }

func bootID() string { return firstLine("/proc/sys/kernel/random/boot_id") }
