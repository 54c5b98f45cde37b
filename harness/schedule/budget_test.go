package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTheFirstThatFitsIsNext holds the choice to the rule, looked up in the whole
// list: the first ready task whose threads and memory fit beside what runs.
func TestTheFirstThatFitsIsNext(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s := &Scheduler{Jobs: 1 + rng.IntN(4), Threads: rng.IntN(6), Memory: int64(rng.IntN(8))}
		var tasks []Task
		for i := range 60 {
			tasks = append(tasks, Task{ID: fmt.Sprint(i), Threads: 1 + rng.IntN(3), Memory: int64(rng.IntN(4))})
		}
		r := newRun(s, tasks)
		started := map[int]bool{}
		var running []int
		var busy use
		for len(started) < len(tasks) || len(running) > 0 {
			want := -1
			for i, task := range tasks {
				if !started[i] && busy.tasks < s.Jobs && (busy.tasks == 0 || (s.Threads == 0 || busy.threads+task.Threads <= s.Threads) &&
					(s.Memory == 0 || busy.memory+task.Memory <= s.Memory)) {
					want = i
					break
				}
			}
			got, ok := r.next(busy)
			if !ok {
				got = -1
			}
			if got != want {
				t.Fatalf("seed %d: task %d, want %d, beside %+v", seed, got, want, busy)
			}
			if ok {
				started[got] = true
				running = append(running, got)
				busy.add(tasks[got], 1)
				continue
			}
			k := rng.IntN(len(running))
			busy.add(tasks[running[k]], -1)
			running = append(running[:k], running[k+1:]...)
		}
	}
}
