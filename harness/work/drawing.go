package work

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"prabench/harness/outside"
	"prabench/models/ranks"
)

// drawing is a file of images that is being drawn: it can stop after any batch and
// go on in another process. What counts is what the note beside it says; the file
// may have more, written by a process that was killed.
type drawing struct {
	images, note string    // paths
	shape        []int     // [n, H, W, C]
	head         int64     // bytes before the first image
	done         int       // images in the file
	sweeps       []float64 // that each of them took, where a sampler counts

	f     *os.File
	sum   hash.Hash // of the images so far
	saved time.Time
	cost  time.Duration // of the last note
}

// drawnSoFar is the note beside the images.
type drawnSoFar struct {
	Done   int       `json:"done"`             // images
	SHA256 string    `json:"sha256"`           // of their bytes
	Sweeps []float64 `json:"sweeps,omitempty"` // of each
}

// errElsewhere means that another process draws into the file.
var errElsewhere = errors.New("another process draws these images too")

// openDrawing is the drawing that an attempt left at path, or an empty one. It is
// this process's alone; another one's is errElsewhere.
func openDrawing(path string, shape ...int) (_ *drawing, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	header := outside.Header("|u1", shape...)
	d := &drawing{images: path, note: path + ".json", shape: shape, head: int64(len(header)), sum: sha256.New(), saved: time.Now()}
	if d.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.f.Close()
		}
	}()
	if err := syscall.Flock(int(d.f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errElsewhere
	} // a file system without locks: one process at a time draws, unless a cluster started it twice
	why := d.resume(header)
	if why == nil {
		return d, nil
	}
	if !errors.Is(why, fs.ErrNotExist) {
		// It only saves time: without it the same images come out.
		fmt.Fprintf(os.Stderr, "the images of an earlier attempt cannot be used, sampling begins again: %v\n", why)
	}
	d.done, d.sweeps = 0, nil
	d.sum.Reset()
	if err := errors.Join(d.f.Truncate(0), removed(d.note)); err != nil {
		return nil, err
	}
	if _, err := d.f.WriteAt(header, 0); err != nil {
		return nil, err
	}
	_, err = d.f.Seek(d.head, io.SeekStart)
	return d, err
}

// each is the bytes of one image.
func (d *drawing) each() int64 {
	n := int64(1)
	for _, s := range d.shape[1:] {
		n *= int64(s)
	}
	return n
}

// resume brings d to where the note says that the file is, and compares the images.
func (d *drawing) resume(header []byte) error {
	raw, err := os.ReadFile(d.note)
	if err != nil {
		return err
	}
	var so drawnSoFar
	if err := json.Unmarshal(raw, &so); err != nil {
		return fmt.Errorf("%s: %w", d.note, err)
	}
	if so.Done < 0 || so.Done > d.shape[0] {
		return fmt.Errorf("%s: %d images of %d", d.note, so.Done, d.shape[0])
	}
	found := make([]byte, len(header))
	if _, err := io.ReadFull(d.f, found); err != nil || string(found) != string(header) {
		return fmt.Errorf("%s: another kind of file (%v)", d.images, err)
	}
	if _, err := io.CopyN(d.sum, d.f, int64(so.Done)*d.each()); err != nil {
		return fmt.Errorf("%s: fewer than %d images: %w", d.images, so.Done, err)
	}
	if sum := hex.EncodeToString(d.sum.Sum(nil)); sum != so.SHA256 {
		return fmt.Errorf("%s: its first %d images are not those that were drawn", d.images, so.Done)
	}
	if len(so.Sweeps) != 0 && len(so.Sweeps) != so.Done {
		return fmt.Errorf("%s: sweeps of %d images of %d", d.note, len(so.Sweeps), so.Done)
	}
	d.done, d.sweeps = so.Done, so.Sweeps
	return d.f.Truncate(d.head + int64(so.Done)*d.each())
}

// add appends images, and the sweeps that each took where they are counted.
func (d *drawing) add(pixels []uint8, sweeps []float64) error {
	d.sweeps = append(d.sweeps, sweeps...)
	if _, err := d.f.Write(pixels); err != nil {
		return err
	}
	d.sum.Write(pixels)
	d.done += len(pixels) / int(d.each())
	return nil
}

// put writes images to their place, from one on, without counting them in.
func (d *drawing) put(at int, pixels []uint8) error {
	_, err := d.f.WriteAt(pixels, d.head+int64(at)*d.each())
	return err
}

// count counts in the images that were put, up to one.
func (d *drawing) count(to int) error {
	at := d.head + int64(d.done)*d.each()
	if _, err := io.CopyN(d.sum, io.NewSectionReader(d.f, at, 1<<62), int64(to-d.done)*d.each()); err != nil {
		return fmt.Errorf("%s: images %d to %d: %w", d.images, d.done, to, err)
	}
	d.done = to
	return nil
}

