package check

import (
	"fmt"
	"io"

	"prabench/results/table"
)

// WriteMarkdown writes the report as a summary for a page or a comment.
func (r *Report) WriteMarkdown(w io.Writer) error {
	mark := map[Verdict]string{Pass: "✅", Improvement: "🚀", Inconclusive: "❔", Regression: "❌"}[r.Verdict]
	fmt.Fprintf(w, "### %s prabench check: %s\n\n%s\n\n", mark, r.conclusion(), r.heading())
	if err := table.WriteMarkdown(w, r.table()); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s.\n", r.conditions())
	for i, a := range r.Advice {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "* %s\n", a)
	}
	return nil
}
