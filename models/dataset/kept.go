package dataset

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"prabench/internal/atomicfile"
)

// Every stage of an experiment loads its data in a process of its own, and
// decoding a large folder takes minutes. From keepFrom pictures on the decoded
// pixels are kept in the data folder and used again while no file's name, size
// or time has changed. Losing or spoiling a kept file only costs time.
const keepFrom = 1000

// keptMagic changes whenever the decoder or the format does.
const keptMagic = "prabench pixels 2\n"

// keptHead follows the magic: a line of JSON, padded with spaces so that all
// have one length.
type keptHead struct {
	Root  string   `json:"root"` // the folder they come from
	Hash  string   `json:"hash"`
	Found []string `json:"found,omitempty"`
}

const keptHeadBytes = 8192

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// folderKey names the decoded form of these files.
func (r resolved) folderKey(all []item) string {
	h := sha256.New()
	abs, err := filepath.Abs(r.Root)
	if err != nil {
		return ""
	}
	fmt.Fprintf(h, "%s%s\n%d %d %s %d %s\n", keptMagic, abs, r.info.Size, r.info.Channels, r.fit, fitVersion, runtime.Version())
	for _, f := range all {
		st, err := os.Stat(filepath.Join(r.Root, filepath.FromSlash(f.rel)))
		if err != nil {
			return ""
		}
		fmt.Fprintf(h, "%q %d %d %d\n", f.rel, f.class, st.Size(), st.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil))
}

func keptPath(key string) (string, error) {
	dir, err := DataDir()
	return filepath.Join(dir, "decoded", key+".bin"), err
}

// keep writes a decoded folder: magic, head, labels, pixels, CRC-32C of all
// before. Failing to is no error: the next load decodes.
func keep(key, root string, d *Data) {
	path, err := keptPath(key)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o777) != nil {
		return
	}
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	head, err := json.Marshal(keptHead{root, d.Hash, d.Found})
	if err != nil || len(head) >= keptHeadBytes || !makeRoom(int64(len(d.Train.Pixels)+len(d.Test.Pixels))) {
		return
	}
	head = append(head, bytes.Repeat([]byte(" "), keptHeadBytes-1-len(head))...)
	_ = atomicfile.Write(path, 0o644, func(w *os.File) error {
		sum := crc32.New(castagnoli)
		out := io.MultiWriter(w, sum)
		for _, part := range [][]byte{[]byte(keptMagic), append(head, '\n'), labelBytes(d.Train.Labels), labelBytes(d.Test.Labels),
			d.Train.Pixels, d.Test.Pixels} {
			if _, err := out.Write(part); err != nil {
				return err
			}
		}
		return binary.Write(w, binary.LittleEndian, sum.Sum32())
	})
}

func labelBytes(labels []int32) []byte {
	var b []byte
	for _, l := range labels {
		b = binary.LittleEndian.AppendUint32(b, uint32(l))
	}
	return b
}

// readKept returns nil unless a kept file is there and whole.
func readKept(key string, train, test, size, channels, classes int) *Data {
	path, err := keptPath(key)
	if key == "" || err != nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	n, each := train+test, size*size*channels
	st, err := f.Stat()
	if err != nil || st.Size() != int64(len(keptMagic)+keptHeadBytes+4*n)+int64(n)*int64(each)+4 {
		return nil
	}
	sum := crc32.New(castagnoli)
	in := bufio.NewReaderSize(f, 1<<20)
	head, packed, pixels := make([]byte, len(keptMagic)+keptHeadBytes), make([]byte, 4*n), make([]byte, n*each)
	for _, part := range [][]byte{head, packed, pixels} {
		if _, err := io.ReadFull(in, part); err != nil {
			return nil
		}
		sum.Write(part)
	}
	var want uint32
	if binary.Read(in, binary.LittleEndian, &want) != nil || want != sum.Sum32() || string(head[:len(keptMagic)]) != keptMagic {
		return nil
	}
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(binary.LittleEndian.Uint32(packed[4*i:]))
		if labels[i] < 0 || int(labels[i]) >= classes {
			return nil
		}
	}
	var about keptHead
	if json.Unmarshal(head[len(keptMagic):], &about) != nil || about.Hash == "" {
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // what is used stays
	return &Data{
		Train: Split{train, pixels[: train*each : train*each], labels[:train:train]},
		Test:  Split{test, pixels[train*each:], labels[train:]},
		Hash:  about.Hash,
		Found: about.Found,
	}
}
