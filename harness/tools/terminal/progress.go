package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar shows how far something is: a bar on a terminal, a line now and then
// elsewhere.
func Bar(w io.Writer, terminal bool) func(what string, done, total int64) {
	if terminal {
		var bar *progressbar.ProgressBar
		name := ""
		return func(what string, done, total int64) {
			if bar == nil || what != name {
				if bar != nil {
					_ = bar.Finish()
				}
				bar, name = progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
					progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond)), what
			}
			_ = bar.Set64(done)
		}
	}
	var spoke time.Time
	name := ""
	return func(what string, done, total int64) {
		if what == name && time.Since(spoke) < 10*time.Second {
			return
		}
		name, spoke = what, time.Now()
		if total > 0 {
			fmt.Fprintf(w, "%s: %d of %d\n", what, done, total)
		} else {
			fmt.Fprintf(w, "%s\n", what)
		}
	}
}

// Blocks shows how far a check is: in one line of a terminal, elsewhere when a block
// begins.
func Blocks(w io.Writer, terminal bool) func(done, total time.Duration, what string) {
	last := ""
	return func(done, total time.Duration, what string) {
		if terminal {
			fmt.Fprintf(w, "\r\x1b[K%3.0f %%  %s\r", 100*min(1, done.Seconds()/max(1e-9, total.Seconds())), what)
			return
		}
		if block, _, _ := strings.Cut(what, ","); block != last {
			last = block
			fmt.Fprintf(w, "%s, at most %s\n", block, total.Round(time.Second))
		}
	}
}
