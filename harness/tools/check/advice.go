package check

import (
	"fmt"
	"time"
)

// advice is what to do next, most urgent first.
func advice(rep *Report, o Options) []string {
	var out []string
	var disturbed, rounds, short, undecided, faults int
	for _, c := range rep.Cells {
		disturbed, rounds = disturbed+c.Disturbed, rounds+c.Rounds+c.Fresh
		if c.Why != "" {
			faults++
		}
		for _, k := range c.Comparisons {
			if k.Verdict == Inconclusive && !k.Exact {
				undecided++
				if k.Rounds < leastRounds(rep.Family) {
					short++
				}
			}
		}
	}
	if n := rep.Count(Regression); n > 0 {
		out = append(out, plural(n, "comparison is", "comparisons are")+" worse beyond the threshold, found twice: look for the change that "+
			"did it with --against and the revisions between, or accept it by raising the threshold in [check]")
	}
	if faults > 0 {
		out = append(out,
			"a program could not do every cell: the reason is in the table; `prabench run FILE --only …` of the cell shows it alone")
	}
	if undecided == 0 {
		return out
	}
	if short > 0 {
		out = append(out, fmt.Sprintf("%s fewer rounds than could decide anything (%d among %d comparisons): give more time with --budget %v, "+
			"or check fewer cells with --only",
			plural(short, "comparison had", "comparisons had"), leastRounds(rep.Family), rep.Family, more(o.Budget)))
	} else if disturbed*4 <= rounds {
		out = append(out, fmt.Sprintf("%s open: measure longer with --budget %v, or raise the threshold in [check]",
			plural(undecided, "comparison stays", "comparisons stay"), more(o.Budget)))
	}
	if disturbed*4 > rounds {
		out = append(out, fmt.Sprintf("%d of %d rounds ran while something else loaded the machine: check again when it is quiet",
			disturbed, rounds))
	}
	return out
}

// plural is a number with the word for one or for many.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func more(d time.Duration) time.Duration { return max(2*d, time.Minute).Round(time.Second) }
