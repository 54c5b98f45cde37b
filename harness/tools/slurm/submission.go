// Package slurm sends the stages of a plan to the nodes of a cluster that Slurm
// manages, and says what became of them.
//
// Its principle is that the engine which owns the machines should do the queueing:
// nothing of ours waits or listens. What is to be done is frozen into a folder
// on the shared filesystem, with the very program that planned it; every stage
// is a task of an array job that leaves its result as a file; and the machine
// with the database takes the files in whenever somebody looks. To send again
// is to plan again: what has a result or still waits in the queue is left out.
package slurm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"

	"prabench/harness/engine"
	"prabench/harness/stage"
)

// format is the version of plan.json that this program writes and reads.
const format = 1

// Submission is a frozen plan: what was sent at once. It is written once and
// never changes; its id is the hash of its file.
type Submission struct {
	Format    int       `json:"format"`
	Name      string    `json:"name"` // of the experiments
	Created   time.Time `json:"created"`
	Program   Program   `json:"program"`
	Artifacts string    `json:"artifacts"` // absolute, the same on every machine
	Folder    string    `json:"folder"`    // current one of the tasks: relative data folders begin there
	Arrays    []Array   `json:"arrays"`    // each after those it depends on
}

// Array is one array job: stages of one kind.
type Array struct {
	Name  string `json:"name"` // kind, or kind-n where there are several
	Kind  string `json:"kind"`
	Tasks []Task `json:"tasks"`          // by index
	Pack  int    `json:"pack,omitempty"` // stages that share a task of Slurm; 0 is one

	// What has to end before. Corresponds names an array whose task of the same
	// index is the input of each task here. One names arrays of a single task
	// that all tasks need, Some arrays of which each task needs any one, and
	// Jobs those of earlier submissions.
	Corresponds string   `json:"corresponds,omitempty"`
	One         []string `json:"one,omitempty"`
	Some        []string `json:"some,omitempty"`
	Jobs        []string `json:"jobs,omitempty"` // sorted
}

// Task is one stage of a plan, the work of one array task.
type Task struct {
	Index    int            `json:"index"`
	Key      string         // of the stage
	Kind     string         // its name
	Inputs   []string       // keys, see [stage.Stage]
	Settings stage.Settings `json:"settings"`
	Cell     string         `json:"cell"`
	Label    string         `json:"label"`
}

// item is the stage as the engine does it; the program that froze the plan is
// the one that does it, and knows its kinds.
func (t Task) item() *engine.Item {
	s := stage.Stage{Key: t.Key, Kind: stage.Named(t.Kind), Inputs: t.Inputs}
	return &engine.Item{Stage: s, Settings: &t.Settings, Seed: t.Settings.Params.Seed(), Cell: t.Cell, Label: t.Label, Cells: 1, Known: true}
}

// Array finds an array by name.
func (s *Submission) Array(name string) (*Array, bool) {
	for i := range s.Arrays {
		if s.Arrays[i].Name == name {
			return &s.Arrays[i], true
		}
	}
	return nil, false
}

// position is the index that Slurm knows a task by.
func (a *Array) position(index int) int { return index / max(1, a.Pack) }

// pack puts n stages into each task of Slurm, but for those that are measured alone.
// Tasks correspond by their index: where one of two arrays is packed, all of the
// earlier are waited for.
func (s *Submission) pack(n int) {
	if n <= 1 {
		return
	}
	for i := range s.Arrays {
		a := &s.Arrays[i]
		if !measured(a) {
			a.Pack = n
		}
		if before, ok := s.Array(a.Corresponds); ok && before.Pack != a.Pack {
			a.Some, a.Corresponds = append(a.Some, a.Corresponds), ""
		}
	}
}

// Packed are the tasks that share one of Slurm's.
func (a *Array) Packed(position int) (out []Task) {
	for _, t := range a.Tasks {
		if a.position(t.Index) == position {
			out = append(out, t)
		}
	}
	return out
}

// Task finds a task by its index.
func (a *Array) Task(index int) (Task, bool) {
	i := sort.Search(len(a.Tasks), func(i int) bool { return a.Tasks[i].Index >= index })
	if i == len(a.Tasks) || a.Tasks[i].Index != index {
		return Task{}, false
	}
	return a.Tasks[i], true
}

// Files of a submission's folder.
const (
	planFile  = "plan.json"
	jobsFile  = "jobs.jsonl" // one line for each array that sbatch took
	logFolder = "log"
)

// root is the folder of all submissions of an artifacts folder.
func root(artifacts string) string { return filepath.Join(artifacts, "slurm") }

// Dir is the folder of a submission.
func Dir(artifacts, id string) string { return filepath.Join(root(artifacts), id) }

// encode gives the content of plan.json, its hash, and the id, which is the
// beginning of the hash.
func (s *Submission) encode() (content []byte, hash, id string, err error) {
	content, err = json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, "", "", err
	}
	content = append(content, '\n')
	sum := sha256.Sum256(content)
	hash = hex.EncodeToString(sum[:])
	return content, hash, hash[:12], nil
}

// Load reads a frozen plan and refuses one whose content has another hash.
func Load(path, hash string) (*Submission, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the frozen plan cannot be read: %w; is the artifacts folder on a filesystem that this machine shares?", err)
	}
	sum := sha256.Sum256(content)
	if got := hex.EncodeToString(sum[:]); got != hash {
		return nil, fmt.Errorf("%s has changed since it was submitted (SHA-256 %.12s…, %.12s… expected): submit again", path, got, hash)
	}
	var s Submission
	if err := json.Unmarshal(content, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("%s has format %d, this program knows %d", path, s.Format, format)
	}
	return &s, nil
}

// stored is a submission that is in its folder.
type stored struct {
	*Submission
	id   string
	jobs map[string]string // array → job, as sbatch told
}

// submissions reads all that were written, the oldest first. Folders that hold
// no whole plan, such as one that is just being written, are left out.
func submissions(artifacts string) ([]stored, error) {
	entries, err := os.ReadDir(root(artifacts))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []stored
	for _, e := range entries {
		dir := filepath.Join(root(artifacts), e.Name())
		content, err := os.ReadFile(filepath.Join(dir, planFile))
		if err != nil {
			continue
		}
		var s Submission
		if json.Unmarshal(content, &s) != nil || s.Format != format {
			continue
		}
		out = append(out, stored{&s, e.Name(), readJobs(filepath.Join(dir, jobsFile))})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Created.Before(out[j].Created) })
	return out, nil
}

// Any says whether anything was ever submitted with these artifacts.
func Any(artifacts string) bool {
	entries, err := os.ReadDir(root(artifacts))
	return err == nil && len(entries) > 0
}

// jobLine is one line of jobs.jsonl.
type jobLine struct {
	Array string `json:"array"`
	Job   string `json:"job"`
}

func readJobs(path string) map[string]string {
	jobs := map[string]string{}
	f, err := os.Open(path)
	if err != nil {
		return jobs
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var l jobLine
		if d.Decode(&l) != nil { // the end, or a line that a crash cut short
			return jobs
		}
		jobs[l.Array] = l.Job
	}
}
