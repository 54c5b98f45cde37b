package check

import (
	"testing"

	"prabench/metrics/stat"
)

func TestLeastRounds(t *testing.T) {
	// At the first look half of 0.05 may be spent: 2·2⁻⁷ = 0.0156 is below, 2·2⁻⁶ is not.
	if n := leastRounds(1); n != 7 {
		t.Errorf("%d rounds", n)
	}
	if n := leastRounds(12); stat.Coin(0, n)*12 > 0.025 || stat.Coin(0, n-1)*12 <= 0.025 {
		t.Errorf("%d rounds", n)
	}
}

func TestLooksSpendNoMoreThanAlpha(t *testing.T) {
	var sum float64
	for look := 1; look <= looks; look++ {
		sum += levelAt(look)
	}
	if sum > alpha {
		t.Errorf("%g", sum)
	}
}
