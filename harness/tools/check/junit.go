package check

import (
	"encoding/xml"
	"fmt"
	"io"
)

// The elements of JUnit's format that a report needs: a suite a cell, a case a
// comparison. What is inconclusive counts as skipped: it neither passed nor
// failed.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Skipped   *junitMessage `xml:"skipped,omitempty"`
		Error     *junitMessage `xml:"error,omitempty"`
		Failure   *junitMessage `xml:"failure,omitempty"`
		Out       string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit XML.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "prabench check " + r.Experiment, Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	for _, c := range r.Cells {
		s := junitSuite{Name: c.Label, Time: "0", Properties: []junitProperty{
			{"cell", c.ID}, {"old", r.Old.title()}, {"new", r.New.title()}, {"device", r.Device}, {"threads", fmt.Sprint(r.Threads)},
			{"rounds", fmt.Sprint(c.Rounds)}, {"fresh_rounds", fmt.Sprint(c.Fresh)}, {"disturbed_rounds", fmt.Sprint(c.Disturbed)},
		}}
		add := func(k junitCase) {
			k.ClassName, k.Time = r.Experiment+"."+c.Label, "0"
			s.Tests++
			switch {
			case k.Failure != nil:
				s.Failures++
			case k.Error != nil:
				s.Errors++
			case k.Skipped != nil:
				s.Skipped++
			}
			s.Cases = append(s.Cases, k)
		}
		if c.Why != "" {
			k := junitCase{Name: "measuring"}
			if c.Verdict == Regression {
				k.Error = &junitMessage{Message: c.Why, Type: string(c.Verdict), Text: c.Why}
			} else {
				k.Skipped = &junitMessage{Message: c.Why}
			}
			add(k)
		}
		for _, k := range c.Comparisons {
			text := k.sentence()
			out := junitCase{Name: k.Metric}
			switch k.Verdict {
			case Regression:
				out.Failure = &junitMessage{Message: text, Type: string(k.Verdict), Text: text}
			case Inconclusive:
				out.Skipped = &junitMessage{Message: text}
			default:
				out.Out = text
			}
			add(out)
		}
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// sentence is a comparison in words.
func (k Comparison) sentence() string {
	if k.Exact && k.Old == k.New {
		return fmt.Sprintf("%s: %s in both", k.Metric, k.quantity(k.New))
	}
	text := fmt.Sprintf("%s: %s → %s", k.Metric, k.quantity(k.Old), k.quantity(k.New))
	if c := k.change(); c != "" {
		text += fmt.Sprintf(", %s (%s)", c, k.interval())
	}
	return text + ": " + k.reason()
}
