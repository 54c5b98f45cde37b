package check

import "prabench/metrics/stat"

// leastRounds is the number of rounds below which no result can be certain
// among so many comparisons, however large the difference.
func leastRounds(comparisons int) int {
	n := 1
	for stat.Coin(0, n) > levelAt(1)/float64(max(1, comparisons)) {
		n++
	}
	return n
}
