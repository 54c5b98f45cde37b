package latex

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Available tells whether this machine has pdflatex and booktabs; the reason is
// for the test that skips.
func Available() (ok bool, reason string) {
	if _, err := exec.LookPath("pdflatex"); err != nil {
		return false, "pdflatex is not installed (Debian: texlive-latex-base texlive-latex-recommended)"
	}
	out, err := exec.Command("kpsewhich", "booktabs.sty").Output()
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		return false, "LaTeX has no booktabs (Debian: texlive-latex-recommended)"
	}
	return true, ""
}

// Compile runs pdflatex on body in an article with booktabs, in dir, and gives
// the log. The error has the log's own complaint.
func Compile(dir, body string) (log string, err error) {
	source := "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n" + body + "\n\\end{document}\n"
	if err := os.WriteFile(filepath.Join(dir, "document.tex"), []byte(source), 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "document.tex")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	log = string(out)
	if err != nil {
		for i, line := range strings.Split(log, "\n") {
			if strings.HasPrefix(line, "!") {
				return log, fmt.Errorf("LaTeX: %s", strings.Join(strings.Split(log, "\n")[i:min(i+6, strings.Count(log, "\n"))], " "))
			}
		}
		return log, fmt.Errorf("pdflatex: %w", err)
	}
	return log, nil
}
