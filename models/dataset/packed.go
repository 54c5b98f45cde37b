package dataset

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"prabench/internal/atomicfile"
)

// A packed file holds decoded pixels in the form that a training reads: a magic
// line, from packedAt on the images one after another, and at the end a footer:
// the labels, the CRC-32C of each image, a JSON head, the CRC-32C of all that, its
// length, and the magic line again. The writer needs to know nothing before
// the last image, and each read checks the image. Images are read into place
// from the page cache, which all processes of a machine share: a mapping would
// count as memory of each of them, and end a process where a disk fails.
const (
	packedMagic  = "prabench pixels 3\n" // changes whenever the decoder or the format does
	packedAt     = 4096
	packedEnding = ".pack"
	mostFooter   = 1 << 31
)

// packedHead is what is known of the images besides pixels and labels.
type packedHead struct {
	Root     string   `json:"root"`          // the folder they come from
	Set      string   `json:"set,omitempty"` // whose name the hash begins with; absent: [Folder]
	Hash     string   `json:"hash"`
	Found    []string `json:"found,omitempty"`
	Train    int      `json:"train"`
	Test     int      `json:"test"`
	Bytes    int      `json:"bytes"`              // of an image
	Absent   bool     `json:"absent,omitempty"`   // no pixels: the pictures are decoded whenever they are read
	Size     int      `json:"size,omitempty"`     // these only in files made by data pack
	Channels int      `json:"channels,omitempty"` // …
	Fit      string   `json:"fit,omitempty"`
	Decoder  string   `json:"decoder,omitempty"`
	Classes  []string `json:"classes,omitempty"`
}

// decoded is what becomes of pictures, apart from their pixels.
type decoded struct {
	packedHead
	labels []int32
	sums   []uint32 // CRC-32C of each image
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(pixels []byte) uint32 { return crc32.Checksum(pixels, castagnoli) }

// writePacked makes a packed file; put is given a way to write image i, from many
// goroutines at once, and returns what the footer says.
func writePacked(path string, each int, put func(write func(i int, pixels []byte) error) (*decoded, error)) (d *decoded, err error) {
	err = atomicfile.Write(path, 0o644, func(w *os.File) error {
		if _, err := w.WriteString(packedMagic); err != nil {
			return err
		}
		if d, err = put(func(i int, pixels []byte) error {
			_, err := w.WriteAt(pixels, packedAt+int64(i)*int64(each))
			return err
		}); err != nil {
			return err
		}
		at := int64(packedAt)
		if !d.Absent {
			at += int64(len(d.labels)) * int64(each)
		}
		if _, err := w.Seek(at, io.SeekStart); err != nil {
			return err
		}
		_, err := w.Write(d.footer())
		return err
	})
	return d, err
}

// footer is the end of a packed file.
func (d *decoded) footer() []byte {
	head, err := json.Marshal(d.packedHead)
	if err != nil {
		panic("dataset: " + err.Error()) // strings and numbers
	}
	var b []byte
	for _, l := range d.labels {
		b = binary.LittleEndian.AppendUint32(b, uint32(l))
	}
	for _, s := range d.sums {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	b = append(b, head...)
	b = binary.LittleEndian.AppendUint32(b, checksum(b))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(b)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(head)))
	return append(b, packedMagic...)
}

var errNotPacked = errors.New("is not a file of packed images that this version reads, or is damaged")

// readFooter reads all of a packed file but the pixels.
func readFooter(f *os.File) (*decoded, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	const tail = 16 + len(packedMagic)
	end := make([]byte, tail)
	if st.Size() < int64(packedAt+tail) {
		return nil, errNotPacked
	}
	if _, err := f.ReadAt(end, st.Size()-int64(tail)); err != nil || string(end[16:]) != packedMagic {
		return nil, errNotPacked
	}
	length, head := binary.LittleEndian.Uint64(end), binary.LittleEndian.Uint64(end[8:])
	if length > mostFooter || int64(length) > st.Size()-int64(packedAt+tail) || head > length-4 || (length-head-4)%8 != 0 {
		return nil, errNotPacked
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, st.Size()-int64(tail)-int64(length)); err != nil {
		return nil, errNotPacked
	}
	body := b[:length-4]
	if checksum(body) != binary.LittleEndian.Uint32(b[length-4:]) {
		return nil, errNotPacked
	}
	d := &decoded{}
	n := int(length-head-4) / 8
	if json.Unmarshal(body[8*n:], &d.packedHead) != nil || d.Hash == "" || d.Train < 0 || d.Test < 0 || d.Train+d.Test != n || d.Bytes < 1 {
		return nil, errNotPacked
	}
	pixels := int64(n) * int64(d.Bytes)
	if d.Absent {
		pixels = 0
	}
	if st.Size() != packedAt+pixels+int64(length)+int64(tail) {
		return nil, errNotPacked
	}
	d.labels, d.sums = make([]int32, n), make([]uint32, n)
	for i := range n {
		d.labels[i] = int32(binary.LittleEndian.Uint32(body[4*i:]))
		d.sums[i] = binary.LittleEndian.Uint32(body[4*n+4*i:])
	}
	return d, nil
}

