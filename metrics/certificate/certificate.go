// Package certificate measures what the features of an extractor see on one data
// set: whether distances in them rise with seven kinds of damage and from where on,
// whether missing classes and repeated images show, whether real images against real
// ones lie around 0, and whether images that nobody would call good score worse than
// real ones.
//
// Its principle is that a distance is worth what its features see, that this can be
// measured where real images are, and that the criteria are written down before the
// numbers are known: a certificate lists what failed and what was not tested, and
// nothing of it is weighed against the rest.
//
// A certificate is about one extractor (by its hash), one data set (by its hash) and
// one version of this package. It says nothing of other data.
package certificate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
)

// Version rises when the same extractor and data would get another certificate.
const Version = "1"

// Key names the certificate of an extractor on a data set.
func Key(extractorHash, dataHash string) string {
	sum := sha256.Sum256([]byte("certificate " + Version + "\n" + extractorHash + "\n" + dataHash + "\n"))
	return hex.EncodeToString(sum[:])
}

// Certificate is everything that was measured and what it came to.
type Certificate struct {
	Version       string `json:"version"`
	Extractor     string `json:"extractor"`
	ExtractorHash string `json:"extractor_hash"`
	Features      int    `json:"features"`
	Data          string `json:"data"`
	DataHash      string `json:"data_hash"`
	Size          int    `json:"size"`
	Channels      int    `json:"channels"`
	Images        int    `json:"images"`            // on each side
	Program       string `json:"program,omitempty"` // its revision
	Made          string `json:"made,omitempty"`    // the day, YYYY-MM-DD

	Baseline  [2]Score    `json:"baseline"` // held-out real images, by [Metrics]
	Responses []Response  `json:"responses"`
	Controls  []Control   `json:"controls"`
	Real      Real        `json:"real"`
	Agreement []Agreement `json:"agreement,omitempty"`

	Failed   []Finding `json:"failed"`   // criteria that do not hold
	Untested []Finding `json:"untested"` // criteria for which there are too few images
}

// Finding is why a distance is not certified.
type Finding struct {
	Metric string `json:"metric,omitempty"` // empty: both
	Text   string `json:"text"`
}

// Certified says that every criterion was tested and holds, for both distances.
func (c *Certificate) Certified() bool { return len(c.Failed) == 0 && len(c.Untested) == 0 }

// Against are the criteria that fail, or were not tested, for a metric in the same
// features: of a metric that is not certified itself, those of the Fréchet distance.
func (c *Certificate) Against(metric string) (failed, untested int) {
	if metric != Metrics[1].Name {
		metric = Metrics[0].Name
	}
	count := func(all []Finding) (n int) {
		for _, f := range all {
			if f.Metric == "" || f.Metric == metric {
				n++
			}
		}
		return n
	}
	return count(c.Failed), count(c.Untested)
}

// Metrics are the distances that are certified, in the order of every [2] here.
var Metrics = [2]*quantity.Metric{quantity.FIDProxy, quantity.KID}

// Score is a distance with its 95 % interval over images; without one Lo and Hi are
// nil.
type Score struct {
	Value float64  `json:"value"`
	Lo    *float64 `json:"lo,omitempty"`
	Hi    *float64 `json:"hi,omitempty"`
}

func scoreOf(e stat.Estimate) Score {
	s := Score{Value: e.Value}
	s.Lo, s.Hi = e.Bounds()
	return s
}

// above says that the interval lies wholly above the other one.
func (s Score) above(o Score) bool { return s.Lo != nil && o.Hi != nil && *s.Lo > *o.Hi }

// Response is how distances answer to one kind of damage, mildest first.
type Response struct {
	Kind       string    `json:"kind"`
	Unit       string    `json:"unit"` // what the severities count
	Severities []float64 `json:"severities"`
	Curves     [2]Curve  `json:"curves"` // by [Metrics]
}

// Curve is one distance along the severities.
type Curve struct {
	Scores []Score `json:"scores"`
	// Tau is Kendall's rank correlation of distance and severity, 1 where each is
	// larger than the one before.
	Tau float64 `json:"tau"`
	// Falls are pairs of severities, from 1, of which the harsher has the smaller
	// distance, beyond what images explain.
	Falls [][2]int `json:"falls,omitempty"`
	// First is the first severity, from 1, whose interval lies above that of real
	// images, as those of all harsher ones do; 0 where there is none.
	First int `json:"first"`
}

// Control is a set that must score worse than held-out real images.
type Control struct {
	Kind   string   `json:"kind"`
	Scores [2]Score `json:"scores"`
	Worse  [2]bool  `json:"worse"` // intervals apart
}

// Real is what real images against real ones gave, in pairs of sets that share no
// image with any other pair.
type Real struct {
	Pairs  int `json:"pairs"` // of the kernel distance
	Images int `json:"images"`
	// KID is the mean over the pairs with an interval by permutation, P the two-sided
	// p-value of a mean of 0, Uniform that of the pairs' own p-values being uniform.
	KID     Score   `json:"kid"`
	P       float64 `json:"p"`
	Uniform float64 `json:"uniform"`
	// Above and Below count intervals of single pairs that leave out 0.
	Above int `json:"above"`
	Below int `json:"below"`

	InfinitePairs  int       `json:"infinite_pairs"` // of the Fréchet distance at infinitely many images
	InfiniteImages int       `json:"infinite_images"`
	Infinite       Score     `json:"fd_inf"`     // the mean, interval by bootstrap (BCa)
	Off            bool      `json:"fd_inf_off"` // 0 lies outside of its 99 % interval
	Plain          float64   `json:"plain"`      // mean of the plain Fréchet distance of the same pairs
	PValues        []float64 `json:"p_values,omitempty"`
}

// Agreement is how far two extractors order the trained cells of an experiment alike.
type Agreement struct {
	Extractor     string  `json:"extractor"`
	ExtractorHash string  `json:"extractor_hash"`
	Experiment    string  `json:"experiment"`
	Cells         int     `json:"cells"`
	Tau           float64 `json:"tau"` // Kendall's, of the Fréchet distances
	Lo            float64 `json:"lo"`
	Hi            float64 `json:"hi"`
	Interval      bool    `json:"interval"` // there are enough cells for one
}

// TooFew says that a data set has too few images for a certificate.
type TooFew struct{ Train, HeldOut, Features int }

func (e *TooFew) Error() string {
	return fmt.Sprintf("there are %d training and %d held-out images, the extractor has %d features: a certificate needs more images than "+
		"features on both sides, at least %d of each; take a data set with more, or hold more of its images out", e.Train, e.HeldOut, e.Features,
		e.Features+1)
}

// Agree adds an agreement, or puts it in the place of an earlier one with the same
// extractor on the same experiment.
func (c *Certificate) Agree(a Agreement) {
	for i, old := range c.Agreement {
		if old.ExtractorHash == a.ExtractorHash && old.Experiment == a.Experiment {
			c.Agreement[i] = a
			return
		}
	}
	c.Agreement = append(c.Agreement, a)
}
