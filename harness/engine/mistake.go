package engine

import (
	"errors"
	"fmt"
	"io"

	"prabench/experiments"
	"prabench/internal/atomicfile"
	"prabench/metrics/embed"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/results"
)

// A Mistake is the user's to mend: in the command line, an experiment file or
// what the machine was given. Nothing has failed.
type Mistake struct{ Err error }

func (m *Mistake) Error() string { return m.Err.Error() }
func (m *Mistake) Unwrap() error { return m.Err }

// Mistakef makes a [Mistake] of a text.
func Mistakef(format string, args ...any) error { return &Mistake{fmt.Errorf(format, args...)} }

// IsFailure says whether an error is one of the disk, the database or the program
// itself, whatever else it wraps.
func IsFailure(err error) bool {
	return is[*Failure](err) || is[*results.Error](err) && !errors.Is(err, results.ErrMissing)
}

// IsMistake says whether the user can mend what went wrong, and nothing failed.
func IsMistake(err error) bool {
	return !IsFailure(err) && (errors.Is(err, results.ErrMissing) || is[*Mistake](err) || is[*TooLarge](err) || is[*TooLargeFile](err) ||
		is[*UnknownCell](err) ||
		is[*NotPlanned](err) || is[*OtherSource](err) || is[*results.UnknownVersion](err) ||
		is[*experiments.Error](err) || is[*models.KeyError](err) || is[*dataset.Error](err) || is[*embed.Error](err))
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// WriteOut writes a file that the user asked for, as [atomicfile.Output] does.
// That it cannot be made is a mistake; what fails later is not.
func WriteOut(path string, write func(io.Writer) error) error {
	begun := false
	err := atomicfile.Output(path, 0o644, func(w io.Writer) error { begun = true; return write(w) })
	if err != nil && !begun {
		return &Mistake{err}
	}
	return err
}
