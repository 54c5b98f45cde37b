package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"prabench/internal/atomicfile"
)

// spoolFormat is the version of spool files that this program writes and the
// newest it reads. Since 2 a value says what its interval is over.
const spoolFormat = 2

// maxSpoolBytes bounds what one attempt may bring: 500,000 raw samples fit.
const maxSpoolBytes = 64 << 20

// spoolFile is an attempt as it lies in the spool folder. A bare attempt is
// accepted as well; the digest is what shows a flipped bit.
type spoolFile struct {
	Format int    `json:"format,omitempty"`
	Digest string `json:"digest,omitempty"` // SHA-256 of the attempt, see [Attempt.Digest]
	Attempt
}

// WriteSpool leaves an attempt in the spool folder dir, which is made if need
// be, as <id>.json for the one process that stores results. The file is there
// whole or not at all, and on disk when WriteSpool returns; until then it has
// a name that starts with a dot, which nobody ingests.
func WriteSpool(dir string, a Attempt) (path string, err error) {
	if err := a.Check(); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: the result of attempt %s could not be left in the spool folder: %w", dir, a.ID, err)
		}
	}()
	content, err := EncodeSpool(a)
	if err != nil {
		return "", err
	}
	if len(content) > maxSpoolBytes {
		return "", fmt.Errorf("it has %d bytes and may have %d: leave out samples or shorten the log", len(content), maxSpoolBytes)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	// The one that ingests may be another user: others may read it.
	path = filepath.Join(dir, a.ID+".json")
	return path, atomicfile.WriteBytes(path, 0o644, content)
}

// EncodeSpool gives the content of an attempt's spool file.
func EncodeSpool(a Attempt) ([]byte, error) {
	a = a.Normal()
	content, err := json.Marshal(spoolFile{Format: spoolFormat, Digest: a.Digest(), Attempt: a})
	return append(content, '\n'), err
}

// EncodeCopy gives the content of an attempt's copy that lies beside its
// artifacts: a spool file for people to read. It tells its format, so that an
// older program that meets it says that it is of a newer one.
func EncodeCopy(a Attempt) ([]byte, error) {
	return json.MarshalIndent(spoolFile{Format: spoolFormat, Attempt: a}, "", " ")
}

// ErrSpoolNewer is in the error for a spool file of a newer program.
var ErrSpoolNewer = errors.New("written by a newer version of prabench: update this one; the file stays where it is")

// A CorruptError says why a spool file can never be stored.
type CorruptError struct{ Why string }

func (e *CorruptError) Error() string { return e.Why }

// ReadSpool reads and checks a spool file.
func ReadSpool(path string) (Attempt, error) {
	f, err := os.Open(path)
	if err != nil {
		return Attempt{}, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSpoolBytes+1))
	if err != nil {
		return Attempt{}, err
	}
	a, err := DecodeSpool(content)
	if err != nil {
		return Attempt{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// DecodeSpool reads a spool file's content; its errors are of type [*CorruptError] or
// ErrSpoolNewer.
func DecodeSpool(content []byte) (Attempt, error) {
	if len(content) > maxSpoolBytes {
		return Attempt{}, &CorruptError{fmt.Sprintf("the file has more than %d bytes, no attempt is so large", maxSpoolBytes)}
	}
	var head struct {
		Format int `json:"format"`
	}
	if json.Unmarshal(content, &head) == nil && head.Format > spoolFormat {
		return Attempt{}, ErrSpoolNewer
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var s spoolFile
	if err := d.Decode(&s); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return Attempt{}, &CorruptError{fmt.Sprintf("the file ends early, after %d bytes", len(content))}
		}
		return Attempt{}, &CorruptError{"the file is not an attempt in JSON: " + err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return Attempt{}, &CorruptError{fmt.Sprintf("something follows the attempt at byte %d", d.InputOffset())}
	}
	if err := s.Attempt.Check(); err != nil {
		return Attempt{}, &CorruptError{err.Error()}
	}
	a := s.Attempt.Normal()
	if s.Digest != "" && s.Digest != a.Digest() {
		return Attempt{}, &CorruptError{"the content does not match its checksum: a bit flipped or the file was edited"}
	}
	return a, nil
}
