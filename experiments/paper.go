package experiments

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

// The files of the paper are part of the program, so that an installed one has
// them; larger variants lie in a folder below and are files only.
//
//go:embed all:paper
var paper embed.FS

// PaperFolder is where the files of the paper lie in the source tree.
const PaperFolder = "experiments/paper"

// PaperFile is an experiment file that is part of the program.
type PaperFile struct {
	Path   string // below the source tree: experiments/paper/components.toml
	Source []byte
}

// PaperFiles gives the experiment files of the paper, by name.
func PaperFiles() []PaperFile {
	entries, err := paper.ReadDir("paper")
	if err != nil {
		panic("experiments: the files of the paper are missing from the program: " + err.Error())
	}
	var out []PaperFile
	for _, e := range entries { // sorted by name
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".toml") {
			continue
		}
		raw, err := fs.ReadFile(paper, path.Join("paper", e.Name()))
		if err != nil {
			panic("experiments: " + err.Error())
		}
		out = append(out, PaperFile{Path: path.Join(PaperFolder, e.Name()), Source: raw})
	}
	return out
}
