package certify

import (
	"fmt"
	"strconv"
	"strings"

	"prabench/harness/certified"
	"prabench/internal/numeral"
	"prabench/metrics/certificate"
)

// Verdict is what a certificate comes to, in a sentence.
func Verdict(c *certificate.Certificate) string {
	var all []string
	for _, m := range certificate.Metrics {
		failed, untested := c.Against(m.Name)
		text := m.Name + " certified"
		switch {
		case failed > 0 && untested > 0:
			text = fmt.Sprintf("%s not certified (%d failed, %d not tested)", m.Name, failed, untested)
		case failed > 0:
			text = fmt.Sprintf("%s not certified (%d failed)", m.Name, failed)
		case untested > 0:
			text = fmt.Sprintf("%s not certified (%d not tested)", m.Name, untested)
		}
		all = append(all, text)
	}
	return fmt.Sprintf("%s on %s: %s", c.Extractor, c.Data, strings.Join(all, ", "))
}

func finding(f certificate.Finding) string {
	if f.Metric == "" {
		return f.Text
	}
	return f.Metric + ": " + f.Text
}

// Markdown is the page of a certificate.
func Markdown(c *certificate.Certificate) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# %s\n", Verdict(c))
	for _, why := range c.Failed {
		say("* failed: %s", finding(why))
	}
	for _, why := range c.Untested {
		say("* not tested: %s", finding(why))
	}
	if len(c.Failed)+len(c.Untested) > 0 {
		say("")
	}
	say("%d features, SHA-256 %.12s…; data %.12s…, %d×%d×%d; %d images on each side; version %s of the criteria.", c.Features,
		c.ExtractorHash, c.DataHash, c.Size, c.Size, c.Channels, c.Images, c.Version)
	if c.Made != "" {
		made := "Made on " + c.Made
		if c.Program != "" {
			made += fmt.Sprintf(" by revision %.12s", c.Program)
		}
		say("%s.", made)
	}
	say("\n![response](%s)\n", certified.Figure)
	responses(say, c)
	controls(say, c)
	real(say, c)
	agreement(say, c)
	say("\n## Criteria\n")
	for _, text := range certificate.Criteria {
		say("* %s", text)
	}
	return b.String()
}

func interval(s certificate.Score) string {
	text := numeral.Compact(s.Value, 4)
	if s.Lo != nil {
		text += " [" + numeral.Compact(*s.Lo, 4) + ", " + numeral.Compact(*s.Hi, 4) + "]"
	}
	return text
}

func responses(say func(string, ...any), c *certificate.Certificate) {
	say("## Response\n")
	say("Detected: the first severity from which on the interval lies above that of held-out real images (%s %s, %s %s). τ: Kendall's "+
		"rank correlation with the severity.\n", certificate.Metrics[0].Name, interval(c.Baseline[0]), certificate.Metrics[1].Name,
		interval(c.Baseline[1]))
	say("| damage | severities | %[1]s detected | τ | falls | %[2]s detected | τ | falls |", certificate.Metrics[0].Name,
		certificate.Metrics[1].Name)
	say("|---|---|---|---|---|---|---|---|")
	for _, r := range c.Responses {
		if len(r.Severities) == 0 {
			continue
		}
		row := []string{r.Kind, list(r.Severities) + " " + r.Unit}
		for _, curve := range r.Curves {
			first := "**never**"
			if curve.First > 0 {
				first = number(r.Severities[curve.First-1])
			}
			var falls []string
			for _, f := range curve.Falls {
				falls = append(falls, number(r.Severities[f[0]-1])+" to "+number(r.Severities[f[1]-1]))
			}
			row = append(row, first, numeral.Fixed(curve.Tau, 2), strings.Join(falls, ", "))
		}
		say("| %s |", strings.Join(row, " | "))
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func list(values []float64) string {
	var all []string
	for _, v := range values {
		all = append(all, number(v))
	}
	return strings.Join(all, ", ")
}

func controls(say func(string, ...any), c *certificate.Certificate) {
	say("\n## Images that must score worse than real ones\n")
	say("| images | %s | %s | intervals apart |", certificate.Metrics[0].Name, certificate.Metrics[1].Name)
	say("|---|---|---|---|")
	say("| held-out real images | %s | %s | |", interval(c.Baseline[0]), interval(c.Baseline[1]))
	for _, k := range c.Controls {
		apart := "yes"
		switch {
		case !k.Worse[0] && !k.Worse[1]:
			apart = "**no**"
		case !k.Worse[0]:
			apart = "**not** by " + certificate.Metrics[0].Name
		case !k.Worse[1]:
			apart = "**not** by " + certificate.Metrics[1].Name
		}
		say("| %s | %s | %s | %s |", k.Kind, interval(k.Scores[0]), interval(k.Scores[1]), apart)
	}
}

func real(say func(string, ...any), c *certificate.Certificate) {
	r := c.Real
	say("\n## Real images against real images\n")
	if r.Pairs > 0 {
		say("%d pairs of %d images, no image in two pairs. %s: mean %s (interval by permutation), p = %.3g of a mean of 0; its p-values by "+
			"permutation against a uniform distribution (Kolmogorov): p = %.3g; %d of %d intervals of single pairs lie wholly above 0, %d below.",
			r.Pairs, r.Images, certificate.Metrics[1].Name, interval(r.KID), r.P, r.Uniform, r.Above, r.Pairs, r.Below)
	} else {
		say("%s: not tested.", certificate.Metrics[1].Name)
	}
	if r.InfinitePairs > 0 {
		say("\nfd_inf: mean %s (bootstrap) over %d pairs of %d images, of which the plain distance has the mean %s.", interval(r.Infinite),
			r.InfinitePairs, r.InfiniteImages, numeral.Compact(r.Plain, 4))
	} else {
		say("\nfd_inf: not tested.")
	}
}

func agreement(say func(string, ...any), c *certificate.Certificate) {
	if len(c.Agreement) == 0 {
		return
	}
	say("\n## Agreement with other extractors\n")
	say("Kendall's τ of the Fréchet distances of trained cells, with a bootstrap interval over cells.\n")
	say("| extractor | experiment | cells | τ |\n|---|---|---|---|")
	for _, a := range c.Agreement {
		tau := numeral.Fixed(a.Tau, 2)
		if a.Interval {
			tau += " [" + numeral.Fixed(a.Lo, 2) + ", " + numeral.Fixed(a.Hi, 2) + "]"
		}
		say("| %s | %s | %d | %s |", a.Extractor, a.Experiment, a.Cells, tau)
	}
}
