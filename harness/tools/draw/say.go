package draw

import "fmt"

// Say is told what happens.
type Say struct {
	Wrote   func(file string)
	Warning func(text string)
}

func (s Say) warn(format string, args ...any) { s.Warning(fmt.Sprintf(format, args...)) }
