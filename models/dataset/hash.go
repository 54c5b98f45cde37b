package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Versions of what is done to pixels after they are read; raised whenever the
// resulting bytes change, so that hashes change with them.
const (
	fitVersion    = 1
	shapesVersion = 1
)

// dataHash builds Data.Hash from text records.
type dataHash struct{ h hash.Hash }

// newHash starts with everything that decides about the pixels besides the
// source files: the form, the number of images, and the seed of drawn sets.
func (r resolved) newHash(train, test int) dataHash {
	d := dataHash{sha256.New()}
	d.add("prabench data 1")
	d.add(fmt.Sprintf("set=%s size=%d channels=%d fit=%s train=%d test=%d", r.Set, r.info.Size, r.info.Channels, r.fit, train, test))
	if r.Set == Shapes {
		d.add(fmt.Sprintf("shapes version=%d seed=%d", shapesVersion, r.Seed))
	} else {
		d.add(fmt.Sprintf("fit version=%d", fitVersion))
		if r.Decoder == turboDecoder {
			d.add("decoder=" + turboDecoder)
		}
	}
	return d
}

func (d dataHash) add(record string) { fmt.Fprintf(d.h, "%d:%s\n", len(record), record) }

// addImage adds a decoded image by its label and the SHA-256 of its pixels.
func (d dataHash) addImage(label int32, sum [sha256.Size]byte) {
	d.add(fmt.Sprintf("%d %s", label, hex.EncodeToString(sum[:])))
}

func (d dataHash) addPixels(label int32, pixels []byte) { d.addImage(label, sha256.Sum256(pixels)) }

func (d dataHash) sum() string { return hex.EncodeToString(d.h.Sum(nil)) }
