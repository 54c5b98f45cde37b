package paper

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"prabench/internal/atomicfile"
	"prabench/plots"
)

// Problem is a figure or a part that could not be drawn.
type Problem struct {
	Part, Figure string // Figure is empty for all of a part
	Err          error
}

func (p Problem) Error() string {
	where := p.Part
	if p.Figure != "" {
		where += "/" + p.Figure
	}
	return fmt.Sprintf("%s: %v", where, p.Err)
}

// Names of the files beside the figures.
const (
	SourceFile       = "experiment.toml"
	AttemptsFile     = "attempts.csv"
	EnvironmentsFile = "environments.txt"
	SumsFile         = "SHA256SUMS"
)

// Write draws everything into dir: index.html, index.md, SHA256SUMS and a folder
// for each part. Figures that cannot be drawn are named in the index and in the
// problems; the others are drawn. The files are relative to dir, sorted.
func (p Paper) Write(dir string) (files []string, problems []Problem, err error) {
	for i, part := range p.Parts {
		if part.Name != filepath.Base(part.Name) || strings.HasPrefix(part.Name, ".") {
			return nil, nil, fmt.Errorf("paper: the experiment's name %q cannot name a folder", part.Name)
		}
		for _, other := range p.Parts[:i] {
			if strings.EqualFold(part.Name, other.Name) {
				return nil, nil, fmt.Errorf("paper: two experiments are named %q", part.Name)
			}
		}
	}
	out := &folder{dir: dir}
	before := out.lastTime()
	pg := page{Command: p.Command}
	for _, part := range p.Parts {
		if p.Say != nil {
			p.Say(part.Name)
		}
		s, faults, err := out.part(part)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, faults...)
		pg.Sections = append(pg.Sections, s)
	}
	html, err := pg.html()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(out.put("index.html", html), out.put("index.md", pg.markdown())); err != nil {
		return nil, nil, err
	}
	if err := out.sums(); err != nil {
		return nil, nil, err
	}
	if err := out.remove(before); err != nil {
		return nil, nil, err
	}
	slices.Sort(out.files)
	return out.files, problems, nil
}

// folder is what is written, by paths with slashes relative to dir.
type folder struct {
	dir   string
	files []string
}

// put writes a whole file or leaves the old one.
func (f *folder) put(name string, content []byte) error {
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("paper: %w", err)
	}
	if err := atomicfile.OutputBytes(path, 0o644, content); err != nil {
		return fmt.Errorf("paper: writing %s: %w", name, err)
	}
	f.files = append(f.files, name)
	return nil
}

// sums writes the digests of all files, as sha256sum -c reads them.
func (f *folder) sums() error {
	list := slices.Clone(f.files)
	slices.Sort(list)
	var b strings.Builder
	for _, name := range list {
		raw, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("paper: %w", err)
		}
		sum := sha256.Sum256(raw)
		fmt.Fprintf(&b, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	return f.put(SumsFile, []byte(b.String()))
}

// lastTime reads the digests that an earlier drawing left, by name.
func (f *folder) lastTime() map[string]string {
	out := map[string]string{}
	raw, err := os.ReadFile(filepath.Join(f.dir, SumsFile))
	if err != nil {
		return out
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		sum, name, ok := strings.Cut(line, "  ")
		if ok && filepath.IsLocal(filepath.FromSlash(name)) {
			out[name] = sum
		}
	}
	return out
}

// remove takes away what an earlier drawing made and this one did not, such as
// figures that have another name now; files that were changed since stay.
func (f *folder) remove(before map[string]string) error {
	for name, sum := range before {
		path := filepath.Join(f.dir, filepath.FromSlash(name))
		raw, err := os.ReadFile(path)
		if slices.Contains(f.files, name) || err != nil {
			continue
		}
		if own := sha256.Sum256(raw); hex.EncodeToString(own[:]) != sum {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("paper: %w", err)
		}
		os.Remove(filepath.Dir(path)) // when nothing is left in it
	}
	return nil
}

// part writes the files of one experiment.
func (f *folder) part(p Part) (section, []Problem, error) {
	s := section{Part: p, Codes: p.codes()}
	var problems []Problem
	if len(p.Source) > 0 {
		if err := f.put(p.Name+"/"+SourceFile, p.Source); err != nil {
			return s, nil, err
		}
	}
	if p.Problem != "" {
		return s, []Problem{{Part: p.Name, Err: errors.New(p.Problem)}}, nil
	}
	attempts, err := attemptsCSV(p)
	if err != nil {
		return s, nil, err
	}
	if err := errors.Join(f.put(p.Name+"/"+AttemptsFile, attempts), f.put(p.Name+"/"+EnvironmentsFile, environmentsText(p))); err != nil {
		return s, nil, err
	}
	named := map[string][]Result{}
	for _, c := range p.Claims {
		r := c.test(p.Data)
		named[c.Figure] = append(named[c.Figure], r)
		s.Results = append(s.Results, r)
	}
	s.General = named[""]
	for _, fig := range p.Figures {
		d := drawnFigure{Figure: fig, Results: named[fig.Name], Behind: behindFigure(p, fig)}
		if err := f.figure(p, &d); err != nil {
			d.Problem = err.Error()
			problems = append(problems, Problem{p.Name, fig.Name, err})
		} else {
			d.Readings = read(fig)
		}
		s.Figures = append(s.Figures, d)
	}
	return s, problems, nil
}

// figure draws one, with its values beside it.
func (f *folder) figure(p Part, d *drawnFigure) error {
	fig := d.Figure.Figure
	if !fig.Text() { // a caption says it in print, the index here
		fig.Title = ""
	}
	paths, err := plots.Draw(fig, d.Figure.Data, filepath.Join(f.dir, p.Name), nil)
	if err != nil {
		return err
	}
	for _, path := range paths {
		name := p.Name + "/" + filepath.Base(path)
		f.files, d.Files = append(f.files, name), append(d.Files, name)
		if strings.HasSuffix(name, ".svg") {
			d.Picture = name
		}
	}
	if d.Text() {
		if d.TableHTML, err = plots.TableHTML(d.Figure.Figure, d.Figure.Data); err != nil {
			return err
		}
		fig.Title = "" // the heading of the index
		if d.TableMarkdown, _, err = plots.Tables(fig, d.Figure.Data); err != nil {
			return err
		}
	}
	values, err := valuesCSV(d.Figure)
	if err != nil || values == nil {
		return err
	}
	name := p.Name + "/" + d.Name + ".values.csv"
	d.Files = append(d.Files, name)
	return f.put(name, values)
}
