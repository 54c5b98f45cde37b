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
		is[*UnknownCell](err) || is[*LeftOut](err) ||
		is[*NotPlanned](err) || is[*OtherSource](err) || is[*results.UnknownVersion](err) ||
		is[*experiments.Error](err) || is[*models.KeyError](err) || is[*dataset.Error](err) || is[*embed.Error](err))
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// CheckOut refuses a file that could not be written at the end of what is asked for,
// before anything is done: flag is what named it. Neither "" nor "-" is a file.
func CheckOut(flag, path string) error {
	if path == "" || path == "-" {
		return nil
	}
	return unwritable(flag, path, atomicfile.Possible(path))
}

// CheckOutFolder is [CheckOut] of a folder, which is made with those above it.
func CheckOutFolder(flag, path string) error {
	return unwritable(flag, path, atomicfile.PossibleFolder(path))
}

func unwritable(flag, path string, why error) error {
	if why == nil {
		return nil
	}
	return Mistakef("%s %s: %w: choose a place that can be written; nothing was started", flag, path, why)
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
