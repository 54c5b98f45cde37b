package draw

import "fmt"

// Say gets what happens.
type Say struct {
	Wrote   func(file string)
	Warning func(text string)
}

func (s Say) warn(format string, args ...any) { s.Warning(fmt.Sprintf(format, args...)) }

// Drawn is what became of the figures: the files, and how many could not be drawn.
type Drawn struct {
	Files  []string `json:"files"`
	Failed int      `json:"failed"`
}
