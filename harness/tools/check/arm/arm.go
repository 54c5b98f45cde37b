// Package arm is both ends of the line between a check and a process that
// measures for it.
//
// Its principle is that two programs can only be compared while both are warm and
// neither works: so an arm is a process that opens a cell, does the calls it is
// asked for and otherwise sleeps. A request goes in as one line of JSON, its
// answer comes out as one line; nothing is decided here. [Serve] is the
// process's end, [Process] the other. The line is older than any one revision:
// a check talks to the arm of another one, so fields are only ever added.
package arm

import (
	"encoding/json"
	"time"

	"prabench/metrics/quantity"
)

// Version numbers the line. An arm refuses a request of another version.
const Version = 1

// Things that a request can ask for.
const (
	Open    = "open"    // a cell: load its model, warm up
	Time    = "time"    // calls of one metric of the open cell
	Machine = "machine" // the arithmetic peak and the copy bandwidth, now
)

// Request is one line to an arm.
type Request struct {
	Version int    `json:"version"`
	Do      string `json:"do"`

	// Of Open: the settings of the cell (package stage) and the file of its
	// model. What was open before is closed.
	Settings json.RawMessage `json:"settings,omitempty"`
	Model    string          `json:"model,omitempty"`
	Metrics  []string        `json:"metrics,omitempty"` // that will be timed

	// Of Time: calls until Spend is over, at least Least of them.
	Metric string        `json:"metric,omitempty"`
	Spend  time.Duration `json:"spend,omitempty"` // nanoseconds
	Least  int           `json:"least,omitempty"`
}

// Answer is one line from an arm.
type Answer struct {
	// Outcome is "" when all went well, else one of results' outcomes with its
	// reason.
	Outcome string `json:"outcome,omitempty"`
	Reason  string `json:"reason,omitempty"`

	Exact   map[string]float64 `json:"exact,omitempty"`   // of Open: figures without noise, by metric
	Seconds []float64          `json:"seconds,omitempty"` // of Time: each call
	Batch   int                `json:"batch,omitempty"`   // of Time: images per call

	Peak      float64 `json:"peak,omitempty"`      // of Machine: FLOP/s
	Bandwidth float64 `json:"bandwidth,omitempty"` // of Machine: bytes/s read and written

	Resident int64   `json:"resident,omitempty"` // largest size of the process so far, in bytes
	Used     float64 `json:"used"`               // processor seconds of the process since its start
	Backend  string  `json:"backend,omitempty"`  // of Open: what does the arithmetic
}

// Metrics that an arm can time.
var (
	Throughput = quantity.Throughput.Name        // a call draws measure.batch images
	Latency    = quantity.Latency.Name           // a call draws one image
	FirstBlock = quantity.FirstBlockLatency.Name // a call draws the first block of one image
	Training   = quantity.TrainThroughput.Name   // a call is a training step
)
