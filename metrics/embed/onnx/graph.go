package onnx

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields in onnx.proto, of what is read here.
const (
	modelGraph       = 7
	graphNode        = 1
	graphInitialiser = 5
	nodeAttribute    = 5
	attributeTensor  = 5
	attributeGraph   = 6
	tensorType       = 2
	tensorFloats     = 4
	tensorRaw        = 9
	tensorExternal   = 13
	entryKey         = 1
	entryValue       = 2
)

// tensor is a constant of a graph: weights.
type tensor struct {
	raw      []byte // little-endian, nil where it lies in another file
	float    bool   // of 32 bits
	location string // of another file, relative to the network's folder
	offset   int64
	length   int64
}

// graph is what is read of a network besides ONNX Runtime's own reading: where its
// weights lie and what they are.
type graph struct{ tensors []tensor }

// readGraph finds the constants of a network. A file that cannot be followed has
// none: ONNX Runtime says what is wrong with it.
func readGraph(raw []byte) (graph, error) {
	var g graph
	err := fields(raw, func(number protowire.Number, model []byte, _ uint64) error {
		if number != modelGraph {
			return nil
		}
		return g.read(model)
	})
	return g, err
}

func (g *graph) read(raw []byte) error {
	return fields(raw, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case graphInitialiser:
			return g.add(value)
		case graphNode:
			return fields(value, func(number protowire.Number, attribute []byte, _ uint64) error {
				if number != nodeAttribute {
					return nil
				}
				return fields(attribute, func(number protowire.Number, value []byte, _ uint64) error {
					switch number {
					case attributeTensor:
						return g.add(value)
					case attributeGraph:
						return g.read(value)
					}
					return nil
				})
			})
		}
		return nil
	})
}

func (g *graph) add(raw []byte) error {
	var t tensor
	err := fields(raw, func(number protowire.Number, value []byte, n uint64) error {
		switch number {
		case tensorType:
			t.float = n == 1
		case tensorFloats:
			t.raw = append(t.raw, value...) // packed: little-endian, as raw data
		case tensorRaw:
			t.raw = value
		case tensorExternal:
			var key, text string
			if err := fields(value, func(number protowire.Number, value []byte, _ uint64) error {
				switch number {
				case entryKey:
					key = string(value)
				case entryValue:
					text = string(value)
				}
				return nil
			}); err != nil {
				return err
			}
			switch key {
			case "location":
				t.location = text
			case "offset":
				_, _ = fmt.Sscan(text, &t.offset)
			case "length":
				_, _ = fmt.Sscan(text, &t.length)
			}
		}
		return nil
	})
	g.tensors = append(g.tensors, t)
	return err
}

// fields calls each field of a message: its bytes, or its number.
func fields(raw []byte, each func(number protowire.Number, value []byte, n uint64) error) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		var value []byte
		var whole uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(raw)
		case protowire.VarintType:
			whole, n = protowire.ConsumeVarint(raw)
		default:
			n = protowire.ConsumeFieldValue(number, kind, raw)
			if n >= 0 {
				value = raw[:n] // a float on its own
			}
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		if err := each(number, value, whole); err != nil {
			return err
		}
	}
	return nil
}

// files are the other files that weights lie in, sorted.
func (g graph) files() []string {
	var out []string
	for _, t := range g.tensors {
		if t.location != "" && !slices.Contains(out, t.location) {
			out = append(out, t.location)
		}
	}
	slices.Sort(out)
	return out
}

// identity is the SHA-256 of a network: of its file, or of its file and of those
// beside it that hold its weights.
func (g graph) identity(path string, raw []byte) (string, error) {
	sum := sha256.Sum256(raw)
	text := hex.EncodeToString(sum[:])
	for _, name := range g.files() {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", fmt.Errorf("%s has weights in %q, which is not beside it", path, name)
		}
		other, err := hashFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
		if err != nil {
			return "", fmt.Errorf("%s has weights in a file beside it that cannot be read: %w", path, err)
		}
		text += " " + name + " " + other
	}
	return text, nil
}

