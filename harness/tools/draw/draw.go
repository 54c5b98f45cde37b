package draw

import (
	"context"
	"path/filepath"

	"prabench/harness/engine"
	"prabench/plots"
)

// Figures draws the figures of an experiment into a folder below dir, of its name
// or, for a version that is not shown under it, NAME@2: files of the formats, or of all. A figure that cannot be drawn is
// warned of and counted; the others are drawn.
func (s Source) Figures(ctx context.Context, f engine.Loaded, dir string, formats []string, say Say) (failed int, err error) {
	e, err := s.read(ctx, f.Exp)
	if err != nil {
		return 0, err
	}
	for _, n := range e.left.Notes() {
		say.warn("%s: %s; --across NAME accepts a difference", f.Exp.Name, n)
	}
	for _, fig := range f.File.Figures {
		data, warnings := e.dataOf(fig)
		for _, w := range warnings {
			say.warn("%s", w)
		}
		data.Warn = func(text string) { say.warn("%s: %s", fig.Source, text) }
		files, err := plots.Draw(fig, data, filepath.Join(dir, f.Exp.Ref()), formats)
		if err != nil {
			say.warn("%s: %v", fig.Source, err)
			failed++
			continue
		}
		for _, path := range files {
			say.Wrote(path)
		}
	}
	return failed, nil
}
