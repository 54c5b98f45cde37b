package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"sort"
	"strings"
	"time"

	"prabench/metrics/stat"
)

// Attempt is one try at a stage and everything that came of it. It is also,
// as JSON, the content of a spool file.
type Attempt struct {
	ID      string `json:"id"`             // from [NewAttemptID]; the same id is the same attempt
	Stage   string `json:"stage"`          // key of the stage, SHA-256 in hex
	Kind    string `json:"kind"`           // reference, train, sample, score, probe, exposure, seam, nearest or time
	Cell    string `json:"cell,omitempty"` // the cell on whose behalf it ran; the stage may serve more
	Outcome string `json:"outcome"`        // ok, invalid, oom, timeout, crash, interrupted or blocked
	Reason  string `json:"reason,omitempty"`
	Log     string `json:"log,omitempty"` // last lines or place of the worker's log

	Device   string    `json:"device,omitempty"` // "cpu" or "cuda:0"
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`

	Environment Environment `json:"environment"`
	// Protocol says how everything in this attempt was measured (batch,
	// precision, rounds, …). It must not hold what changes with the seed:
	// values of different protocols are never averaged.
	Protocol map[string]string `json:"protocol,omitempty"`

	Values    []Value    `json:"values,omitempty"`
	Readings  []Reading  `json:"samples,omitempty"`
	Artifacts []Artifact `json:"artifacts,omitempty"`
}

// Value is one number an attempt arrived at.
type Value struct {
	Metric string   `json:"metric"`
	Unit   string   `json:"unit"` // SI, "images/s", "bytes" or "1"
	Value  float64  `json:"value"`
	Lo     *float64 `json:"lo,omitempty"` // 95 % interval, nil when there is none
	Hi     *float64 `json:"hi,omitempty"`
	N      int      `json:"n"` // images or rounds behind it
	// Method is what the interval is over; older files do not say.
	Method stat.Method `json:"method,omitempty"`
	// Protocol is what else this value depends on (embedder, data, split,
	// counts), see [ProtocolText]; the attempt's protocol is put before it.
	Protocol string `json:"protocol,omitempty"`
}

// Estimated is a value with the interval of an estimate, if it has one.
func Estimated(metric, unit string, e stat.Estimate) Value {
	v := Value{Metric: metric, Unit: unit, Value: e.Value, N: e.N, Method: e.Method}
	v.Lo, v.Hi = e.Bounds()
	return v
}

// Reading is a raw measurement behind a Value, of one round.
type Reading struct {
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Round  int     `json:"round"`
	Value  float64 `json:"value"`
}

// Artifact is a file an attempt left, under the artifacts folder.
type Artifact struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Environment is the machine and the program of an attempt.
type Environment struct {
	ID          string            `json:"id,omitempty"` // hash of the rest; computed when an attempt is stored
	CPU         string            `json:"cpu,omitempty"`
	Cores       int               `json:"cores,omitempty"`
	Threads     int               `json:"threads,omitempty"`
	MemoryBytes int64             `json:"memory_bytes,omitempty"`
	OS          string            `json:"os,omitempty"`
	Kernel      string            `json:"kernel,omitempty"`
	Go          string            `json:"go,omitempty"`
	GitRevision string            `json:"git_revision,omitempty"`
	GitDirty    bool              `json:"git_dirty,omitempty"`
	GEMM        string            `json:"gemm,omitempty"` // library and version of the matrix products
	GPU         string            `json:"gpu,omitempty"`
	Driver      string            `json:"driver,omitempty"`
	Extra       map[string]string `json:"extra,omitempty"` // anything else worth keeping; part of the hash
}

// Hash is the environment's id: 32 hex digits over its content.
func (e Environment) Hash() string {
	e.ID = ""
	return Hash(e)[:32]
}

// DeviceClass names the hardware that results of a device depend on: the kind
// of device and its model, without an index: "cpu Xeon …", "cuda H200".
func (e Environment) DeviceClass(device string) string {
	kind, _, _ := strings.Cut(device, ":")
	model := e.CPU
	if kind != "cpu" && kind != "" {
		model = e.GPU
	}
	return strings.TrimSpace(kind + " " + model)
}

// Code names the program's state: the revision, with "+dirty" when the tree
// had uncommitted changes, or "unknown".
func (e Environment) Code() string {
	code := e.GitRevision
	if code == "" {
		code = "unknown"
	}
	if e.GitDirty {
		code += "+dirty"
	}
	return code
}

// revision is what git calls a commit.
var revision = regexp.MustCompile(`^[0-9a-f]{40}$`)

// KnownRevision says that a program's state, as [Environment.Code] names it, is a
// commit and nothing else: anybody can build that program again. The hash of a program
// of unknown source, or of changed source, is none.
func KnownRevision(code string) bool { return revision.MatchString(code) }

// ProtocolText writes settings as "key=value; key=value", sorted by key.
func ProtocolText(settings map[string]string) string {
	keys := make([]string, 0, len(settings))
	for k := range settings {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(k + "=" + settings[k])
	}
	return b.String()
}

// JoinProtocol joins the attempt's protocol, as text, and a value's own.
func JoinProtocol(attempt, value string) string {
	if attempt == "" || value == "" || attempt == value {
		return attempt + strings.TrimPrefix(value, attempt)
	}
	return attempt + "; " + value
}

var (
	attemptID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`) // a file name everywhere
	word      = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// IsWord says whether a name of a metric or of a stage kind can be stored: lower
