package stage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/results/record"
)

// Kind is a kind of stage: what it builds on, what it reads, what it takes and
// how it is run. What it does stands beside it in the worker (package work),
// where each kind has one file; everything else that has to tell one kind from
// another asks for one of these fields.
type Kind struct {
	// Name is a word: part of every key, the folder of the kind's artifacts and
	// what the database and people call it. It never changes.
	Name string

	// Inputs are the kinds that it builds on, in the order in which their keys
	// enter its own; a cell that lacks one of them has no such stage. Optional
	// ones follow, and are left out for cells that have none: a tokenizer goes
	// before the trainings of some families only.
	Inputs, Optional []*Kind
	// Aside are kinds that only save it time: what it makes is the same without them, so
	// their keys do not enter its own. They are done for stages that are still to do.
	Aside []*Kind
	// Chief is the input that is made for few cells or for one, and so decides
	// when a stage may begin; nil for a kind that waits for none.
	Chief *Kind

	// Wanted says whether a cell asks for it; nil: each cell does.
	Wanted func(*Settings) bool
	// Asks is what it needs a model to be capable of. A cell whose model is not
	// has no such stage, and is none the worse.
	Asks []Capability

	// Given is the version of what stands in its place for images of another
	// program; "" for a kind that cannot come from outside.
	Given string
	// Program is what stands in its place for a [Program]; nil for a kind that none
	// can do.
	Program *InPlace

	// Version is that of the code behind it, raised when its results change. Where
	// it contains [Core], the version of the cell's family stands there in keys.
	Version string
	// Part is what it reads of the settings, as it enters keys: a comparable
	// struct; nil where its inputs say everything.
	Part func(*Settings) any

	// OnDevice says that it computes on the models' device; other kinds are the
	// processor's, at any number of threads.
	OnDevice bool
	// Threads is what it computes with on the device; nil: as a training does.
	Threads func(*Settings) int
	// Together says that measure.devices processes do it together, each on a device of
	// its own; the result does not depend on their number but by the order of sums.
	Together bool
	// Rounds says that it is measured alone on the machine, in that many rounds
	// over all cells; nil for a kind that is done in one go beside others. Such a
	// kind stands on itself: where its inputs were made changes nothing.
	Rounds func(*Settings) int
	// Alike is what decides a measurement, where that is less than what the stage
	// reads: of stages of one seed that give the same, one is measured and the others
	// share its rounds. A nil function, or nil, shares with none.
	Alike func(*Settings) any

	// Effort is the work of doing it once, and Memory the bytes that its process
	// is going to hold on the machine beside the program itself.
	Effort func(*Settings, *Costs) Effort
	Memory func(Host) int64
	// File is the bytes that its largest file has at least; nil: few.
	File func(Host) int64

	// Lacks says which images the kind could not do without, as far as that is known
	// before anything is done: too few of a split, or too few drawn; nil: any will do.
	// It refuses nothing that the worker could do.
	Lacks func(*Settings, Images) error

	// Label is who it is for where no single cell is; nil: the first cell.
	Label func(*Settings) string
	// Shown says that people look at its artifacts: a damaged one is made again
	// even where no stage asks for it.
	Shown bool
	// Reach is how far a stage goes, of a kind of which one goes on from another that
	// stopped earlier and is the same otherwise; 0 is to the end. Whole is the settings
	// of the one that goes there. Where one goes on from does not change its result.
	Reach func(*Settings) int
	Whole func(Settings) Settings
	// Trunk is the settings of a stage without an end that this one is the same as up to
	// some reach, so that it can go on from others of them; ok is false where there is none.
	Trunk func(Settings) (trunk Settings, until int, ok bool)

	// Watched says that the kind ends by itself where its steps do not end, and has no
	// timeout unless a file names it.
	Watched bool
	// Unfinished is the folder, among the artifacts, that keeps what an attempt
	// left to go on from, under names that begin with the stage's key; "" if none.
	Unfinished string

	place  int  // among the registered kinds, from 1
	saves  bool // time of others: it is aside of a registered kind
	builds bool // others are built on it
}

