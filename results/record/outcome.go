package record

// An outcome is how an attempt of a stage ended.
const (
	OK          = "ok"          // finished, its values count
	Invalid     = "invalid"     // the configuration or its data cannot work; trying again changes nothing
	OutOfMemory = "oom"         // stopped at a memory limit, or killed by the system for memory
	Timeout     = "timeout"     // stopped after measure.timeout
	Crash       = "crash"       // the worker died or left no result
	Interrupted = "interrupted" // stopped by the user or the machine; another attempt goes on
	Blocked     = "blocked"     // never started, because a stage it needs failed
	Pending     = "pending"     // of a stage or cell only: nothing tried yet, or not everything
)

// Dropped begins the reason of a cell that a search gave up before its last stop: its
// outcome is [Blocked], and nothing failed.
const Dropped = "dropped by the search"

// Severities orders outcomes for a cell, whose outcome is the worst of its
// stages: a failure tells more than a stage that merely waits for it. The
// numbers are stored in stage.severity and named in the view cells; they
// change only with a migration.
var Severities = []string{OK, Pending, Blocked, Interrupted, Timeout, OutOfMemory, Crash, Invalid}

// Severity is the place of an outcome in [Severities], -1 for a word that is none.
func Severity(outcome string) int {
	for i, o := range Severities {
		if o == outcome {
			return i
		}
	}
	return -1
}

// isAttemptOutcome says whether an attempt can end so.
func isAttemptOutcome(outcome string) bool {
	return outcome != Pending && Severity(outcome) >= 0
}

// Stage kinds, in the order of a cell's chain.
const (
	Reference = "reference"
	Train     = "train"
	Draw      = "sample"
	Score     = "score"
	Time      = "time"

	// Asked for by keys of [metrics]; a cell need not have them.
	Probe    = "probe"    // linear probe of the trunk
	Exposure = "exposure" // samples with real prefixes, error of each AR step
	Seam     = "seam"     // borders of patches
	Nearest  = "nearest"  // nearest training images
)