// save notes what is there, for another attempt to go on from.
func (d *drawing) save() error {
	began := time.Now()
	defer func() { d.saved, d.cost = time.Now(), time.Since(began) }()
	if err := d.f.Sync(); err != nil {
		return err
	}
	raw, err := json.Marshal(drawnSoFar{d.done, hex.EncodeToString(d.sum.Sum(nil)), d.sweeps})
	if err != nil {
		return err
	}
	next := d.note + nextEnding
	if err := os.WriteFile(next, raw, 0o644); err != nil {
		return err
	}
	return os.Rename(next, d.note)
}

// due says whether it is time for a note: no more often than every, and for one part
// in costBound of the time.
func (d *drawing) due(every time.Duration) bool {
	return every > 0 && time.Since(d.saved) >= max(every, costBound*d.cost)
}

// read reads image i into a place.
func (d *drawing) read(i int, into []uint8) error {
	_, err := d.f.ReadAt(into, d.head+int64(i)*d.each())
	return err
}

// moveTo ends the drawing, all of which is there, and gives the file its place.
func (d *drawing) moveTo(path string) error {
	if d.done != d.shape[0] {
		return fmt.Errorf("%s: %d images of %d", d.images, d.done, d.shape[0])
	}
	// Where a file system has no locks, somebody else may have written into it.
	found := sha256.New()
	if _, err := io.Copy(found, io.NewSectionReader(d.f, d.head, int64(d.done)*d.each())); err != nil {
		return err
	}
	if !bytes.Equal(found.Sum(nil), d.sum.Sum(nil)) {
		return errors.Join(fmt.Errorf("%s was changed while it was drawn", d.images), removed(d.note))
	}
	if err := os.Rename(d.images, path); err != nil {
		return err
	}
	return errors.Join(removed(d.note), d.f.Close())
}

func (d *drawing) close() { d.f.Close() }

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Several processes draw in rounds: each a batch of its own images, which it writes to
// their place in the one file. After a round the first process counts the images in.

// drawFile is what the first process tells the others.
type drawFile struct {
	Path string `json:"path"`
	Done int    `json:"done"` // images that are there
}

// beginDrawing lets the others draw into the file, too.
func (t *task) beginDrawing(d *drawing) error {
	raw, err := json.Marshal(drawFile{d.images, d.done})
	if err != nil {
		return err
	}
	return t.team.Begin(string(raw))
}

// drawn takes this process's images of a round, and counts those of all in: there are
// to of them then.
func (t *task) drawn(d *drawing, at int, pixels []uint8, sweeps []float64, to int) error {
	sweeps, err := sweepsOfRound(t.team, sweeps, at-d.done, to-d.done)
	if err != nil {
		return err
	}
	if t.team.Size() == 1 {
		return d.add(pixels, sweeps)
	}
	d.sweeps = append(d.sweeps, sweeps...)
	if err := d.put(at, pixels); err != nil {
		return err
	}
	if err := endRound(t.team, to); err != nil {
		return err
	}
	return d.count(to)
}

// sweepsOfRound are those of all n images of a round, of which this process's begin at
// at; nil where none are counted.
func sweepsOfRound(g ranks.Group, own []float64, at, n int) ([]float64, error) {
	if own == nil {
		return nil, nil
	}
	all := make([]float64, n)
	copy(all[at:], own)
	return all, g.SumWide(all)
}

// endRound waits until all have written their images of a round.
func endRound(g ranks.Group, to int) error {
	return ranks.Agree(g, "the end of the round of images", float64(to))
}

// sampleRank draws the images of a process after the first.
func (t *task) sampleRank() error {
	group, err := ranks.Join(t.job.Meeting, t.job.Rank)
	if err != nil {
		return err
	}
	defer group.Close()
	model, done, err := t.trained()
	if err != nil {
		return err
	}
	defer done()
	var in drawFile
	if err := json.Unmarshal([]byte(t.job.Begin()), &in); err != nil {
		return fmt.Errorf("what the first process said: %w", err)
	}
	if err := t.meet(group); err != nil {
		return err
	}
	n, c := t.set.Count, model.Params().Shape()
	d := &drawing{shape: []int{n, c.Size, c.Size, c.Channels}}
	d.head = int64(len(outside.Header("|u1", d.shape...)))
	if d.f, err = os.OpenFile(in.Path, os.O_WRONLY, 0); err != nil {
		return err
	}
	defer d.close()
	batch, to := min(max(t.set.Batch, 1), n), in.Done
	labels := EvenLabels(n, c.Classes)
	return drawRounds(model, t.set.Params, batch, labels, in.Done, group, func(at int, pixels []uint8, sweeps []float64) error {
		from := to
		to = min(to+batch*group.Size(), n)
		if _, err := sweepsOfRound(group, sweeps, at-from, to-from); err != nil {
			return err
		}
		if err := d.put(at, pixels); err != nil {
			return err
		}
		return endRound(group, to)
	})
}
