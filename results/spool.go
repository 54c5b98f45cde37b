package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// spoolFormat is the version of spool files that this program writes and the
// newest it reads.
const spoolFormat = 1

// maxSpoolBytes bounds what one attempt may bring: 500,000 raw samples fit.
const maxSpoolBytes = 64 << 20

// spoolFile is an attempt as it lies in the spool folder. A bare attempt is
// accepted as well; the digest is what shows a flipped bit.
type spoolFile struct {
	Format int    `json:"format,omitempty"`
	Digest string `json:"digest,omitempty"` // SHA-256 of the attempt, see Attempt.digest
	Attempt
}

// WriteSpool leaves an attempt in the spool folder dir, which is made if need
// be, as <id>.json for the one process that stores results. The file is there
// whole or not at all, and on disk when WriteSpool returns; until then it has
// a name that starts with a dot, which [DB.IngestDir] never looks at.
func WriteSpool(dir string, a Attempt) (path string, err error) {
	if err := a.Check(); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: the result of attempt %s could not be left in the spool folder: %w", dir, a.ID, err)
		}
	}()
	a = a.normal()
	content, err := json.Marshal(spoolFile{Format: spoolFormat, Digest: a.digest(), Attempt: a})
	if err != nil {
		return "", err
	}
	content = append(content, '\n')
	if len(content) > maxSpoolBytes {
		return "", fmt.Errorf("it has %d bytes and may have %d: leave out samples or shorten the log", len(content), maxSpoolBytes)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "."+a.ID+".*.part")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(content); err != nil {
		return "", err
	}
	if err := f.Chmod(0o644); err != nil { // CreateTemp keeps others out; the one that ingests may be another user
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	path = filepath.Join(dir, a.ID+".json")
	if err := os.Rename(f.Name(), path); err != nil {
		return "", err
	}
	return path, syncFile(dir)
}

// ErrSpoolNewer is in the error for a spool file of a newer program.
var ErrSpoolNewer = errors.New("written by a newer version of prabench: update this one; the file stays where it is")

// corruptError says why a spool file can never be stored.
type corruptError struct{ why string }

func (e *corruptError) Error() string { return e.why }

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
	a, err := decodeSpool(content)
	if err != nil {
		return Attempt{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// decodeSpool reads a spool file's content; its errors are corruptErrors or
// ErrSpoolNewer.
func decodeSpool(content []byte) (Attempt, error) {
	if len(content) > maxSpoolBytes {
		return Attempt{}, &corruptError{fmt.Sprintf("the file has more than %d bytes, no attempt is so large", maxSpoolBytes)}
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
			return Attempt{}, &corruptError{fmt.Sprintf("the file ends early, after %d bytes", len(content))}
		}
		return Attempt{}, &corruptError{"the file is not an attempt in JSON: " + err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return Attempt{}, &corruptError{fmt.Sprintf("something follows the attempt at byte %d", d.InputOffset())}
	}
	if err := s.Attempt.Check(); err != nil {
		return Attempt{}, &corruptError{err.Error()}
	}
	a := s.Attempt.normal()
	if s.Digest != "" && s.Digest != a.digest() {
		return Attempt{}, &corruptError{"the content does not match its checksum: a bit flipped or the file was edited"}
	}
	return a, nil
}
