package progress

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// sums are what a forecast needs of all tasks, kept as tasks change: a run of
// 30,000 stages asks for it several times a stage. A task is in the sums between
// enter and leave.
type sums struct {
	kinds   map[string]*kindSums
	running []*state
	spent   time.Duration
}

// kindSums are the sums of one kind: its tasks share a correction.
type kindSums struct {
	alone   total        // estimates of what waits and runs alone
	shared  total        // and of what waits and runs beside others
	longest longestFirst // of the latter; also tasks that wait no more, found out on the way

	took, expected total // of what is finished: by how much it was misjudged
}

// total is a sum of durations that does not overflow with hundreds of thousands
// of long tasks, and that gives back exactly what was added.
type total struct{ seconds, rest int64 }

func (t *total) add(d time.Duration, times int64) {
	t.seconds += times * int64(d/time.Second)
	t.rest += times * int64(d%time.Second)
}

func (t total) in() float64 { return float64(t.seconds) + float64(t.rest)/1e9 }

func newSums() sums { return sums{kinds: map[string]*kindSums{}} }

func (s *sums) of(kind string) *kindSums {
	k := s.kinds[kind]
	if k == nil {
		k = &kindSums{}
		s.kinds[kind] = k
	}
	return k
}

func (s *sums) enter(t *state) {
	s.count(t, 1)
	switch {
	case t.running:
		s.running = append(s.running, t)
	case !t.over && !t.Alone:
		heap.Push(&s.of(t.Kind).longest, waiting{t, t.ahead()})
	}
}

func (s *sums) leave(t *state) {
	s.count(t, -1)
	if t.running {
		s.running = slices.DeleteFunc(s.running, func(o *state) bool { return o == t })
	}
}

func (s *sums) count(t *state, times int64) {
	k := s.of(t.Kind)
	s.spent += time.Duration(times) * t.spent
	if t.finished > 0 && t.Estimate > 0 && t.spent > 0 {
		k.took.add(t.spent, times)
		k.expected.add(t.Estimate*time.Duration(t.finished)/time.Duration(t.Rounds), times)
	}
	switch {
	case t.running || t.over:
	case t.Alone:
		k.alone.add(t.ahead(), times)
	default:
		k.shared.add(t.ahead(), times)
	}
}

// ahead is the estimate, not corrected, of the rounds to come.
func (s *state) ahead() time.Duration {
	return s.Estimate / time.Duration(s.Rounds) * time.Duration(s.Rounds-s.finished)
}

// correction is by how much the finished tasks of a kind were misjudged.
func (s *sums) correction(kind string) float64 { return s.of(kind).correction() }

func (k *kindSums) correction() float64 {
	if k.expected == (total{}) {
		return 1
	}
	return k.took.in() / k.expected.in()
}

// queued is the forecast for what waits: in all of what may run side by side and
// of what runs alone, and the longest of the former.
func (s *sums) queued() (shared, alone, longest time.Duration) {
	for _, k := range s.kinds {
		c := k.correction()
		shared += seconds(c * k.shared.in())
		alone += seconds(c * k.alone.in())
		longest = max(longest, time.Duration(c*float64(k.longest.first())))
	}
	return shared, alone, longest
}

// waiting is the forecast for all that waits.
func (s *sums) waiting() time.Duration {
	shared, alone, _ := s.queued()
	return shared + alone
}

// seconds is a duration, the longest where it is longer than one can be.
func seconds(s float64) time.Duration {
	const most = float64(1<<62) / 1e9
	return time.Duration(min(s, most) * 1e9)
}

// atWork are the running tasks in their order.
func (s *sums) atWork() []*state {
	slices.SortFunc(s.running, func(a, b *state) int { return cmp.Compare(a.place, b.place) })
	return s.running
}

// longestFirst is a heap of tasks that wait. One that has begun meanwhile is
// dropped when it comes first; when it waits again it has entered again.
type longestFirst []waiting

type waiting struct {
	task  *state
	ahead time.Duration
}

// first is the longest estimate of those that still wait.
func (l *longestFirst) first() time.Duration {
	for len(*l) > 0 {
		top := (*l)[0]
		if !top.task.running && !top.task.over && top.task.ahead() == top.ahead {
			return top.ahead
		}
		heap.Pop(l)
	}
	return 0
}

func (l longestFirst) Len() int           { return len(l) }
func (l longestFirst) Less(i, j int) bool { return l[i].ahead > l[j].ahead }
func (l longestFirst) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *longestFirst) Push(x any)        { *l = append(*l, x.(waiting)) }
func (l *longestFirst) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
