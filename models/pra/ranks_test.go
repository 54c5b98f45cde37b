package pra

import (
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/ranks/rankstest"
)

// A training is the same at any number of ranks up to the order of sums.
func TestRanks(t *testing.T) {
	for name, change := range map[string]func(*Config, *TrainConfig){
		"PRA": func(*Config, *TrainConfig) {},
		"sweeps": func(_ *Config, tc *TrainConfig) {
			tc.RolloutDepth, tc.Mix, tc.InputNoise, tc.MicroBatch = 2, 0.4, 0.1, 8
		},
		"identity": func(c *Config, tc *TrainConfig) { c.State, tc.RolloutDepth, tc.FlowSamples = 0, 0, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "PRA" {
				t.Skip("trains 11 times 50 steps for each kind")
			}
			c, tc := smallConfig(), DefaultTrain()
			tc.Batch, tc.Steps, tc.Threads = 16, rankstest.Steps, 1
			change(&c, &tc)
			rankstest.LawOn(t, opener, Params{c, tc, DefaultSample()}, smallImages(c, 40))
		})
	}
}

// A batch that cannot be divided is refused.
func TestRanksOfABatchThatCannotBeDivided(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Batch = 6
	p := Params{c, tc, DefaultSample()}
	err := models.CheckRanks(p, 4)
	if err == nil || !strings.Contains(err.Error(), "measure.devices") || !strings.Contains(err.Error(), "[1 2 3 6]") {
		t.Errorf("4 ranks of a batch of 6: %v", err)
	}
	if err := models.CheckRanks(p, 3); err != nil {
		t.Error(err)
	}
}