// InPlace is how a program outside does what a kind does for models. It stands on
// no other stage.
type InPlace struct {
	Version string
	Part    func(*Settings) any // as in [Kind]
}

// Effort is what doing a stage takes, beside the start of a process.
type Effort struct {
	FLOPs   float64       // of models
	Threads int           // that do them
	Other   time.Duration // whatever else: reading data, embedding, fitting
}

// Core stands in the version of a kind for that of the family of models.
const Core = "{family}"

// code is the version as it enters the keys of a cell.
func (k *Kind) code(s *Settings) string {
	if !strings.Contains(k.Version, Core) {
		return k.Version
	}
	return strings.Replace(k.Version, Core, s.Params.Family().Version(), 1)
}

func (k *Kind) String() string { return k.Name }

// Ref is the artifact of a stage of the kind.
func (k *Kind) Ref(key string) artifact.Ref { return artifact.Ref{Kind: k.Name, Key: key} }

// inputs are all kinds that it may build on.
func (k *Kind) inputs() []*Kind { return slices.Concat(k.Inputs, k.Optional, k.Aside) }

// SavesTime says that stages of the kind do nothing else than save others time.
func (k *Kind) SavesTime() bool { return k.saves && !k.builds }

// kinds are the registered kinds in the order of a chain, and the places of the
// inputs of each: a sweep asks hundreds of thousands of times.
var (
	kinds       []*Kind
	byName      = map[string]*Kind{}
	inputPlaces [][]int
)

// Register makes kinds known, each after those it builds on. It panics on one
// that cannot be: that is the program's mistake.
func Register(all ...*Kind) {
	for _, k := range all {
		if problem := k.problem(); problem != "" {
			panic(fmt.Sprintf("stage kind %q: %s", k.Name, problem))
		}
		kinds = append(kinds, k)
		byName[k.Name] = k
		k.place = len(kinds)
		var at []int
		for _, in := range k.inputs() {
			at = append(at, in.place-1)
			in.builds = in.builds || !slices.Contains(k.Aside, in)
			in.saves = in.saves || slices.Contains(k.Aside, in)
		}
		inputPlaces = append(inputPlaces, at)
	}
}

func (k *Kind) problem() string {
	switch {
	case !record.IsWord(k.Name):
		return "its name is not a word"
	case byName[k.Name] != nil:
		return "it is registered twice"
	case k.Version == "":
		return "it has no version"
	case k.Effort == nil || k.Memory == nil:
		return "it does not say what it takes"
	case k.Chief == nil && len(k.Inputs) > 0 || k.Chief != nil && !slices.Contains(k.inputs(), k.Chief):
		return "its chief input is not one of its inputs"
	}
	for _, in := range k.inputs() {
		if in == nil || in.place == 0 {
			return "it comes before one of its inputs"
		}
	}
	return ""
}

// Kinds are the registered kinds in the order of a chain.
func Kinds() []*Kind { return kinds }

// Names are their names.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}

// Named is the kind of that name, nil for one that this program does not know.
func Named(name string) *Kind { return byName[name] }

// wanted says whether a cell has such a stage, as far as its settings decide.
func (k *Kind) wanted(s *Settings) bool {
	if k.Wanted != nil && !k.Wanted(s) {
		return false
	}
	return !slices.ContainsFunc(k.Asks, func(c Capability) bool { return !s.Can(c) })
}

// part is what enters the key.
func (k *Kind) part(s *Settings) any {
	if k.Part == nil {
		return struct{}{}
	}
	return k.Part(s)
}

// ThreadsOf is what a stage of the kind computes with on the models' device.
func (k *Kind) ThreadsOf(s *Settings) int {
	if k.Threads != nil {
		return k.Threads(s)
	}
	return s.Training().Threads
}

// RanksOf is how many processes do a stage of the kind together.
func (k *Kind) RanksOf(s *Settings) int {
	if k.Together && !s.Foreign() {
		return s.Measure.Ranks()
	}
	return 1
}

// Measured says that stages of the kind are measured alone, in rounds.
func (k *Kind) Measured() bool { return k.Rounds != nil }
