package session

import (
	"fmt"
	"math"
	"prabench/harness/tools/check"
	"prabench/metrics/stat"
	"prabench/plots"
	"prabench/results"
	"prabench/results/table"
	"slices"
	"strings"
)

// Table has a line for each series.
func (h *History) Table() table.Table {
	least := stat.LeastValues(h.level())
	t := table.Table{Columns: []string{"cell", "metric", "values", "revisions", "steps"}}
	for _, s := range h.Series {
		revisions := map[string]bool{}
		for _, r := range s.Revisions {
			revisions[r] = true
		}
		var steps []string
		for _, st := range s.Steps {
			kind := "better"
			if st.Worse {
				kind = "worse"
			}
			steps = append(steps, fmt.Sprintf("%s → %s: %+.1f %% (%s, p=%.4f)", st.Last, st.First, 100*st.Change, kind, st.P))
		}
		text := strings.Join(steps, "; ")
		switch {
		case text == "" && len(s.Values) < least:
			text = fmt.Sprintf("none can be found among fewer than %d values", least)
		case text == "":
			text = "none"
		}
		t.Rows = append(t.Rows, []any{s.Cell, s.Metric, int64(len(s.Values)), int64(len(revisions)), text})
	}
	return t
}

// Draw draws a figure for each metric into a folder and gives the files.
func (h *History) Draw(dir string) ([]string, error) {
	var all []string
	for _, m := range h.Metrics {
		fig := h.figure(m)
		if len(fig.Cells) == 0 {
			continue
		}
		files, err := plots.DrawHistory(fig, dir, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

func (h *History) figure(m check.Metric) plots.HistoryFigure {
	fig := plots.HistoryFigure{Name: "history-" + m.Name, Title: h.Experiment + " over revisions", Metric: m.Name, Notes: h.Notes}
	var device, protocol string
	var all []results.Past
	for _, s := range h.Series {
		if s.Metric == m.Name {
			all = append(all, s.past...)
		}
	}
	slices.SortStableFunc(all, func(a, b results.Past) int { return a.Finished.Compare(b.Finished) })
	place := map[string]int{}
	for _, p := range all {
		code := shortCode(p.Code)
		if _, known := place[code]; !known {
			place[code] = len(fig.Revisions)
			fig.Revisions = append(fig.Revisions, code)
		}
		device, protocol = p.DeviceClass, p.Protocol
	}
	for _, s := range h.Series {
		if s.Metric != m.Name {
			continue
		}
		c := plots.HistoryCell{Label: s.Cell}
		for i, p := range s.past {
			c.Points = append(c.Points, plots.HistoryPoint{Revision: place[s.Revisions[i]], Value: p.Value, Lo: p.Lo, Hi: p.Hi})
		}
		for _, st := range s.Steps {
			c.Steps = append(c.Steps,
				plots.HistoryStep{At: st.at, Worse: st.Worse, Text: strings.Replace(fmt.Sprintf("%+.1f %%", 100*round3(st.Change)), "-", "−", 1)})
		}
		fig.Cells = append(fig.Cells, c)
	}
	fig.Source = fmt.Sprintf("%s · %s · protocol %s · steps: Pettitt's test, p corrected for %d series, changes of at least %g %%",
		h.Experiment, device, plots.ShortProtocol(protocol), len(h.Series), 100*m.Threshold)
	return fig
}

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }
