package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// maxInflate is the largest factor by which DEFLATE can shrink its input, so a
// packed file of n bytes never holds more than n·maxInflate.
const maxInflate = 1032

// firstAllocation bounds what a header alone can make us allocate; beyond it
// the buffer grows only as bytes arrive.
const firstAllocation = 64 << 20

// idx is the content of an IDX file of unsigned bytes.
type idx struct {
	Dims []int  // images: count, rows, columns; labels: count
	Data []byte // the product of Dims bytes
	Sum  string // SHA-256 in hex of the whole unpacked file
}

// readIDXFile reads a plain or gzipped IDX file with the given number of
// dimensions.
func readIDXFile(path string, dims int) (idx, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return idx{}, err
	}
	defer f.Close()
	return readIDX(f, path, size, dims)
}

// readIDX reads an IDX file from r: two zero bytes, the type 0x08 (unsigned
// byte), the number of dimensions, each dimension as a big-endian uint32, then
// the data. A gzip stream is unpacked. Size is the number of bytes behind r,
// which bounds what a header may claim before anything is allocated for it.
func readIDX(r io.Reader, name string, size int64, dims int) (idx, error) {
	var out idx
	limit := uint64(size)
	head := make([]byte, 2)
	n, _ := io.ReadFull(r, head)
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	packed := n == 2 && head[0] == 0x1f && head[1] == 0x8b
	if packed {
		z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<18))
		if err != nil {
			return out, fmt.Errorf("%s (%d bytes) is damaged: %w", name, size, err)
		}
		defer z.Close()
		r, limit = z, limit*maxInflate
	}
	head = make([]byte, 4+4*dims)
	if n, err := io.ReadFull(r, head); err != nil {
		return out, fmt.Errorf("%s (%d bytes) is damaged: it ends after %d of the %d header bytes of an IDX file%s", name, size, n,
			len(head), because(err))
	}
	if head[0] != 0 || head[1] != 0 || head[2] != 8 || int(head[3]) != dims {
		return out, fmt.Errorf("%s (%d bytes) is not the IDX file expected here: it starts with % x, an IDX file of unsigned bytes with %d "+
			"dimension(s) starts with 00 00 08 %02x", name, size, head[:4], dims, dims)
	}
	want, over := uint64(1), false
	for i := range dims {
		d := binary.BigEndian.Uint32(head[4+4*i:])
		out.Dims = append(out.Dims, int(d))
		hi, lo := bits.Mul64(want, uint64(d))
		over = over || hi != 0
		want = lo
	}
	holds := "holds"
	if packed {
		holds = "cannot unpack to more than"
	} else {
		limit -= min(limit, uint64(len(head)))
	}
	if over || want > limit {
		return out, fmt.Errorf("%s is truncated or damaged: its header claims %s bytes of data, the file (%d bytes) %s %d", name,
			claims(out.Dims), size, holds, limit)
	}
	buf := make([]byte, min(want, firstAllocation))
	have := uint64(0)
	for have < want {
		if have == uint64(len(buf)) {
			buf = append(buf, make([]byte, min(want-have, have))...)
		}
		n, err := io.ReadFull(r, buf[have:])
		have += uint64(n)
		if err != nil {
			return out, fmt.Errorf("%s (%d bytes) is truncated: its header claims %s bytes of data, %d are there%s", name, size, claims(out.Dims),
				have, because(err))
		}
	}
	// One byte more must not be there; asking also makes gzip check its sum.
	if n, err := io.ReadFull(r, head[:1]); n != 0 {
		return out, fmt.Errorf("%s (%d bytes) is damaged: data go on after the %s bytes that its header claims", name, size, claims(out.Dims))
	} else if !errors.Is(err, io.EOF) {
		return out, fmt.Errorf("%s (%d bytes) is damaged: %w", name, size, err)
	}
	h := sha256.New()
	h.Write([]byte{0, 0, 8, byte(dims)})
	for _, d := range out.Dims {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(d)))
	}
	h.Write(buf)
	out.Data, out.Sum = buf, hex.EncodeToString(h.Sum(nil))
	return out, nil
}

// claims writes dimensions as a product, "60000×28×28".
func claims(dims []int) string {
	s := ""
	for i, d := range dims {
		if i > 0 {
			s += "×"
		}
		s += fmt.Sprint(d)
	}
	return s
}

// because adds the cause of a short read unless it is only the file's end.
func because(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ""
	}
	return ": " + err.Error()
}
