package check

import (
	"fmt"
	"io"
	"strings"
)

// WriteGitHub writes the report as workflow commands, which GitHub shows as
// annotations of the experiment file. A report that passes writes one notice.
func (r *Report) WriteGitHub(w io.Writer) error {
	var err error
	say := func(command, title, text string) {
		if err != nil {
			return
		}
		// GitHub puts an annotation without a line on the first one.
		_, err = fmt.Fprintf(w, "::%s file=%s,title=%s::%s\n", command, property.Replace(r.File), property.Replace(title), message.Replace(text))
	}
	commands := map[Verdict]string{Regression: "error", Inconclusive: "warning", Improvement: "notice"}
	for _, c := range r.Cells {
		if c.Why != "" {
			say(commands[c.Verdict], fmt.Sprintf("%s: %s", c.Verdict, c.Label), c.Why)
		}
		for _, k := range c.Comparisons {
			if command := commands[k.Verdict]; command != "" {
				say(command, fmt.Sprintf("%s: %s of %s", k.Verdict, k.Metric, c.Label), k.sentence())
			}
		}
	}
	say("notice", "prabench check", strings.Join(append([]string{r.heading(), r.conclusion(), r.conditions()}, r.Advice...), "\n"))
	return err
}

// What workflow commands escape, in messages and in the values of properties.
var (
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
