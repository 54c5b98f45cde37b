package slurm

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/progress"
	"prabench/harness/stage"
)

// View is what Slurm knows of the stages that were submitted.
type View struct {
	Stages map[string]State // by stage; of several submissions the newest
	Note   string           // why nothing is known of tasks that ended, or ""

	running map[string]engine.Running
}

// Look asks Slurm about everything that was submitted with these artifacts.
func Look(ctx context.Context, run Tool, places engine.Places) (*View, error) {
	v := &View{Stages: map[string]State{}, running: map[string]engine.Running{}}
	subs, err := submissions(places.Artifacts)
	if err != nil || len(subs) == 0 {
		return v, err
	}
	found, err := queue(ctx, run)
	if err != nil {
		return v, err
	}
	tasks := byTask(found)
	for _, s := range subs {
		for _, a := range s.Arrays {
			for _, t := range a.Tasks {
				if st, ok := tasks[taskName{jobName(s.id, a.Name), a.position(t.Index)}]; ok {
					v.Stages[t.Key] = st
				} else {
					v.Stages[t.Key] = State{Job: jobOf(s, a.Name, a.position(t.Index)), Name: jobName(s.id, a.Name)}
				}
			}
		}
	}
	for _, r := range engine.RunningElsewhere(places) {
		v.running[r.Stage] = r
	}
	return v, nil
}

// Recall asks the accounting about tasks of the given stages that the queue
// does not list any more.
func (v *View) Recall(ctx context.Context, run Tool, stages []string) {
	jobs := map[string]bool{}
	for _, key := range stages {
		if st, sent := v.Stages[key]; sent && st.State == "" {
			if base, _, _ := strings.Cut(st.Job, "_"); base != "" {
				jobs[base] = true
			}
		}
	}
	var list []string
	for j := range jobs {
		list = append(list, j)
	}
	sort.Strings(list)
	found, err := accounting(ctx, run, list)
	if err != nil {
		v.Note = "nothing is known of tasks that ended a while ago: " + firstLine(err.Error())
		return
	}
	by := map[string]State{}
	for _, st := range found {
		by[st.Job] = st
	}
	for _, key := range stages {
		if st, sent := v.Stages[key]; sent && st.State == "" {
			if old, ok := by[st.Job]; ok {
				v.Stages[key] = old
			}
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// taskName is how a task is found in the queue: by the name of its job, which
// holds even when the answer of sbatch was lost.
type taskName struct {
	job   string
	index int
}

func byTask(all []State) map[taskName]State {
	out := map[taskName]State{}
	for _, st := range all {
		var index int
		if _, at, ok := strings.Cut(st.Job, "_"); !ok {
			continue
		} else if _, err := fmt.Sscanf(at, "%d", &index); err != nil {
			continue
		}
		name := taskName{st.Name, index}
		if have, twice := out[name]; twice && have.Active() && !st.Active() {
			continue
		}
		out[name] = st
	}
	return out
}

func jobOf(s stored, array string, index int) string {
	if j := s.jobs[array]; j != "" {
		return fmt.Sprintf("%s_%d", j, index)
	}
	return ""
}

// Queued gives the array job of a stage that Slurm still has.
func (v *View) Queued(key string) (job string, ok bool) {
	st, sent := v.Stages[key]
	if !sent || st.State == "" || !st.Active() {
		return "", false
	}
	job, _, _ = strings.Cut(st.Job, "_")
	return job, true
}

// Remember takes over what an earlier look saw in the queue and this one does
// not: it has ended since, and its result may not be taken in yet.
func (v *View) Remember(earlier *View) {
	for key, st := range earlier.Stages {
		if st.State != "" && st.Active() {
			if now := v.Stages[key]; now.State == "" || !now.Active() {
				v.Stages[key] = st
			}
		}
	}
}

// Active are the stages that Slurm has, of whatever plan.
func (v *View) Active() (n int) {
	for _, st := range v.Stages {
		if st.State != "" && st.Active() {
			n++
		}
	}
	return n
}

// Waiting are the stages to do of a plan that Slurm still has, and the jobs
// they are in.
func (v *View) Waiting(p *engine.Plan) (stages int, jobs []string) {
	seen := map[string]bool{}
	for _, it := range p.Items {
		if it.Skip || it.State != engine.ToDo {
			continue
		}
		if job, ok := v.Queued(it.Key); ok {
			stages++
			if !seen[job] {
				seen[job] = true
				jobs = append(jobs, job)
			}
		}
	}
	sort.Strings(jobs)
	return stages, jobs
}

// Apply tells in the states of cells what Slurm does about their stages: a cell
// that was still to do is running or queued there, or its task ended without a
// result.
func (v *View) Apply(p *engine.Plan, cells []engine.CellStatus) {
	chains := map[[2]string]stage.Chain{}
	for _, e := range p.Experiments {
		for _, c := range e.Cells {
			chains[[2]string{e.Name, c.ID}] = c.Chain
		}
	}
	for i := range cells {
		c := &cells[i]
		if c.State != "to do" && c.State != "queued" && c.State != "stale" {
			continue
		}
		best := 0
		for _, kind := range stage.Kinds() {
			if c.Stages[kind.Name] != engine.ToDo {
				continue
			}
			key := chains[[2]string{c.Experiment, c.Cell}].Key(kind)
			if rank, state, why, sent := v.Tell(key); sent && rank > best {
				best, c.State, c.Stage, c.Reason = rank, state, kind.Name, why
			}
		}
	}
}

// Tell says what Slurm does about a stage, if it was sent: the state of a cell
// that waits for it, and why. Of a cell's stages that with the highest rank says
// most about the cell.
func (v *View) Tell(key string) (rank int, state, why string, sent bool) {
	st, sent := v.Stages[key]
	if !sent {
		return 0, "", "", false
	}
	rank, state, why = v.tell(key, st)
	return rank, state, why, true
}

// tell puts a stage's task into words.
func (v *View) tell(key string, st State) (rank int, state, why string) {
	job := "slurm " + st.Job
	switch {
	case st.State == "":
		return 1, "to do", "was sent as " + job + ", which is gone without a result; submit again"
	case !st.Active():
		why = fmt.Sprintf("%s ended with %s", job, st.State)
		if st.Reason == "DependencyNeverSatisfied" {
			why = job + " waits for a task that failed"
		} else if st.Node != "" {
			why += " on " + st.Node
		}
		return 2, "to do", why + " and left no result; submit again"
	case st.State == "PENDING":
		why = job + " waits"
		if st.Reason != "" && st.Reason != "None" {
			why += ": " + st.Reason
		}
		return 3, "queued", why
	}
	why = job + " on " + st.Node
	if st.State != "RUNNING" {
		why += ", " + strings.ToLower(st.State)
	}
	if r, ok := v.running[key]; ok && r.Progress.Total > 0 {
		why += fmt.Sprintf(", %s %d/%d", r.Progress.What, r.Progress.Done, r.Progress.Total)
		if r.Progress.Note != "" {
			why += ", " + r.Progress.Note
		}
		if r.Left > 0 {
			why += ", " + progress.Short(r.Left) + " left"
		}
	}
	return 4, "running", why
}
