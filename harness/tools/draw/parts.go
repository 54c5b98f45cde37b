package draw

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/plots"
	"prabench/results/table"
)

// Part is an experiment of a paper.
type Part struct {
	engine.Loaded
	Source  []byte // of the file
	Chosen  bool   // to be run: by name, or because no name was given
	Command string // makes this part alone
}

// PaperFiles are the files of a paper's experiments.
type PaperFiles struct {
	Paths   []string
	Where   string // which these are, in words; empty when they were named
	sources map[string][]byte
}

// FindPaper finds the files given, else those below the current folder, else
// those of the program.
func FindPaper(files []string) (PaperFiles, error) {
	f := PaperFiles{Paths: files, sources: map[string][]byte{}}
	if len(files) == 0 {
		found, err := filepath.Glob(filepath.Join(filepath.FromSlash(experiments.PaperFolder), "*.toml"))
		if err != nil {
			return f, err
		}
		f.Paths, f.Where = found, "experiments: "+experiments.PaperFolder+", of this folder"
		if len(found) == 0 {
			f.Where = "experiments: those that are part of the program (there is no " + experiments.PaperFolder + " here)"
			for _, own := range experiments.PaperFiles() {
				f.Paths = append(f.Paths, own.Path)
				f.sources[own.Path] = own.Source
			}
		}
		if len(f.Paths) == 0 {
			return f, engine.Mistakef("there are no files in %s, neither here nor in the program: name experiment files", experiments.PaperFolder)
		}
	}
	for _, path := range f.Paths {
		if f.sources[path] == nil {
			f.sources[path], _ = os.ReadFile(path) // Read says what is wrong, as for every other command
		}
	}
	return f, nil
}

// Read reads one of the files for [engine.LoadOptions].
func (f PaperFiles) Read(path string, o experiments.Options) (*experiments.Experiment, error) {
	if f.sources[path] == nil {
		return experiments.Load(path, o)
	}
	return experiments.Parse(path, f.sources[path], o)
}

// Parts are the experiments that the files were read as. Those named by only, by
// the name of the experiment or of its file, are chosen; all without a name.
// Claims that expect what nobody knows to be better are refused.
func (f PaperFiles) Parts(ls []engine.Loaded, only []string) ([]Part, error) {
	var names []string
	parts := make([]Part, len(ls))
	for i, l := range ls {
		names = append(names, l.Exp.Name)
		parts[i] = Part{Loaded: l, Source: f.sources[f.Paths[i]], Chosen: len(only) == 0}
	}
	for _, n := range only {
		known := false
		for i := range parts {
			stem := strings.TrimSuffix(filepath.Base(f.Paths[i]), filepath.Ext(f.Paths[i]))
			if n == parts[i].Exp.Name || n == stem {
				parts[i].Chosen, known = true, true
			}
		}
		if !known {
			return nil, engine.Mistakef("--only %s: there is no such experiment; there are %s", n, strings.Join(names, ", "))
		}
	}
	var errs []error
	for _, p := range parts {
		for _, c := range p.File.Claims {
			if c.Expect == "better" && plots.Better(c.Metric) == 0 {
				errs = append(errs,
					engine.Mistakef("%s: claim.expect: it is not known whether more or less %s is better; set expect to lower or higher",
						c.Source, c.Metric))
			}
		}
	}
	return parts, errors.Join(errs...)
}

// Chosen are the experiments of the parts that are to be run.
func Chosen(parts []Part) (ls []engine.Loaded) {
	for _, p := range parts {
		if p.Chosen {
			ls = append(ls, p.Loaded)
		}
	}
	return ls
}

// PrintParts prints a line for each part.
func PrintParts(w io.Writer, parts []Part) error {
	t := table.Table{Columns: []string{"experiment", "cells", "points", "seeds", "figures", "claims", "run", "what"}}
	for _, part := range parts {
		f, run := part.File, "no, --only"
		if part.Chosen {
			run = "yes"
		}
		cells := len(part.Exp.Cells)
		t.Rows = append(t.Rows, []any{f.Name, int64(cells), int64(cells / f.Repeats), int64(f.Repeats),
			int64(len(f.Figures)), int64(len(f.Claims)), run, f.Description})
	}
	return table.WriteText(w, t)
}

// PrintFiles prints the files that a paper's folder is going to have first of all.
func PrintFiles(w io.Writer, parts []Part, dir string) {
	for _, part := range parts {
		for _, fig := range part.File.Figures {
			for _, format := range plots.Formats(fig.Kind) {
				fmt.Fprintln(w, filepath.Join(dir, part.Exp.Name, fig.Name+"."+format))
			}
		}
	}
	fmt.Fprintln(w, filepath.Join(dir, "index.html"))
	fmt.Fprintln(w, filepath.Join(dir, "index.md"))
}
