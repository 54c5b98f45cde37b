package check

import (
	"time"

	"prabench/results/record"
)

// Verdict is what a check says.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Improvement  Verdict = "improvement"
	Inconclusive Verdict = "inconclusive"
	Regression   Verdict = "regression"
)

// gravity orders verdicts: that of many is the gravest.
var gravity = map[Verdict]int{Pass: 0, Improvement: 1, Inconclusive: 2, Regression: 3}

func graver(a, b Verdict) Verdict {
	if gravity[b] > gravity[a] || a == "" {
		return b
	}
	return a
}

// Report is everything that a check found.
type Report struct {
	Experiment string   `json:"experiment"`
	File       string   `json:"file,omitempty"`
	Old        Program  `json:"old"`
	New        Program  `json:"new"`
	Device     string   `json:"device"` // class
	Threads    int      `json:"threads"`
	Precision  string   `json:"precision"`
	Verdict    Verdict  `json:"verdict"`
	Advice     []string `json:"advice,omitempty"` // what to do next
	Cells      []Result `json:"cells"`

	Rounds int           `json:"rounds"`           // asked for, a block
	Budget time.Duration `json:"budget_ns"`        // for measuring
	Took   time.Duration `json:"took_ns"`          // measuring
	Family int           `json:"comparisons"`      // with noise: what p-values are corrected for
	Shares bool          `json:"shares,omitempty"` // ratios are those of shares of what the machine can do
	Unseen bool          `json:"load_not_known"`   // the system does not say what else it does

	Environment record.Environment `json:"environment"`
}

// Program is one of the two that are compared.
type Program struct {
	Name     string `json:"name"` // as asked for: a revision, a path, a baseline
	Revision string `json:"revision,omitempty"`
	SHA256   string `json:"sha256,omitempty"` // of the program's file
}

// Result is a cell's.
type Result struct {
	ID          string       `json:"cell"`
	Label       string       `json:"label"`
	Same        []string     `json:"same,omitempty"` // labels of cells that this one stands for
	Verdict     Verdict      `json:"verdict"`
	Why         string       `json:"why,omitempty"` // when it could not be measured
	Rounds      int          `json:"rounds"`        // of the first block
	Fresh       int          `json:"fresh_rounds"`  // of the second
	Disturbed   int          `json:"disturbed_rounds"`
	Comparisons []Comparison `json:"comparisons"`
}

// Comparison is one metric of one cell.
type Comparison struct {
	Metric    string   `json:"metric"`
	Unit      string   `json:"unit"`
	Exact     bool     `json:"exact,omitempty"`
	Old       float64  `json:"old"` // medians
	New       float64  `json:"new"`
	Ratio     float64  `json:"ratio"` // new/old, the median over rounds
	Lo        *float64 `json:"lo"`    // 95 % interval of the ratio, null where there is none
	Hi        *float64 `json:"hi"`
	Worse     float64  `json:"worse"` // share by which new is worse; below 0: better
	Threshold float64  `json:"threshold"`
	P         float64  `json:"p"`          // of the sign test, first block
	Adjusted  float64  `json:"p_adjusted"` // Holm
	Rounds    int      `json:"rounds"`     // behind the interval
	Disturbed int      `json:"disturbed_rounds"`
	Flagged   bool     `json:"flagged"` // by the first block
	Recurred  bool     `json:"recurred"`
	Verdict   Verdict  `json:"verdict"`
	Why       string   `json:"why"`

	// OldRounds and NewRounds are the values behind them, a round each.
	OldRounds []float64 `json:"old_rounds,omitempty"`
	NewRounds []float64 `json:"new_rounds,omitempty"`

	metric Metric
	first  estimate
}

// ExitCode of the program for a verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Regression:
		return 1
	case Inconclusive:
		return 3
	}
	return 0
}

// Count is how many comparisons have a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, c := range r.Cells {
		for _, k := range c.Comparisons {
			if k.Verdict == v {
				n++
			}
		}
	}
	return n
}