// data is the images of a packed file that is open: in memory, if they may be, or
// else to be read from the file.
func (d *decoded) data(f *os.File, resident bool) (*Data, error) {
	n := d.Train + d.Test
	out := &Data{Hash: d.Hash, Found: d.Found}
	all := &packedReader{f: f, each: d.Bytes, sums: d.sums}
	if !resident {
		out.Train = Split{N: d.Train, Labels: d.labels[:d.Train:d.Train], Reader: all}
		out.Test = Split{N: d.Test, Labels: d.labels[d.Train:], Reader: from{all, d.Train}}
		return out, nil
	}
	pixels := make([]byte, n*d.Bytes)
	in := bufio.NewReaderSize(io.NewSectionReader(f, packedAt, int64(len(pixels))), 1<<20)
	for i := range n {
		p := pixels[i*d.Bytes : (i+1)*d.Bytes]
		if _, err := io.ReadFull(in, p); err != nil {
			return nil, err
		}
		if checksum(p) != d.sums[i] {
			return nil, fmt.Errorf("%s is damaged: the pixels of image %d are not those that were written", f.Name(), i)
		}
	}
	cut := d.Train * d.Bytes
	out.Train = Split{N: d.Train, Pixels: pixels[:cut:cut], Labels: d.labels[:d.Train:d.Train]}
	out.Test = Split{N: d.Test, Pixels: pixels[cut:], Labels: d.labels[d.Train:]}
	return out, nil
}

// packedReader reads the images of a packed file.
type packedReader struct {
	f    *os.File
	each int
	sums []uint32
}

func (r *packedReader) Read(i int, into []uint8) error {
	into = into[:r.each]
	if _, err := r.f.ReadAt(into, packedAt+int64(i)*int64(r.each)); err != nil {
		return fmt.Errorf("reading image %d of %s: %w", i, r.f.Name(), err)
	}
	if checksum(into) != r.sums[i] {
		return fmt.Errorf("%s is damaged: the pixels of image %d are not those that were written; remove it and it is made again", r.f.Name(), i)
	}
	return nil
}

// from is the images from a number on.
type from struct {
	Reader
	first int
}

func (f from) Read(i int, into []uint8) error { return f.Reader.Read(f.first+i, into) }

// isPacked says whether data.root names a packed file.
func isPacked(root string) bool {
	st, err := os.Stat(root)
	return err == nil && st.Mode().IsRegular() && strings.EqualFold(filepath.Ext(root), packedEnding)
}

// openPacked reads the footer of a file that data pack made, and checks that it is
// what the [data] table asks for.
func (r *resolved) openPacked() (*os.File, *decoded, error) {
	f, _, err := openRegular(r.Root)
	if err != nil {
		return nil, nil, err
	}
	d, err := readFooter(f)
	if err == nil && (len(d.Classes) == 0 || d.Absent || d.Size < 1 || d.Bytes != d.Size*d.Size*d.Channels) {
		err = errNotPacked
	}
	if err != nil {
		f.Close()
		return nil, nil, problem("data.root", "%s %v", r.Root, err)
	}
	for _, l := range d.labels {
		if l < 0 || int(l) >= len(d.Classes) {
			f.Close()
			return nil, nil, problem("data.root", "%s has a label %d and %d classes", r.Root, l, len(d.Classes))
		}
	}
	for _, x := range []struct {
		key       string
		want, has any
	}{{"data.decoder", r.Decoder == turboDecoder, d.Decoder == turboDecoder}, {"data.size", r.info.Size, d.Size},
		{"data.channels", r.info.Channels, d.Channels}, {"data.fit", r.fit, d.Fit}} {
		if x.want != x.has {
			f.Close()
			if x.key == "data.decoder" {
				return nil, nil, problem(x.key, "%s was packed with decoder = %q: set it so, or pack the images again", r.Root,
					cmp.Or(d.Decoder, goDecoder))
			}
			return nil, nil, problem(x.key, "%v is asked for, and %s was packed with %v: set it so, or pack the images again", x.want, r.Root, x.has)
		}
	}
	return f, d, nil
}

