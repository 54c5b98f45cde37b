package session

import (
	"path/filepath"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/check"
)

// baselinePath is the file of a baseline: beside the experiment file, unless
// the name is a path itself.
func (s *Session) baselinePath(name string) string {
	if strings.HasSuffix(name, ".json") || strings.ContainsRune(name, filepath.Separator) {
		return name
	}
	return filepath.Join(filepath.Dir(s.File.File.File), "baselines", s.File.Exp.Name+"-"+name+".json")
}

// fitBaseline reads a baseline and says what of it is not comparable.
func (s *Session) fitBaseline(m *measurement, name string) (*check.Baseline, error) {
	bl, err := check.ReadBaseline(s.baselinePath(name))
	if err == nil {
		bl, err = bl.Fit(m.cells, m.options, m.report)
	}
	if Refused(err) {
		return nil, &engine.Mistake{Err: err}
	}
	if err != nil {
		return nil, &engine.Failure{Err: err}
	}
	m.report.Old, m.report.Shares = check.Program{Name: "baseline " + name, Revision: bl.Revision}, true
	return bl, nil
}
