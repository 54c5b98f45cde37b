package ranks

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported says that processes of this system can share memory as a group does.
const Supported = true

const (
	magic   = 0x70726172 // "prar"
	layout  = 1
	page    = 4096
	chunk   = 1 << 18 // bytes of an array that are added up in one go
	most    = 64      // ranks
	spins   = 200     // looks before a rank sleeps
	patient = 50 * time.Millisecond
)

// shared is a group of processes of one machine, which meet in a file that they map.
//
// The file has a place for each rank with the number of the phase that it has
// completed, a word that waiting ranks sleep on, and for each rank two pieces of an
// array beside two of sums, used in turn. A sum has two phases for each piece: all
// have written theirs, and each has added up its part of it.
//
// A rank holds a lock of one byte of the file for as long as it lives. The kernel
// takes it from a process that ends, whichever way, so that others see it.
type shared struct {
	rank, size int
	file       *os.File
	mapped     []byte
	head       *header
	phase      uint32 // that this rank has completed
	turn       int
	broken     error

	mu sync.Mutex // of mapped while it is taken away
}

// header is the beginning of the file.
type header struct {
	magic, layout, size uint32
	bell                uint32 // counts what happens; ranks sleep on it
	sleepers            uint32
	ranks               [most]place
}

// place is what a rank says of itself; it fills a line of the cache.
type place struct {
	phase, state uint32
	_            [56]byte
}

// States of a rank.
const (
	absent = iota // it has not come yet
	here
	left
	dead // as who started it knows
)

// Meet makes the file in which a group of size ranks is going to meet. Remove it
// when all have joined, or by [Group] Close's caller: a group needs no name for it.
func Meet(size int) (path string, err error) {
	if size < 2 || size > most {
		return "", fmt.Errorf("a group has 2 to %d ranks, not %d", most, size)
	}
	dir := "/dev/shm"
	if unix.Access(dir, unix.W_OK) != nil {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, fmt.Sprintf("prabench-ranks-%d-*", os.Getpid()))
	if err != nil {
		return "", err
	}
	defer f.Close()
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(bytesOf(size))); err != nil { // rather than a signal later
		return "", fmt.Errorf("no room for what %d ranks share: %s: %w", size, f.Name(), err)
	}
	h := header{magic: magic, layout: layout, size: uint32(size)}
	if _, err := f.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h)), 0); err != nil {
		return "", err
	}
	return filepath.Clean(f.Name()), nil
}

// begin is where the arrays begin, after the header, on whose bytes the locks lie.
const begin = (int(unsafe.Sizeof(header{})) + page - 1) / page * page

func bytesOf(size int) int { return begin + 2*(size+1)*chunk }

// Join becomes a rank of the group that meets in a file. It waits for nobody.
func Join(path string, rank int) (Group, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	g := &shared{rank: rank, file: f}
	if err := g.join(); err != nil {
		g.unmap()
		return nil, fmt.Errorf("joining the ranks in %s: %w", path, err)
	}
	return g, nil
}

func (g *shared) join() error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < int64(begin) {
		return fmt.Errorf("its %d bytes are not those of a group", info.Size())
	}
	if g.mapped, err = unix.Mmap(int(g.file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return err
	}
	g.head = (*header)(unsafe.Pointer(&g.mapped[0]))
	g.size = int(g.head.size)
	switch {
	case g.head.magic != magic || g.head.layout != layout || g.size > most || len(g.mapped) != bytesOf(g.size):
		return fmt.Errorf("it is not the file of a group of this program")
	case g.rank < 0 || g.rank >= g.size:
		return fmt.Errorf("there is no rank %d of %d", g.rank, g.size)
	}
	if err := g.lock(unix.F_OFD_SETLK, g.rank, unix.F_WRLCK); err != nil {
		return fmt.Errorf("rank %d is there already: %w", g.rank, err)
	}
	if !atomic.CompareAndSwapUint32(&g.head.ranks[g.rank].state, absent, here) {
		return fmt.Errorf("there was a rank %d before", g.rank)
	}
	g.ring()
	return nil
}

// lock does something with the lock of a rank.
func (g *shared) lock(command, rank int, kind int16) error {
	return unix.FcntlFlock(g.file.Fd(), command, &unix.Flock_t{Type: kind, Start: int64(rank), Len: 1})
}

// lives says whether a rank holds its lock.
func (g *shared) lives(rank int) bool {
	l := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(rank), Len: 1}
	if err := unix.FcntlFlock(g.file.Fd(), unix.F_OFD_GETLK, &l); err != nil {
		return true // nobody can tell
	}
	return l.Type != unix.F_UNLCK
}

func (g *shared) Rank() int { return g.rank }
func (g *shared) Size() int { return g.size }

// buffer is the piece of a rank, or of the sums for rank = size, in a turn.
func (g *shared) buffer(rank int) []byte {
	at := begin + (g.turn*(g.size+1)+rank)*chunk
	return g.mapped[at : at+chunk]
}

func floats[T float32 | float64](b []byte, n int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}

// sum adds up an array piece by piece.
func sum[T float32 | float64](g *shared, n int, load, store func(piece []T, at int)) error {
	if g.broken != nil {
		return g.broken
	}
	per := chunk / int(unsafe.Sizeof(T(0)))
	for at := 0; at < n; at += per {
		k := min(per, n-at)
		load(floats[T](g.buffer(g.rank), k), at)
		if err := g.wait(); err != nil {
			return err
		}
		sums := floats[T](g.buffer(g.size), k)
		lo, hi := k*g.rank/g.size, k*(g.rank+1)/g.size
		copy(sums[lo:hi], floats[T](g.buffer(0), k)[lo:hi])
		for r := 1; r < g.size; r++ {
			for i, v := range floats[T](g.buffer(r), k)[lo:hi] {
				sums[lo+i] += v
			}
		}
		if err := g.wait(); err != nil {
			return err
		}
		store(sums, at)
		g.turn = 1 - g.turn
	}
	return nil
}

func (g *shared) Sum(n int, load func(dst []float32, at int), store func(sums []float32, at int)) error {
	return sum(g, n, load, store)
}

func (g *shared) SumWide(x []float64) error {
	return sum(g, len(x), func(dst []float64, at int) { copy(dst, x[at:]) }, func(sums []float64, at int) { copy(x[at:], sums) })
}

// wait completes a phase and waits until all have.
func (g *shared) wait() error {
	g.phase++
	atomic.StoreUint32(&g.head.ranks[g.rank].phase, g.phase)
	g.ring()
	for r := range g.size {
		if err := g.waitFor(r); err != nil {
			g.broken = err
			return err
		}
	}
	return nil
}

// reached says that a rank has completed this rank's phase; the count goes round.
func (g *shared) reached(r int) bool {
	return int32(atomic.LoadUint32(&g.head.ranks[r].phase)-g.phase) >= 0
}

// waitFor waits for a rank to complete this rank's phase.
func (g *shared) waitFor(r int) error {
	for range spins {
		if g.reached(r) {
			return nil
		}
	}
	for {
		bell := atomic.LoadUint32(&g.head.bell)
		if g.reached(r) {
			return nil
		}
		// Also those that are not waited for: with one of them gone, this phase will end,
		// and the next one not.
		for other := range g.size {
			if state := atomic.LoadUint32(&g.head.ranks[other].state); other != g.rank && g.gone(other, state) && !g.reached(other) {
				return &Lost{other, atomic.LoadUint32(&g.head.ranks[other].state) == left}
			}
		}
		atomic.AddUint32(&g.head.sleepers, 1)
		sleep(&g.head.bell, bell, patient)
		atomic.AddUint32(&g.head.sleepers, ^uint32(0))
	}
}

// gone says that a rank that said it is in a state is not there any more.
func (g *shared) gone(rank int, state uint32) bool {
	return state >= left || state == here && !g.lives(rank)
}

// Gone tells the group that a rank's process has ended, as only the process that
// started it knows where the rank had not joined.
func (g *shared) Gone(rank int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mapped == nil {
		return
	}
	state := &g.head.ranks[rank].state
	if atomic.CompareAndSwapUint32(state, absent, dead) || atomic.CompareAndSwapUint32(state, here, dead) {
		g.ring()
	}
}

// Missing looks at the ranks that have been there.
func (g *shared) Missing() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for r := 0; g.mapped != nil && r < g.size; r++ {
		if state := atomic.LoadUint32(&g.head.ranks[r].state); r != g.rank && g.gone(r, state) {
			return &Lost{r, state == left}
		}
	}
	return nil
}

// ring wakes all that wait.
func (g *shared) ring() {
	atomic.AddUint32(&g.head.bell, 1)
	if atomic.LoadUint32(&g.head.sleepers) > 0 { // one that was killed asleep is counted for ever, which only costs calls
		wake(&g.head.bell)
	}
}

// Close leaves the group.
func (g *shared) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mapped == nil {
		return
	}
	atomic.StoreUint32(&g.head.ranks[g.rank].state, left)
	g.ring()
	if g.broken == nil {
		g.broken = &Lost{g.rank, true}
	}
	g.unmap()
}

func (g *shared) unmap() {
	if g.mapped != nil {
		_ = unix.Munmap(g.mapped)
		g.mapped, g.head = nil, nil
	}
	_ = g.file.Close() // what is shared lies in memory
}

// sleep waits until a word is not what it was, somebody wakes it, or the time is over.
func sleep(word *uint32, was uint32, longest time.Duration) {
	t := unix.NsecToTimespec(longest.Nanoseconds())
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), 0 /* FUTEX_WAIT */, uintptr(was),
		uintptr(unsafe.Pointer(&t)), 0, 0)
}

func wake(word *uint32) {
	const all = 1<<31 - 1
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), 1 /* FUTEX_WAKE */, all, 0, 0, 0)
}