// case letters, digits and underscores, a letter first.
func IsWord(name string) bool { return word.MatchString(name) }

// IsAttemptID says whether id has the form of [NewAttemptID] or another that is
// a file name everywhere.
func IsAttemptID(id string) bool { return attemptID.MatchString(id) }

// Check says what would keep the attempt from being stored, or nil. A value
// that is not a finite number is refused: the outcome of such an attempt is
// invalid, with a reason, not ok with a hole.
func (a Attempt) Check() error {
	switch {
	case !attemptID.MatchString(a.ID):
		return fmt.Errorf("attempt id %q is not 1 to 128 letters, digits, dots, dashes or underscores: use record.NewAttemptID", a.ID)
	case a.Stage == "" || strings.ContainsAny(a.Stage, " \t\n\x00"):
		return fmt.Errorf("attempt %s: stage key %q is empty or has blanks: it is the SHA-256 of the stage in hex", a.ID, a.Stage)
	case !word.MatchString(a.Kind):
		return fmt.Errorf("attempt %s: stage kind %q is not a word such as train, sample, score or time", a.ID, a.Kind)
	case !isAttemptOutcome(a.Outcome):
		return fmt.Errorf("attempt %s: outcome %q is not one of ok, invalid, oom, timeout, crash, interrupted, blocked", a.ID, a.Outcome)
	}
	type name struct{ metric, protocol string }
	seen := make(map[name]bool, len(a.Values))
	shared := ProtocolText(a.Protocol)
	for _, v := range a.Values {
		if !word.MatchString(v.Metric) {
			return fmt.Errorf("attempt %s: metric name %q is not a word such as throughput", a.ID, v.Metric)
		}
		for _, x := range []*float64{&v.Value, v.Lo, v.Hi} {
			if x != nil && !finite(*x) {
				return fmt.Errorf("attempt %s: %s or its interval is %v: record an attempt with outcome invalid and the reason instead",
					a.ID, v.Metric, *x)
			}
		}
		if v.Method != stat.None && (!word.MatchString(string(v.Method)) || v.Lo == nil || v.Hi == nil) {
			return fmt.Errorf("attempt %s: %s has an interval by the method %q but not both ends, or that is no word: a value without an "+
				"interval has no method", a.ID, v.Metric, v.Method)
		}
		if n := (name{v.Metric, JoinProtocol(shared, v.Protocol)}); seen[n] {
			return fmt.Errorf("attempt %s: %s is given twice under the same protocol", a.ID, v.Metric)
		} else {
			seen[n] = true
		}
	}
	for _, s := range a.Readings {
		if !word.MatchString(s.Metric) || !finite(s.Value) {
			return fmt.Errorf("attempt %s: sample %q = %v of round %d needs a metric's name and a finite value", a.ID, s.Metric, s.Value, s.Round)
		}
	}
	for i, f := range a.Artifacts {
		if f.Name == "" {
			return fmt.Errorf("attempt %s: artifact %d has no name", a.ID, i+1)
		}
		for _, g := range a.Artifacts[:i] {
			if f.Name == g.Name {
				return fmt.Errorf("attempt %s: artifact %s is given twice", a.ID, f.Name)
			}
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Normal brings an attempt to the one form that is hashed and stored: UTC
// without a monotonic reading, the environment's id filled in.
func (a Attempt) Normal() Attempt {
	a.Started, a.Finished = a.Started.UTC().Round(0), a.Finished.UTC().Round(0)
	if a.Finished.IsZero() {
		a.Finished = a.Started
	}
	a.Environment.ID = a.Environment.Hash()
	return a
}

// Digest is the SHA-256 of a normal attempt's content.
func (a Attempt) Digest() string { return Hash(a) }

// Hash is the SHA-256 in hex of v as JSON; maps have sorted keys there. It
// panics on what JSON cannot hold, so callers check first.
func Hash(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
