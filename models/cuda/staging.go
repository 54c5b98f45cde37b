//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

// staging is pinned host memory between the caller's and the device's: uploads
// go through its slots in turn and are queued, so the host does not wait for
// them; a slot's event says when it may be written again.
type staging struct {
	memory unsafe.Pointer // slots·slotBytes
	events [slots]cu.Event
	opened int
	used   [slots]bool // the slot's event was recorded
	next   int
}

const (
	slots     = 4
	slotBytes = 1 << 20
)

func (s *staging) open(b *Backend) error {
	if err := b.status(fmt.Sprintf("allocating %d bytes of pinned host memory", slots*slotBytes),
		C.pra_pinned(&b.target, slots*slotBytes, &s.memory)); err != nil {
		return err
	}
	return b.on(func() error {
		for i := range s.events {
			e, err := cu.MakeEvent(cu.DisableTiming)
			if err != nil {
				return b.failed("making an event", err)
			}
			s.events[i] = e
			s.opened++
		}
		return nil
	})
}

func (s *staging) close(keep func(string, error)) {
	for i := range s.opened {
		keep("ending an event", cu.DestroyEvent(&s.events[i]))
	}
	if s.memory != nil {
		keep("freeing pinned memory", cu.MemFreeHost(s.memory))
	}
	s.memory, s.opened = nil, 0
}

// slot waits until the next slot is free and returns it.
func (s *staging) slot(b *Backend) (i int, memory unsafe.Pointer) {
	i = s.next
	s.next = (i + 1) % slots
	if s.used[i] {
		b.queue.flush() // the event's record may be among what is queued
		if err := b.on(s.events[i].Synchronize); err != nil {
			b.fail(b.failed("waiting for an upload", err))
		}
	}
	return i, unsafe.Add(s.memory, i*slotBytes)
}

func (s *staging) upload(b *Backend, dst uintptr, src unsafe.Pointer, bytes int) {
	for at := 0; at < bytes && b.err == nil; at += slotBytes {
		n := min(slotBytes, bytes-at)
		i, memory := s.slot(b)
		copy(unsafe.Slice((*byte)(memory), n), unsafe.Slice((*byte)(unsafe.Add(src, at)), n))
		b.queue.begin(operation{name: "Upload", bytes: bytes})
		b.queue.add(C.PRA_UPLOAD, uint64(dst)+uint64(at), uint64(uintptr(memory)), uint64(n))
		b.queue.add(C.PRA_RECORD, uint64(*(*uintptr)(unsafe.Pointer(&s.events[i]))))
		s.used[i] = true
	}
}

func (s *staging) download(b *Backend, dst unsafe.Pointer, src uintptr, bytes int) {
	for at := 0; at < bytes; at += slotBytes {
		n := min(slotBytes, bytes-at)
		_, memory := s.slot(b)
		b.queue.begin(operation{name: "Download", bytes: bytes})
		b.queue.add(C.PRA_DOWNLOAD, uint64(uintptr(memory)), uint64(src)+uint64(at), uint64(n))
		if b.Sync() != nil {
			return
		}
		copy(unsafe.Slice((*byte)(unsafe.Add(dst, at)), n), unsafe.Slice((*byte)(memory), n))
	}
}