// limited keeps the first images of both splits of a packed file, as folders do.
func (d *Data) limited(r resolved) {
	for _, s := range []*Split{&d.Train, &d.Test} {
		if n := limited(s.N, r.Limit); n < s.N {
			s.N, s.Labels = n, s.Labels[:n]
			if s.Pixels != nil {
				s.Pixels = s.Pixels[:n*r.info.Size*r.info.Size*r.info.Channels]
			}
		}
	}
}

// loadPacked is the images of a packed file.
func loadPacked(r resolved) (*Data, error) {
	f, d, err := r.openPacked()
	if err != nil {
		return nil, err
	}
	bytes := int64(len(d.labels)) * int64(d.Bytes)
	resident := bytes <= residentMost()
	out, err := d.data(f, resident)
	if resident {
		f.Close()
	}
	if err != nil {
		return nil, err
	}
	part := r.Limit > 0 && (r.Limit < d.Train || r.Limit < d.Test)
	turned := slices.ContainsFunc(d.Found, func(said string) bool { return strings.HasSuffix(said, turnedUpright) })
	switch {
	case part && turned:
		return nil, problem("data.limit", "%s does not say which of its pictures were turned upright as their EXIF orientation says, "+
			"so it cannot name a part of them: pack that part, with the same data.limit", r.Root)
	case part:
		out.limited(r)
	case cmp.Or(d.Set, Folder) == r.Set:
		return out, nil
	}
	if err := out.rehash(r, turned); err != nil {
		return nil, err
	}
	return out, nil
}

// rehash names images of a packed file as those of their folder are named.
func (d *Data) rehash(r resolved, turned bool) error {
	h := r.newHash(d.Train.N, d.Test.N)
	pixels := make([]byte, r.info.Size*r.info.Size*r.info.Channels)
	for _, s := range []Split{d.Train, d.Test} {
		for i := range s.N {
			if err := s.Read(i, pixels); err != nil {
				return err
			}
			h.addPixels(s.Labels[i], pixels)
		}
	}
	if turned {
		h.add(uprightRecord)
	}
	d.Hash = h.sum()
	return nil
}

// Pack writes the images that a [data] table means into one file of raw pixels,
// which data.root can name in their place. Their identity is the same.
func Pack(ctx context.Context, s Spec, path string, p Progress) (*Data, error) {
	r, err := s.resolve()
	if err != nil {
		return nil, err
	}
	if s.Set != Folder && s.Set != ImageNet {
		return nil, problem("data.set", "%s is small and needs no packing; folders, tar shards and Parquet files can be packed", s.Set)
	}
	if filepath.Ext(path) != packedEnding {
		return nil, fmt.Errorf("%s: the name of a packed file ends in %s", path, packedEnding)
	}
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("%s is there already: remove it, or name another file", path)
	}
	d, err := Load(ctx, s, p)
	if err != nil {
		return nil, err
	}
	about := &decoded{packedHead: packedHead{Root: absolute(s.Root), Set: s.Set, Hash: d.Hash, Found: d.Found,
		Train: d.Train.N, Test: d.Test.N,
		Bytes: d.Size * d.Size * d.Channels, Size: d.Size, Channels: d.Channels, Fit: r.fit, Decoder: s.Decoder, Classes: d.Info.ClassNames},
		labels: append(append([]int32{}, d.Train.Labels...), d.Test.Labels...), sums: make([]uint32, d.Train.N+d.Test.N)}
	_, err = writePacked(path, about.Bytes, func(write func(i int, pixels []byte) error) (*decoded, error) {
		var done atomic.Int64
		return about, inParallel(ctx, len(about.labels), func(i int) error {
			pixels := make([]byte, about.Bytes)
			split, at := d.Train, i
			if i >= d.Train.N {
				split, at = d.Test, i-d.Train.N
			}
			if err := split.Read(at, pixels); err != nil {
				return err
			}
			about.sums[i] = checksum(pixels)
			if n := done.Add(1); n%64 == 0 || int(n) == len(about.labels) {
				p.report("packing images", n, int64(len(about.labels)))
			}
			return write(i, pixels)
		})
	})
	return d, err
}
