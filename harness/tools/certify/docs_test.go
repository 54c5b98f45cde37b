package certify

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"prabench/internal/numeral"
	"prabench/metrics/certificate"
)

var update = flag.Bool("update", false, "write the tables of docs/reference/certificates.md again")

const (
	docs  = "../../../docs/reference/certificates.md"
	begin = "<!-- written by go test ./harness/tools/certify -update -->\n"
	end   = "<!-- end of tables -->\n"
)

// The tables of docs/reference/certificates.md are those of the certificates that come with the
// program, and its criteria are those that were applied.
func TestTheDocsHaveTheShippedCertificates(t *testing.T) {
	raw, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, c := range certificate.Criteria {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), c) {
			t.Errorf("docs/reference/certificates.md has not the criterion %q", c)
		}
	}
	before, rest, ok1 := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/reference/certificates.md has no place for the tables")
	}
	all := certificate.AllShipped()
	if len(all) < 5 {
		t.Fatalf("%d certificates come with the program", len(all))
	}
	want := before + begin + tables(all) + end + after
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != want {
		t.Error("docs/reference/certificates.md is not what the shipped certificates say: go test ./harness/tools/certify -update")
	}
}

func tables(all []*certificate.Certificate) string {
	var b strings.Builder
	row := func(first string, of func(c *certificate.Certificate) string) {
		b.WriteString("| " + first)
		for _, c := range all {
			b.WriteString(" | " + of(c))
		}
		b.WriteString(" |\n")
	}
	row("", func(c *certificate.Certificate) string { return "`" + c.Extractor + "` on " + c.Data })
	b.WriteString("|---" + strings.Repeat("|---", len(all)) + "|\n")
	for i, m := range certificate.Metrics {
		row("**"+m.Name+"**", func(c *certificate.Certificate) string {
			failed, untested := c.Against(m.Name)
			switch {
			case failed+untested == 0:
				return "**certified**"
			case untested > 0:
				return fmt.Sprintf("no: %d fail, %d not tested", failed, untested)
			}
			return fmt.Sprintf("no: %d fail", failed)
		})
		for k, r := range all[0].Responses {
			row(r.Kind, func(c *certificate.Certificate) string { return seen(c.Responses[k], i) })
		}
		row("real images", func(c *certificate.Certificate) string { return interval(c.Baseline[i]) })
		for k, control := range all[0].Controls {
			row(control.Kind, func(c *certificate.Certificate) string {
				text := interval(c.Controls[k].Scores[i])
				if !c.Controls[k].Worse[i] {
					text += " **not apart**"
				}
				return text
			})
		}
	}
	row("**real against real**", func(c *certificate.Certificate) string {
		return fmt.Sprintf("%d pairs of %d", c.Real.Pairs, c.Real.Images)
	})
	row("kid, mean", func(c *certificate.Certificate) string { return interval(c.Real.KID) })
	row("p of a mean of 0", func(c *certificate.Certificate) string { return numeral.Digits(c.Real.P, 2) })
	row("p of uniform p-values", func(c *certificate.Certificate) string { return numeral.Digits(c.Real.Uniform, 2) })
	row("intervals above 0, below", func(c *certificate.Certificate) string { return fmt.Sprintf("%d, %d", c.Real.Above, c.Real.Below) })
	row("fd_inf, mean", func(c *certificate.Certificate) string {
		return fmt.Sprintf("%s of %d pairs of %d", interval(c.Real.Infinite), c.Real.InfinitePairs, c.Real.InfiniteImages)
	})
	row("plain distance of these", func(c *certificate.Certificate) string { return numeral.Compact(c.Real.Plain, 3) })
	b.WriteString("\nWhat fails:\n\n")
	for _, c := range all {
		for _, f := range append(c.Failed[:len(c.Failed):len(c.Failed)], c.Untested...) {
			fmt.Fprintf(&b, "* `%s` on %s: %s\n", c.Extractor, c.Data, finding(f))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// seen is the severity from which on damage is seen, and whether a harsher one scores
// better than a milder one.
func seen(r certificate.Response, metric int) string {
	curve := r.Curves[metric]
	text := "**never**"
	if curve.First > 0 {
		text = fmt.Sprintf("%s (%d of %d)", number(r.Severities[curve.First-1]), curve.First, len(r.Severities))
	}
	if len(curve.Falls) > 0 {
		text += ", **falls**"
	}
	return text
}
