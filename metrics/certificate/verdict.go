package certificate

import (
	"fmt"

	"prabench/metrics/quantity"
)

// Criteria says what a certificate needs, for pages.
var Criteria = []string{
	"Each of the seven kinds of damage raises the distance: no harsher severity has a smaller one beyond what images explain (paired " +
		"jackknife, 5 % over the 15 pairs), and from some severity on the interval lies above that of held-out real images.",
	"Missing classes, up to half of them, and images that are there up to 100 times are seen in the same way.",
	"A grey image, the mean image and coloured noise (mean and covariance of real pixels, none of their shapes) score worse than " +
		"held-out real images, intervals apart.",
	"Real images against real ones: the kernel distance centres on 0, p-values of single pairs are uniform (each at 1 %), and its " +
		"intervals lie wholly above 0 no more often than 2.5 % allows; fd_inf centres on 0 (at 1 %), or leaves at most a tenth of the Fréchet " +
		"distance that finite samples make.",
}

func (c *Certificate) fail(metric *quantity.Metric, format string, args ...any) {
	c.Failed = append(c.Failed, Finding{metric.Name, fmt.Sprintf(format, args...)})
}

// lack is of both distances where it names none.
func (c *Certificate) lack(metric, format string, args ...any) {
	c.Untested = append(c.Untested, Finding{metric, fmt.Sprintf(format, args...)})
}

// judge compares what was measured with the criteria.
func (c *Certificate) judge(train, heldOut, classes int) {
	for _, r := range c.Responses {
		for i, curve := range r.Curves {
			switch {
			case len(r.Severities) == 0:
				continue
			case curve.First == 0:
				c.fail(Metrics[i], "does not see %s, not even at %g (%s)", r.Kind, r.Severities[len(r.Severities)-1], r.Unit)
			}
			if len(curve.Falls) > 0 {
				f := curve.Falls[0]
				c.fail(Metrics[i], "falls with more %s, from %g to %g (%s)", r.Kind, r.Severities[f[0]-1], r.Severities[f[1]-1], r.Unit)
			}
		}
		switch n := len(r.Severities); {
		case r.Kind == DroppedClasses && classes < 2:
			c.lack("", "dropped classes: the data have no classes")
		case r.Kind == DroppedClasses && (n == 0 || r.Severities[n-1] < float64(classes/2)):
			c.lack("", "dropped classes: half of the %d classes have fewer than the %d images that are compared; about %d held-out images are "+
				"needed, there are %d", classes, c.Images, 2*c.Images, heldOut)
		case r.Kind == Repeated && n < Severities:
			c.lack("", "repeated images: %d images are compared, 200 are needed", c.Images)
		}
	}
	for _, k := range c.Controls {
		for i, worse := range k.Worse {
			if !worse {
				c.fail(Metrics[i], "does not tell %s from real images", k.Kind)
			}
		}
	}
	c.judgeReal(train)
}

func (c *Certificate) judgeReal(train int) {
	r := c.Real
	if r.Pairs == 0 {
		c.lack(quantity.KID.Name, "real images against real ones: %d pairs of %d images need %d training images, %d were compared", fewestPairs,
			r.Images, 2*fewestPairs*r.Images, poolOf(train, c.Images))
	} else {
		if r.P < significance {
			c.fail(quantity.KID, "of real images against real ones centres on %.3g [%.3g, %.3g], not on 0", r.KID.Value, *r.KID.Lo, *r.KID.Hi)
		}
		if r.Uniform < significance {
			c.fail(quantity.KID, "p-values of real images against real ones are not uniform (Kolmogorov's test: p = %.2g)", r.Uniform)
		}
		if most := mostAbove(r.Pairs); r.Above > most {
			c.fail(quantity.KID, "%d of %d intervals of real images against real ones lie wholly above 0; at most %d may", r.Above, r.Pairs, most)
		}
	}
	if r.InfinitePairs == 0 {
		c.lack(quantity.FIDProxy.Name, "fd_inf of real images: %d pairs of %d images need %d training images, %d were compared", fewestInfinite,
			r.InfiniteImages, 2*fewestInfinite*r.InfiniteImages, poolOf(train, c.Images))
		return
	}
	off := max(r.Infinite.Value, -r.Infinite.Value)
	if r.Off && off > biasLeft*r.Plain {
		c.fail(quantity.FIDProxy, "fd_inf of real images against real ones centres on %.3g [%.3g, %.3g], more than a tenth of the plain "+
			"distance, %.3g", r.Infinite.Value, *r.Infinite.Lo, *r.Infinite.Hi, r.Plain)
	}
}
