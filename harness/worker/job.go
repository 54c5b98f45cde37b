// Package worker is both ends of the line between the run, which decides, and
// the process that does one attempt at a stage.
//
// Its principle is that whatever computes may die at any moment, in any way, and
// that the one who started it must then know what to call it. A job goes in as
// JSON on the standard input; progress comes out as one JSON object per line; the
// result is a spool file that appears whole or not at all. [Serve] is the
// process's end, [Runner] the other; between them every ending has one of the
// outcomes of package results.
package worker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"prabench/results/record"
)

// Version numbers the form of a job. A worker refuses another version: a run
// and its workers may be two programs (CPU and CUDA), built apart.
const Version = 1

// Job is one attempt at one stage.
type Job struct {
	Version int    `json:"version"`
	Attempt string `json:"attempt"` // record.NewAttemptID
	Stage   string `json:"stage"`   // the stage's key
	Kind    string `json:"kind"`
	Cell    string `json:"cell,omitempty"`
	Label   string `json:"label,omitempty"` // the cell, for people
	Round   int    `json:"round,omitempty"` // of a timing: 1, 2, …

	Settings json.RawMessage   `json:"settings"`         // what the stage reads of the configuration
	Inputs   map[string]string `json:"inputs,omitempty"` // kind → key of the stages it builds on
	Device   string            `json:"device"`
	Threads  int               `json:"threads"`

	Artifacts string        `json:"artifacts"`         // root of the artifact store
	Spool     string        `json:"spool"`             // folder for the result
	Log       string        `json:"log,omitempty"`     // where the run keeps what this worker prints
	Timeout   time.Duration `json:"timeout,omitempty"` // nanoseconds; 0 = none

	// MemoryLimit is what the worker and whatever it starts may hold in the
	// machine's memory, in bytes; 0 = no limit of its own.
	MemoryLimit int64 `json:"memory_limit,omitempty"`

	Environment record.Environment `json:"environment"`

	// After is when the attempt that counts so far ended. The latest counts: where
	// the clock says less, that one was made by a clock that ran ahead, and this
	// one is dated a moment later.
	After time.Time `json:"after,omitzero"`

	// Team is where the processes compute that do the job together, this one first; empty
	// where one does it. A worker that does not know it does the job alone, with the same
	// result up to the order of sums.
	Team []Seat `json:"team,omitempty"`
	// Rank and Meeting are those of a process of a team after the first: its number and
	// the file in which they meet. Begin waits for what the first one tells them.
	Rank    int           `json:"rank,omitempty"`
	Meeting string        `json:"meeting,omitempty"`
	Begin   func() string `json:"-"`

	// Hold says that the standard input stays open as long as the run lives:
	// its end stops the worker as a signal would.
	Hold bool `json:"hold,omitempty"`
}

// Progress says how far an attempt is.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	What  string `json:"what,omitempty"` // "training", "reading mnist"
	Note  string `json:"note,omitempty"` // "loss 0.123"
	// Loss is the training loss after step Done, for anyone who follows its curve;
	// nil in other work.
	Loss *float64 `json:"loss,omitempty"`
}

// message is one line of a worker's standard output.
type message struct {
	Progress *Progress `json:"progress"`
}

// Dated gives an attempt at the stage times that make it the latest; it keeps how
// long it took.
func (j Job) Dated(a record.Attempt) record.Attempt {
	if ahead := j.After.Sub(a.Finished); !j.After.IsZero() && ahead >= 0 {
		ahead += time.Microsecond // what the database tells apart
		a.Started, a.Finished = a.Started.Add(ahead), a.Finished.Add(ahead)
	}
	return a
}

// attempt is the result of a job that ended as the outcome says.
func (j Job) attempt(outcome, reason string, started time.Time) record.Attempt {
	return record.Attempt{
		ID: j.Attempt, Stage: j.Stage, Kind: j.Kind, Cell: j.Cell, Device: j.Device, Environment: j.Environment,
		Outcome: outcome, Reason: reason, Log: j.Log, Started: started, Finished: time.Now(),
	}
}

// Refusal is an attempt that a worker ends for a known reason.
type Refusal struct {
	Outcome string // one of results' outcomes
	Reason  string
}

func (e *Refusal) Error() string { return e.Outcome + ": " + e.Reason }

const libraryChanged = "the library of matrix products is another than when the run began"

// CheckLibrary refuses a job of a run that began with another library of matrix
// products: its numbers would be recorded as that one's.
func CheckLibrary(j Job, name string) error {
	if before := j.Environment.GEMM; before != "" && before != name {
		return &Refusal{record.Interrupted, fmt.Sprintf("%s: %s, before %s; run the same command again, which names the new one in its results",
			libraryChanged, name, before)}
	}
	return nil
}

// ChangedLibrary says that an attempt ended for that; so would all others.
func ChangedLibrary(a record.Attempt) bool {
	return a.Outcome == record.Interrupted && strings.HasPrefix(a.Reason, libraryChanged)
}

// Invalid says that the configuration or its data cannot work.
func Invalid(format string, args ...any) error {
	return &Refusal{record.Invalid, fmt.Sprintf(format, args...)}
}
