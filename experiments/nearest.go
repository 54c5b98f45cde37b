package experiments

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	older, old, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(y)]
}

// nearest gives the candidate that a name was most probably meant to be, or ""
// when none is near. A dotted candidate is also compared by its last part
// alone, so that "patch" and "train.patch" both lead to "model.patch".
func nearest(name string, candidates []string) string {
	if utf8.RuneCountInString(name) > 64 {
		return ""
	}
	best, bestCost := "", 1<<30
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, c := range candidates {
		cost := 2 * distance(name, c)
		if i := strings.LastIndexByte(c, '.'); i >= 0 {
			if last == c[i+1:] {
				cost = min(cost, 1) // also when it is too short to be guessed at
			} else if utf8.RuneCountInString(last) >= 3 {
				// One more, so that the same table wins over the same last part.
				cost = min(cost, 2*distance(last, c[i+1:])+1)
			}
		}
		if len(name) >= 3 && strings.HasPrefix(c, name+"_") {
			cost = min(cost, 1) // "fid" is the beginning of fid_proxy, not a mistyped kid
		}
		if cost < bestCost {
			best, bestCost = c, cost
		}
	}
	if bestCost > 2*max(1, min(3, utf8.RuneCountInString(last)/2))+1 {
		return ""
	}
	return best
}

// didYouMean is the hint for a name that is not known, or "".
func didYouMean(name string, candidates []string) string {
	if n := nearest(name, candidates); n != "" && n != name {
		return fmt.Sprintf("did you mean %s?", n)
	}
	return ""
}

// DidYouMean is "; did you mean NAME?" for a name that is not known, where one of the
// candidates is near, or "".
func DidYouMean(name string, candidates []string) string {
	if hint := didYouMean(name, candidates); hint != "" {
		return "; " + hint
	}
	return ""
}
