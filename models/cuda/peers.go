//go:build cuda

package cuda

/*
#include <stdlib.h>
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"prabench/models/cuda/libraries"
	"prabench/models/device"
)

// NoNCCLVariable set to 1 has sums of several processes go through the host.
const NoNCCLVariable = "PRABENCH_CUDA_NO_NCCL"

// loadNCCL loads the first libnccl that can be; nil where one was.
var loadNCCL = sync.OnceValue(func() (err error) {
	here := libraries.Here()
	err = fmt.Errorf("no libnccl.so.2 could be loaded; %s names one", libraries.NCCL.Variable)
	var last string
	here.Candidates(libraries.NCCL, func(library string) bool {
		path := C.CString(library)
		defer C.free(unsafe.Pointer(path))
		text := make([]byte, 512)
		if C.pra_nccl_load(path, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text))) != 0 {
			err = nil
			return false
		}
		last = C.GoString((*C.char)(unsafe.Pointer(&text[0])))
		return true
	})
	if asked := here.Env(libraries.NCCL.Variable); asked != "" && err != nil {
		return fmt.Errorf("%s=%s: %s", libraries.NCCL.Variable, asked, last)
	}
	return err
})

// NCCL is the file of the NCCL that adds up over devices, and its version; an error says
// why there is none.
func NCCL() (file, version string, err error) {
	if err := loadNCCL(); err != nil {
		return "", "", err
	}
	return C.GoString(C.pra_nccl_path()), versionText(int(C.pra_nccl_version())), nil
}

func versionText(v int) string { return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100) }

var _ device.Reducer = (*Backend)(nil)

// Reduces implements [device.Reducer] by NCCL.
func (b *Backend) Reduces() (version int, err error) {
	if os.Getenv(NoNCCLVariable) == "1" {
		return 0, fmt.Errorf("%s=1", NoNCCLVariable)
	}
	if err := loadNCCL(); err != nil {
		return 0, err
	}
	if version = int(C.pra_nccl_version()); version == 0 {
		return 0, fmt.Errorf("%s does not say its version", C.GoString(C.pra_nccl_path()))
	}
	return version, nil
}

// Without implements [device.Reducer].
func (b *Backend) Without(why string) {
	b.details += ", sums of processes through the host (" + why + ")"
}

// NewID implements [device.Reducer].
func (b *Backend) NewID() ([]byte, error) {
	id := make([]byte, device.ReduceID)
	var code C.int
	err := b.on(func() error { code = C.pra_nccl_id((*C.char)(unsafe.Pointer(&id[0]))); return nil })
	if err == nil {
		err = b.refused("naming a meeting", code)
	}
	return id, err
}

// refused puts a status of NCCL into words, nil for 0.
func (b *Backend) refused(doing string, status C.int) error {
	if status == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s: NCCL says %s (%d)", b.name, doing, C.GoString(C.pra_nccl_text(status)), status)
}

// How long ranks wait for each other in NCCL, where none of them has died, and how long
// what NCCL has met may take to show as a rank's death.
const (
	meetWithin  = 3 * time.Minute
	tellsWithin = 2 * time.Second
	lookEvery   = 20 * time.Millisecond
)

// peers are the devices of other processes, which this one's adds up with on a stream of
// its own.
//
// A sum that another rank does not begin waits for ever, on the device and perhaps in
// the call as well, so nobody here waits for one without looking: a goroutine asks now
// and then whether all ranks live, and if not aborts what runs; Wait asks the device
// and that goroutine in turn.
type peers struct {
	b           *Backend
	c           *C.pra_peers
	lost        func() error
	stop, ended chan struct{}

	mu  sync.Mutex
	why error // nothing more can be summed
}

// Join implements [device.Reducer]. A process that gives up before all have met can
// neither end the call that waits nor close its device: that is left to its end.
func (b *Backend) Join(id []byte, rank, size int, lost func() error) (device.Reduction, error) {
	p := &peers{b: b, lost: lost, stop: make(chan struct{}), ended: make(chan struct{})}
	if err := b.status("making a stream for sums", C.pra_peers_new(&b.target, &p.c)); err != nil {
		return nil, err
	}
	met := make(chan C.int, 1)
	go func() {
		runtime.LockOSThread()
		met <- C.pra_peers_meet(&b.target, p.c, (*C.char)(unsafe.Pointer(&id[0])), C.int(rank), C.int(size))
		runtime.UnlockOSThread()
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for began := time.Now(); ; {
		select {
		case status := <-met:
			if err := b.refused("meeting the other devices", status); err != nil {
				C.pra_peers_free(&b.target, p.c)
				return nil, err
			}
			b.target.peers, b.peers = p.c, p
			b.sums = fmt.Sprintf(", NCCL %s of %d devices", versionText(int(C.pra_nccl_version())), size)
			go p.watch()
			return p, nil
		case <-look.C:
			err := lost()
			if err == nil && time.Since(began) > meetWithin {
				err = fmt.Errorf("%s: the devices of %d processes have not met in NCCL within %v; %s=1 does without", b.name, size, meetWithin,
					NoNCCLVariable)
			}
			if err != nil {
				b.abandoned = true
				return nil, err
			}
		}
	}
}

// watch looks after the others until it is stopped, or one is lost.
func (p *peers) watch() {
	defer close(p.ended)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-look.C:
		}
		err := p.lost()
		if err == nil {
			if err = p.b.refused("summing over devices", C.pra_peers_error(p.c)); err != nil {
				err = p.orLost(err)
			}
		}
		if err != nil {
			p.abort(err)
			return
		}
	}
}

// orLost is what ended a sum: a rank's death, where it shows within a while, or what
// NCCL said.
func (p *peers) orLost(said error) error {
	for began := time.Now(); time.Since(began) < tellsWithin; time.Sleep(lookEvery) {
		if err := p.lost(); err != nil {
			return err
		}
	}
	return said
}

// abort ends sums that wait. It is the watcher's, or comes after that.
func (p *peers) abort(why error) {
	p.mu.Lock()
	if p.why == nil {
		p.why = why
	}
	p.mu.Unlock()
	_ = C.pra_peers_abort(&p.b.target, p.c) // it is over in any case
}

func (p *peers) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// Send implements [device.Reduction].
func (p *peers) Send(x device.Buffer) {
	q := &p.b.queue
	if q.capturing {
		p.b.fail(fmt.Errorf("%s: a sum over devices cannot be part of a recording", p.b.name))
		return
	}
	q.begin(operation{name: "Send", bytes: 4 * x.N})
	q.add(C.PRA_SUM, uint64(address(x)), uint64(x.N))
	p.b.wrote(x)
	q.flush() // the sooner it begins, the more it runs beside
}

// Wait implements [device.Reduction].
func (p *peers) Wait() error {
	q := &p.b.queue
	q.begin(operation{name: "Wait"})
	q.add(C.PRA_SUMMED)
	q.flush()
	for looks := 0; p.b.err == nil; looks++ {
		if status := C.pra_peers_status(p.c); status != 0 {
			return p.orLost(p.b.refused("summing over devices", status))
		}
		code := C.pra_peers_done(&p.b.target, p.c)
		if err := p.failed(); err != nil { // asked after: a sum that was aborted is done, too
			return err
		}
		switch code {
		case 0:
			return nil
		case C.CUDA_ERROR_NOT_READY:
			if looks > 100 {
				time.Sleep(50 * time.Microsecond)
			}
		default:
			p.b.fail(p.b.status("waiting for sums over devices", code))
		}
	}
	return p.b.err
}

// Close implements [device.Reduction]. It aborts: ncclCommDestroy may wait for the
// other ranks, which this one may leave, and between a Wait and a Send nothing runs.
func (p *peers) Close() {
	if p.b.peers != p {
		return
	}
	close(p.stop)
	<-p.ended
	p.abort(fmt.Errorf("%s: the sums over devices are closed", p.b.name))
	p.b.queue.flush()
	if code := C.pra_peers_free(&p.b.target, p.c); p.b.err == nil {
		p.b.fail(p.b.status("ending sums over devices", code))
	}
	p.b.target.peers, p.b.peers = nil, nil
}
