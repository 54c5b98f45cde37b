package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"prabench/harness/worker"
	"prabench/models"
	"prabench/models/device"
)

// devices hands out the devices that measure.device names, each to one worker
// at a time: "cuda:0,cuda:1" are two, "cuda" all that the machine has.
type devices struct {
	command func(device string) ([]string, error)

	mu    sync.Mutex
	lists map[string]*deviceList // by what measure.device says
	busy  map[string]bool
	freed chan struct{} // closed when a device is given back, and made again

	programs map[string]os.FileInfo // as they were when they were first used
}

// deviceList is what one text names, or why that is not known.
type deviceList struct {
	names []string
	uuid  map[string]string // only where there are several
	err   error
}

// onHost says whether a device is this machine's processor, which takes no turns;
// no name is.
func onHost(name string) bool { return name == "" || device.OnHost(name) }

// variables of a worker that is to see one device of several: the driver's, and
// the one that tells prabench-cuda that the device it sees is the one meant.
const (
	visibleVariable = "CUDA_VISIBLE_DEVICES"
	onlyVariable    = "PRABENCH_CUDA_ONLY"
)

// take waits until n of the devices in a list are free; a seat's Env is what its
// worker needs to find it. All n are taken at once, so that nobody waits for devices
// while holding some.
func (d *devices) take(ctx context.Context, list string, n int) (seats []worker.Seat, release func(), err error) {
	if onHost(list) {
		return slices.Repeat([]worker.Seat{{Device: list}}, n), func() {}, nil
	}
	l := d.list(list)
	if l.err != nil {
		return nil, nil, l.err
	}
	if len(l.names) < n {
		return nil, nil, tooFewDevices(list, n, l.names)
	}
	for {
		seats, freed := d.free(l, n)
		if seats != nil {
			return seats, func() { d.giveBack(seats) }, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

func tooFewDevices(list string, n int, names []string) error {
	return Mistakef("%s = %d: measure.device = %q is %d device(s) (%s): lower it, or name more", models.DevicesKey, n, list, len(names),
		strings.Join(names, ", "))
}

// free takes n devices of a list, or none, and says when to look again.
func (d *devices) free(l *deviceList, n int) (seats []worker.Seat, freed chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy == nil {
		d.busy, d.freed = map[string]bool{}, make(chan struct{})
	}
	for _, name := range l.names {
		if d.busy[name] || len(seats) == n {
			continue
		}
		s := worker.Seat{Device: name}
		if u := l.uuid[name]; u != "" {
			s.Env = []string{visibleVariable + "=" + u, onlyVariable + "=1"}
		}
		seats = append(seats, s)
	}
	if len(seats) < n {
		return nil, d.freed
	}
	for _, s := range seats {
		d.busy[s.Device] = true
	}
	return seats, d.freed
}

func (d *devices) giveBack(seats []worker.Seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range seats {
		delete(d.busy, s.Device)
	}
	close(d.freed)
	d.freed = make(chan struct{})
}

// list finds out, once, what a text names.
func (d *devices) list(text string) *deviceList {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lists == nil {
		d.lists = map[string]*deviceList{}
	}
	if d.lists[text] == nil {
		d.lists[text] = d.find(text)
	}
	return d.lists[text]
}

// unchanged says that the program of a device is another than when this run first
// used it.
func (d *devices) unchanged(name string) error {
	args, err := d.command(name)
	if err != nil {
		return nil // its start says so
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.programs == nil {
		d.programs = map[string]os.FileInfo{}
	}
	before, known := d.programs[args[0]]
	if !known {
		d.programs[args[0]] = info
		return nil
	}
	if !os.SameFile(before, info) || before.Size() != info.Size() || !before.ModTime().Equal(info.ModTime()) {
		return fmt.Errorf("%s was replaced while this run used it: nothing more is started; run the same command again, which names the new "+
			"program in its results", args[0])
	}
	return nil
}

func (d *devices) find(text string) *deviceList {
	names := strings.Split(text, ",")
	if len(names) == 1 && strings.Contains(text, ":") {
		return &deviceList{names: names}
	}
	worker, err := d.command(text)
	if err != nil {
		return &deviceList{err: err}
	}
	there, err := DevicesOf(worker[0])
	if err != nil {
		return &deviceList{err: fmt.Errorf("measure.device: %q: %s could not list the devices: %w", text, worker[0], err)}
	}
	l := &deviceList{uuid: map[string]string{}}
	var all []string
	for _, t := range there {
		l.uuid[t.Name] = t.UUID
		all = append(all, t.Name)
	}
	if len(names) == 1 { // "cuda"
		names = all
	}
	for _, n := range names {
		if l.uuid[n] == "" {
			return &deviceList{err: fmt.Errorf("measure.device: there is no %s; this machine has %s", n, strings.Join(all, ", "))}
		}
	}
	if l.names = names; len(names) == 0 {
		return &deviceList{err: fmt.Errorf("measure.device: %q: the driver sees no device: `prabench doctor` says what it sees; "+
			"--device cpu needs none", text)}
	}
	return l
}

// most is how many devices the longest list of the experiments has.
func (d *devices) most(es []*Experiment) int {
	n := 1
	for _, e := range es {
		for _, c := range e.Cells {
			if dev := c.Settings.Measure.Device; !onHost(dev) {
				n = max(n, len(d.list(dev).names))
			}
		}
	}
	return n
}

// Device is one that the program for CUDA devices sees.
type Device struct {
	Name, UUID, Model, Capability string
	Bytes                         int64
}

// NoDevice says why a program for devices cannot use any.
type NoDevice struct {
	Why, Advice string
	Broken      bool // the program itself does not work
}

func (e *NoDevice) Error() string { return e.Why + "; " + e.Advice }

// DevicesOf asks a program which devices it sees. The error is a [*NoDevice].
func DevicesOf(program string) ([]Device, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, program, "devices", "--json")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var there []Device
	if err == nil {
		err = json.Unmarshal(out, &there)
	}
	switch said := strings.TrimSpace(errs.String() + " " + string(out)); {
	case err == nil:
		return there, nil
	case strings.Contains(said, "libcuda.so.1"):
		return nil, &NoDevice{Why: "prabench-cuda cannot load libcuda.so.1: NVIDIA's driver is missing",
			Advice: "install the driver; everything else runs on the CPU"}
	case strings.Contains(said, "Error in initialization"):
		return nil, &NoDevice{
			Why:    "the driver sees no device: " + strings.TrimPrefix(strings.Join(strings.Fields(said), " "), "Error in initialization, "),
			Advice: "look at nvidia-smi and CUDA_VISIBLE_DEVICES"}
	default:
		return nil, &NoDevice{Why: fmt.Sprintf("%s: %v: %s", program, err, said), Advice: "build it again with `make cuda`", Broken: true}
	}
}

// checkDevices refuses names of devices that the program does not see.
func checkDevices(program, names string, n int) error {
	there, err := DevicesOf(program)
	if err != nil {
		return Mistakef("measure.device: %q: %w", names, err)
	}
	if len(there) == 0 {
		return Mistakef("measure.device: %q: the driver sees no device; look at nvidia-smi and CUDA_VISIBLE_DEVICES", names)
	}
	var all []string
	for _, d := range there {
		all = append(all, d.Name)
	}
	for name := range strings.SplitSeq(names, ",") {
		if strings.Contains(name, ":") && !slices.Contains(all, name) {
			return Mistakef("measure.device: there is no %s; this machine has %s", name, strings.Join(all, ", "))
		}
	}
	if list := strings.Split(names, ","); strings.Contains(names, ":") {
		all = list
	}
	if len(all) < n {
		return tooFewDevices(names, n, all)
	}
	return nil
}