// inception are the weights files of the Inception-v3 that FID means, by the
// SHA-256 of the file. docs/reference/features.md says how one is added.
var inception = map[string]string{
	// pytorch-fid's pt_inception-2015-12-05-6726825d.pth, the same file as
	// torch-fidelity's weights-inception-2015-12-05-6726825d.pth.
	"6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2": "pt_inception-2015-12-05-6726825d.pth",
}

// What a graph must have of a weights file: tensors of at least so many numbers are
// looked for, all of them must be in the file, and they must be so much of it. Of
// the file for FID the classes' 2,048 × 1,008 weights are not used, a twelfth.
const (
	leastNumbers = 16
	leastShare   = 0.8
)

// proven holds that the network has the weights of a file that is known: every
// constant of the graph is found in it byte for byte.
func (g graph) proven(path, weights string, known map[string]string) error {
	sum, err := hashFile(weights)
	if err != nil {
		return fmt.Errorf("the weights cannot be read: %w", err)
	}
	if known[sum] == "" {
		return fmt.Errorf("%s has the SHA-256 %s, which is none of the known weights of Inception-v3 for FID (%s): without them the distance "+
			"is no FID; leave metric out", weights, sum, strings.Join(slices.Sorted(values(known)), ", "))
	}
	whole, err := os.ReadFile(weights)
	if err != nil {
		return err
	}
	var wanted [][]byte
	var bytes int
	for _, t := range g.tensors {
		raw, err := t.bytes(filepath.Dir(path))
		if err != nil {
			return err
		}
		if t.float && len(raw) >= 4*leastNumbers {
			wanted, bytes = append(wanted, raw), bytes+len(raw)
		}
	}
	if missing := notIn(whole, wanted); missing > 0 {
		return fmt.Errorf("%d of %d weights of %s are not those of %s: export without folding (training = PRESERVE, "+
			"do_constant_folding = False), as docs/reference/features.md does it, or leave metric out", missing, len(wanted), path, weights)
	}
	if float64(bytes) < leastShare*float64(len(whole)) {
		return fmt.Errorf("%s has %d of the %d bytes of %s: it is a part of that network, and its distance no FID; leave metric out", path,
			bytes, len(whole), weights)
	}
	return nil
}

func values(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// bytes are the numbers of a constant, from its own file where they lie there.
func (t tensor) bytes(dir string) ([]byte, error) {
	if t.location == "" {
		return t.raw, nil
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(t.location)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	length := t.length
	if length == 0 {
		length = info.Size() - t.offset
	}
	if t.offset < 0 || length < 0 || t.offset+length > info.Size() {
		return nil, fmt.Errorf("%s is shorter than the network says", t.location)
	}
	raw := make([]byte, length)
	_, err = f.ReadAt(raw, t.offset)
	return raw, err
}

// notIn is how many of the pieces do not occur in the whole. Each is looked for by
// its first eight bytes, so that the whole is gone through once.
func notIn(whole []byte, pieces [][]byte) int {
	byStart := map[uint64][]int{}
	for i, p := range pieces {
		at := binary.LittleEndian.Uint64(p)
		byStart[at] = append(byStart[at], i)
	}
	var near [1 << 16 / 8]byte // bits of the first two bytes that any piece has
	for start := range byStart {
		near[start&0xffff>>3] |= 1 << (start & 7)
	}
	found := make([]bool, len(pieces))
	missing := len(pieces)
	for i := 0; i+8 <= len(whole) && missing > 0; i++ {
		low := uint16(whole[i]) | uint16(whole[i+1])<<8
		if near[low>>3]>>(low&7)&1 == 0 {
			continue
		}
		for _, k := range byStart[binary.LittleEndian.Uint64(whole[i:])] {
			if p := pieces[k]; !found[k] && len(whole)-i >= len(p) && string(whole[i:i+len(p)]) == string(p) {
				found[k] = true
				missing--
			}
		}
	}
	return missing
}
