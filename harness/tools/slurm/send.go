package slurm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"prabench/harness/engine"
)

// Draft is a submission that is not written yet.
type Draft struct {
	Submission
	ID, Hash string
	Options  Options
	Scripts  []Script // in the order in which sbatch gets them
	Waiting  int      // stages to do that are in the queue already

	content []byte
	from    string // the executable to copy
}

// Script is the text for one array.
type Script struct {
	Array string
	File  string // in the submission's folder
	Text  string
}

// NewDraft freezes what a plan still has to do and what the queue does not hold
// already. executable is the program to run. view is nil where Slurm is not
// asked.
func NewDraft(ctx context.Context, run Tool, p *engine.Plan, view *View, places engine.Places, executable string,
	o Options) (*Draft, error) {
	artifacts, err := filepath.Abs(places.Artifacts)
	if err != nil {
		return nil, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if bad := strings.IndexAny(artifacts+folder, "\"\n\\"); bad >= 0 {
		return nil, fmt.Errorf("the artifacts folder or the current one has a quote, backslash or line break in its name, which Slurm's "+
			"scripts cannot hold: %q", artifacts)
	}
	var names []string
	for _, e := range p.Experiments {
		names = append(names, e.Name)
	}
	d := &Draft{Options: o, from: executable}
	d.Submission = Submission{Format: format, Name: strings.Join(names, ", "), Created: time.Now().UTC(), Artifacts: artifacts, Folder: folder}
	if d.Program, err = program(executable, artifacts); err != nil {
		return nil, fmt.Errorf("the program itself cannot be read: %w", err)
	}
	if view == nil {
		view = &View{}
	}
	var todo []*engine.Item
	for _, it := range p.Items {
		if it.Skip || it.State != engine.ToDo {
			continue
		}
		if _, waits := view.Queued(it.Key); waits {
			d.Waiting++
			continue
		}
		todo = append(todo, it)
	}
	at, err := o.site()
	if err != nil {
		return nil, err
	}
	d.Arrays = arrange(todo, view.Queued, most(ctx, run))
	if err := o.enough(d.Arrays); err != nil {
		return nil, err
	}
	d.pack(o.Pack)
	if d.content, d.Hash, d.ID, err = d.encode(); err != nil {
		return nil, err
	}
	for i := range d.Arrays {
		a := &d.Arrays[i]
		d.Scripts = append(d.Scripts, Script{a.Name, a.Name + ".sh", script(&d.Submission, a, d.ID, d.Hash, o, at)})
	}
	return d, nil
}

// Stages is how many stages the draft would send.
func (d *Draft) Stages() int {
	n := 0
	for _, a := range d.Arrays {
		n += len(a.Tasks)
	}
	return n
}

// Dir is the folder that the submission gets.
func (d *Draft) Dir() string { return Dir(d.Artifacts, d.ID) }

// Write writes the folder of the submission: the frozen plan, the scripts, and
// the program beside it. The folder appears as a whole.
func (d *Draft) Write() error {
	if err := d.Program.keep(d.from); err != nil {
		return err
	}
	if err := os.MkdirAll(root(d.Artifacts), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(root(d.Artifacts), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := errors.Join(os.Chmod(tmp, 0o755), os.Mkdir(filepath.Join(tmp, logFolder), 0o755),
		durable(filepath.Join(tmp, planFile), d.content)); err != nil {
		return err
	}
	for _, s := range d.Scripts {
		if err := durable(filepath.Join(tmp, s.File), []byte(s.Text)); err != nil {
			return err
		}
	}
	return os.Rename(tmp, d.Dir())
}

func durable(path string, content []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Sent is an array that sbatch took.
type Sent struct {
	Array string `json:"array"`
	Kind  string `json:"kind"`
	Tasks int    `json:"tasks"`
	Job   string `json:"job"`
}

// Send hands the arrays to sbatch, each after those it depends on. When one is
// refused the ones before it stay: sending again sends the rest.
func (d *Draft) Send(ctx context.Context, run Tool) ([]Sent, error) {
	var sent []Sent
	jobs := map[string]string{}
	for i := range d.Arrays {
		a := &d.Arrays[i]
		out, err := run(ctx, "sbatch", d.arguments(a, d.Dir(), func(array string) string { return jobs[array] })...)
		if err != nil {
			return sent, fmt.Errorf("the %s stages were refused: %w", a.Name, err)
		}
		// "100", or "100;cluster" where there are several.
		job, _, _ := strings.Cut(strings.TrimSpace(out), ";")
		if job == "" {
			return sent, fmt.Errorf("sbatch did not tell the job of the %s stages", a.Name)
		}
		jobs[a.Name] = job
		sent = append(sent, Sent{a.Name, a.Kind, len(a.Tasks), job})
		if err := d.record(a.Name, job); err != nil {
			return sent, fmt.Errorf("the job of the %s stages, %s, could not be noted: %w", a.Name, job, err)
		}
	}
	return sent, nil
}

// arguments are those of sbatch for an array.
func (d *Draft) arguments(a *Array, dir string, job func(string) string) []string {
	args := []string{"--parsable"}
	if dep := a.dependency(job); dep != "" {
		args = append(args, "--dependency="+dep)
	}
	return append(args, filepath.Join(dir, a.Name+".sh"))
}

// Commands are the calls of sbatch as text, with <name> for the job of an array
// before.
func (d *Draft) Commands() []string {
	var out []string
	for i := range d.Arrays {
		words := []string{"sbatch"}
		for _, w := range d.arguments(&d.Arrays[i], d.Dir(), func(array string) string { return "<" + array + ">" }) {
			if !strings.Contains(w, "<") {
				w = quoted(w)
			}
			words = append(words, w)
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func (d *Draft) record(array, job string) error {
	line, err := json.Marshal(jobLine{array, job})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(d.Dir(), jobsFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}
