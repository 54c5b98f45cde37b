package terminal

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"prabench/harness/engine"
	"prabench/results/table"
)

// Versions prints experiments with their versions; a star is at what is shown.
func Versions(w io.Writer, all []engine.KeptVersion) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "the database has no experiment; prabench run FILE makes one")
		return err
	}
	t := table.Table{Columns: []string{"version", "shown", "tag", "of", "cells", "planned", "artifacts", "alone", "missing", "source"}}
	for _, k := range all {
		shown := ""
		if k.Shown {
			shown = "*"
		}
		t.Rows = append(t.Rows, []any{k.Ref(), shown, k.Tag, k.Of, int64(k.Cells), k.Created.Local().Format("2006-01-02 15:04"), Size(k.Bytes),
			Size(k.Alone), int64(k.Missing), k.Source})
	}
	return table.WriteText(w, t)
}

// Confirm asks a question and says whether the answer was yes.
func Confirm(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprint(out, question)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// Removed says what comes after a removal.
func Removed(w io.Writer, n int, gc string) error {
	_, err := fmt.Fprintf(w, "\nremoved: %d versions; %s lists the artifacts that nothing needs now\n", n, gc)
	return err
}
