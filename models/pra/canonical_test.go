package pra

import "testing"

// Every pair that Canonical calls equal trains to the same bits, and a value
// that is read stays apart.
func TestCanonical(t *testing.T) {
	losses := func(c Config, tc TrainConfig) Losses {
		tr, err := NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 9))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		for range 3 {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		}
		l := tr.Losses()
		l.Total = 0 // holds rec_weight itself
		return l
	}
	cases := []struct {
		name string
		same bool
		base func(*Config, *TrainConfig)
		set  func(*Config, *TrainConfig)
	}{
		{"anchor at depth 1", true, func(c *Config, tc *TrainConfig) {}, func(c *Config, tc *TrainConfig) {
			tc.Anchor, tc.Mix, tc.SweepSteps = 0.9, 0.5, 7
		}},
		{"coder of identity", true, func(c *Config, tc *TrainConfig) { c.State, tc.RolloutDepth = 0, 0 }, func(c *Config, tc *TrainConfig) {
			c.CoderWidth, c.StateNorm, tc.RecWeight, tc.StateNoise = 9, "sphere", 1, 3
		}},
		{"order of single tokens", true, func(c *Config, tc *TrainConfig) {}, func(c *Config, tc *TrainConfig) { c.Order = "strided" }},
		{"anchor at depth 2", false, func(c *Config, tc *TrainConfig) { tc.RolloutDepth = 2 },
			func(c *Config, tc *TrainConfig) { tc.Anchor = 0.9 }},
		{"state noise on the identity path", false, func(c *Config, tc *TrainConfig) { c.State = 0 },
			func(c *Config, tc *TrainConfig) { tc.StateNoise = 3 }},
		{"order of blocks", false, func(c *Config, tc *TrainConfig) { c.Block = 2 }, func(c *Config, tc *TrainConfig) { c.Order = "strided" }},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			c, tc := smallConfig(), DefaultTrain()
			tc.Batch = 4
			tt.base(&c, &tc)
			c2, tc2 := c, tc
			tt.set(&c2, &tc2)
			ca, ta := Canonical(c, tc)
			cb, tb := Canonical(c2, tc2)
			if same := ca == cb && ta == tb; same != tt.same {
				t.Errorf("canonical forms equal: %v, want %v", same, tt.same)
			}
			if same := losses(c, tc) == losses(c2, tc2); same != tt.same {
				t.Errorf("trainings equal: %v, want %v", same, tt.same)
			}
		})
	}
}
