package slurm

import (
	"fmt"
	"slices"

	"prabench/harness/engine"
	"prabench/harness/stage"
)

// slot is where a stage was put.
type slot struct {
	array *Array
	index int
}

// arrange puts the stages to do into arrays. A stage whose chief input is to be
// made as well takes the input's index, in an array of its own kind that
// corresponds to the input's: it may then begin as soon as that one task has
// ended. Where several stages build on one (samplings that share a training),
// the second of each goes into a second array, and so on. What has its input
// already is numbered from 0. No array has more than most tasks.
//
// queued gives the job that an earlier submission has in the queue for a stage.
func arrange(items []*engine.Item, queued func(key string) (job string, ok bool), most int) []Array {
	b := builder{most: most, placed: map[string]slot{}, parent: map[*Array]*Array{}, needs: map[*Array]map[*Array]bool{}}
	for _, kind := range stage.Kinds() {
		for _, it := range items {
			if it.Kind == kind {
				b.put(it, queued)
			}
		}
	}
	b.name()
	out := make([]Array, len(b.arrays))
	for i, a := range b.arrays {
		out[i] = *a
	}
	return out
}

type builder struct {
	most   int
	arrays []*Array
	placed map[string]slot
	parent map[*Array]*Array          // the one that an array corresponds to
	needs  map[*Array]map[*Array]bool // inputs beside the chief one
}

func (b *builder) put(it *engine.Item, queued func(string) (string, bool)) {
	var jobs []string
	var others []*Array
	chief := it.Input(it.Kind.Chief)
	for _, key := range it.Needs() {
		if in, here := b.placed[key]; here {
			if key != chief {
				others = append(others, in.array)
			}
		} else if job, waits := queued(key); waits && !slices.Contains(jobs, job) {
			jobs = append(jobs, job)
		}
	}
	slices.Sort(jobs)
	before := b.placed[chief]
	a, index := b.room(it.Kind, before, jobs, len(others) > 0)
	if a == nil {
		a, index = &Array{Kind: it.Kind.Name, Jobs: jobs}, before.index
		b.arrays = append(b.arrays, a)
		b.parent[a], b.needs[a] = before.array, map[*Array]bool{}
	}
	for _, in := range others {
		b.needs[a][in] = true
	}
	t := Task{Index: index, Key: it.Key, Kind: it.Kind.Name, Inputs: it.Inputs, Settings: it.Full(), Cell: it.Cell, Label: it.Label}
	at, _ := slices.BinarySearchFunc(a.Tasks, index, func(t Task, i int) int { return t.Index - i })
	a.Tasks = slices.Insert(a.Tasks, at, t)
	b.placed[it.Key] = slot{a, index}
}

// room finds an array that can take one more stage with this chief input and
// these jobs to wait for, and the index it gets there. Where there is no chief input,
// stages that wait for others to be made and stages that do not are kept apart.
func (b *builder) room(kind *stage.Kind, chief slot, jobs []string, waits bool) (*Array, int) {
	for _, a := range b.arrays {
		if a.Kind != kind.Name || b.parent[a] != chief.array || !slices.Equal(a.Jobs, jobs) ||
			kind.Chief == nil && waits != (len(b.needs[a]) > 0) {
			continue
		}
		if chief.array == nil && len(a.Tasks) < b.most {
			return a, len(a.Tasks)
		}
		if chief.array != nil {
			if _, taken := a.Task(chief.index); !taken {
				return a, chief.index
			}
		}
	}
	return nil, 0
}

// name names the arrays, and in each those that it depends on.
func (b *builder) name() {
	count := map[string]int{}
	for _, a := range b.arrays {
		count[a.Kind]++
	}
	number := map[string]int{}
	for _, a := range b.arrays {
		a.Name = a.Kind
		if number[a.Kind]++; count[a.Kind] > 1 {
			a.Name = fmt.Sprintf("%s-%d", a.Kind, number[a.Kind])
		}
	}
	for _, a := range b.arrays {
		if p := b.parent[a]; p != nil {
			a.Corresponds = p.Name
		}
		for _, in := range b.arrays { // in the order of the arrays
			switch {
			case !b.needs[a][in]:
			case len(in.Tasks) == 1:
				a.One = append(a.One, in.Name)
			default:
				a.Some = append(a.Some, in.Name)
			}
		}
	}
}
