package work

import (
	"slices"
	"testing"

	"prabench/harness/stage"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/models/pra"
)

// everything asks for all there is to measure.
func everything() stage.Settings {
	s := settings()
	edit(&s, func(p *pra.Params) {
		p.Model.Patch = 4
	})
	s.Extras = quantity.Extras{Probe: 100, Exposure: 100, Seam: 100, Nearest: 100, Vendi: 100, Reconstruction: 100}
	for _, l := range metrics.LaterScores {
		s.Also += l.Name + ", "
	}
	return s
}

// choosing is a choice of sampling that takes little.
var choosing = stage.Tune{Metric: "fid_proxy", Grid: "flow_steps=1,2; guidance=0,0.7; weights=ema,raw", Images: 20, Seed: 99}

// Every kind that this program registers is planned, described and done.
func TestEveryKindIsWhole(t *testing.T) {
	s := everything()
	s.Tune = choosing
	edit(&s, func(p *pra.Params) { p.Train.RecLoss = "features" })
	costs := s.Costs()
	s.EmbedderHash = embed.Trained
	c, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	coded := withCodes(t, s)
	codes, err := stage.Of(coded)
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{"spool": true, "log": true, "tmp": true, "running": true, "elsewhere": true, "data": true, "damaged": true,
		"slurm": true}
	for _, name := range stage.Names() {
		folders[name] = true
	}
	for i, k := range stage.Kinds() {
		if i >= len(kinds) || kinds[i].Kind != k || kinds[i].do == nil {
			t.Fatalf("%s: nothing does it", k)
		}
		s, costs := s, costs
		if c.Key(k) == "" {
			if codes.Key(k) == "" {
				t.Errorf("%s: not planned for cells that ask for everything", k)
			}
			s, costs = coded, coded.Costs()
		}
		if k.Unfinished != "" && folders[k.Unfinished] {
			t.Errorf("%s: what it leaves unfinished lies in the folder %s, which is another's", k, k.Unfinished)
		}
		if e := k.Effort(&s, costs); e.FLOPs < 0 || e.FLOPs == 0 && e.Other <= 0 || e.FLOPs > 0 && e.Threads < 1 {
			t.Errorf("%s: takes %+v", k, e)
		}
		for _, local := range []bool{true, false} {
			if m := k.Memory(stage.Host{Settings: &s, Costs: costs, Local: local}); m <= 0 {
				t.Errorf("%s: holds %d bytes, local %v", k, m, local)
			}
		}
		if k.OnDevice && k.ThreadsOf(&s) < 1 {
			t.Errorf("%s: computes with %d threads", k, k.ThreadsOf(&s))
		}
		if k.Measured() && k.Rounds(&s) != s.Measure.Rounds {
			t.Errorf("%s: %d rounds", k, k.Rounds(&s))
		}
	}
	if n := len(stage.Kinds()); n != len(kinds) {
		t.Errorf("%d kinds are planned, %d are done", n, len(kinds))
	}
}

// The catalogue of metrics names no stage that there is not.
func TestMetricsAreWrittenByKindsThatThereAre(t *testing.T) {
	for _, m := range quantity.Metrics() {
		if stage.Named(m.Stage) == nil {
			t.Errorf("%s is said to be written by a stage %q", m.Name, m.Stage)
		}
	}
}

// The names are in every database, the order is that of every chain.
func TestTheNamesOfKindsHold(t *testing.T) {
	known := []string{"reference", "train", "sample", "score", "probe", "exposure", "seam", "nearest", "time"}
	var kept []string
	for _, name := range stage.Names() {
		if slices.Contains(known, name) {
			kept = append(kept, name)
		}
	}
	if !slices.Equal(kept, known) {
		t.Errorf("%q", kept)
	}
}

// Keys hold with which cells of older databases asked for more than scores.
func TestKeysOfOlderExtrasHold(t *testing.T) {
	s := everything()
	c, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	for kind, key := range map[*stage.Kind]string{
		Probe:    "7143749e6a3c1a643a6b810c1a2decd5ca03b5f146d08a792c5e97a20b4444ec",
		Exposure: "ba06356337a3b979a72b47cdb1514beec9d6b32cbb833bfae616dfbae9ef9727",
		Seam:     "c6c1bef5bedd4633a1f00d68aa4c07ecb3fc9fcb43b3d10a5f5a4f103d04f491",
		// Version 2: distances of version 1 were up to 3e-6 low, and rows of both must not mix. Its key was 55405af7….
		Nearest: "7252c79fbc219a61c6350cfe21c60fb1a141254cc183b25254717842e8f1be51",
	} {
		if c.Key(kind) != key {
			config, _ := stage.Config(s, kind)
			t.Errorf("%s: %s, before %s; it is the hash of %s", kind, c.Key(kind), key, config)
		}
	}
}
