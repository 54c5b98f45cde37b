package plots

import (
	"strings"
	"testing"

	"prabench/plots/figure"
)

func TestStepsRefusesWhatItCannotShow(t *testing.T) {
	for want, c := range map[string]struct {
		fig  Figure
		data Data
	}{
		`not "kid"`:                      {Figure{Kind: figure.Steps, Y: "kid"}, withSteps()},
		"none of the 8 cells has errors": {Figure{Kind: figure.Steps}, methods()},
		"make label the facet":           {Figure{Kind: figure.Steps, Series: "label"}, withSteps()},
	} {
		_, err := pageOf(c.fig, c.data)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A cell without errors is named, not left out silently.
func TestStepsTellsOfCellsWithout(t *testing.T) {
	s, err := sheetOf(Figure{Kind: figure.Steps}, withSteps())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "no errors of AR steps (1)") || len(s.Panels) != 8 {
		t.Errorf("%q, %d panels", s.Notes, len(s.Panels))
	}
}

func TestShortCodeKeepsWhichBuild(t *testing.T) {
	got := ShortCode("0396716d6b66aae568125fb3a6a2b846c9ef4484.77c7d5d1+dirty + 90f6beb056d8f9fdebed6755522ba0419cc3e0bd")
	if got != "0396716d.77c7d5d1+dirty + 90f6beb0" {
		t.Error(got)
	}
}
