package draw

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
	"prabench/plots/paper"
)

// WritePaper writes a paper's folder and prints the names of its files, or JSON. It
// says whether something of a chosen part could not be drawn; that is a warning on
// errs, and everything else is written.
func WritePaper(doc paper.Paper, dir string, parts []Part, out, errs io.Writer, json bool) (failed bool, err error) {
	doc.Say = func(part string) { fmt.Fprintln(errs, "drawing "+part) }
	written, problems, err := doc.Write(dir)
	if err != nil {
		return false, &engine.Failure{Err: err}
	}
	for _, f := range written {
		if !json {
			fmt.Fprintln(out, filepath.Join(dir, filepath.FromSlash(f)))
		}
	}
	texts := []string{}
	for _, p := range problems {
		texts = append(texts, p.Error())
		fmt.Fprintf(errs, "warning: %v\n", p)
		failed = failed || slices.ContainsFunc(parts, func(part Part) bool { return part.Exp.Name == p.Part && part.Chosen })
	}
	if json {
		err = terminal.JSON(out, struct {
			Out      string   `json:"out"`
			Files    []string `json:"files"`
			Problems []string `json:"problems"`
		}{dir, written, texts})
	}
	return failed, err
}
