package check

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"prabench/harness/machine"
	"prabench/harness/tools/check/arm"
)

// ledger is a bench that writes down what it is asked for. Every call takes a
// second of its clock.
type ledger struct {
	said  []string
	now   time.Time
	loads []float64 // of the rounds, in turn; then quiet
	rows  int
	fail  func(start int) error // of the n-th process
	began int
}

func (l *ledger) bench() Bench {
	return Bench{
		Start: func(s Side) (Arm, error) {
			l.began++
			l.said = append(l.said, "start "+s.String())
			return &noted{l, s, l.began}, nil
		},
		Now: func() time.Time { return l.now },
		Load: func() func() (machine.Load, bool) {
			begin := l.now
			return func() (machine.Load, bool) {
				load := machine.Load{Wall: l.now.Sub(begin)}
				if l.rows < len(l.loads) {
					load.Foreign = l.loads[l.rows]
				}
				l.rows++
				return load, true
			}
		},
		Say: func(time.Duration, time.Duration, string) {},
	}
}

type noted struct {
	*ledger
	side Side
	n    int
}

func (a *noted) Close() { a.said = append(a.said, "end "+a.side.String()) }

func (a *noted) Ask(_ context.Context, q arm.Request) (arm.Answer, error) {
	a.now = a.now.Add(time.Second)
	if a.fail != nil {
		if err := a.fail(a.n); err != nil {
			return arm.Answer{}, err
		}
	}
	if q.Do == arm.Open {
		a.said = append(a.said, fmt.Sprintf("%v opens %s", a.side, q.Model))
	} else {
		a.said = append(a.said, fmt.Sprintf("%v %s", a.side, q.Metric))
	}
	return arm.Answer{Resident: 1 << 20, Batch: 2, Seconds: []float64{0.5, 0.4}, Exact: map[string]float64{"params": 7}}, nil
}

func options(rounds, repeat int, budget time.Duration, metrics ...string) Options {
	o := Options{Rounds: rounds, Repeat: repeat, Budget: budget}
	for _, name := range metrics {
		m, _ := MetricOf(name, Thresholds{0.03, 0.05, 0.01})
		o.Metrics = append(o.Metrics, m)
	}
	return o
}

func two() []Cell { return []Cell{{Label: "a", Model: "a"}, {Label: "b", Model: "b"}} }

// A round has two new processes; the programs work A B B A, then B A A B with
// the next metric; who begins changes with the round, and the cells take turns
// in beginning.
func TestTheOrderOfARound(t *testing.T) {
	l := &ledger{}
	if err := l.bench().Compare(context.Background(), two(), options(2, 0, time.Hour, arm.Throughput, arm.Latency), &Report{}); err != nil {
		t.Fatal(err)
	}
	round := func(cell string, a, b string) string {
		return strings.Join([]string{"start " + a, a + " opens " + cell, "start " + b, b + " opens " + cell,
			a + " throughput", b + " throughput", b + " throughput", a + " throughput",
			b + " latency", a + " latency", a + " latency", b + " latency", "end old", "end new"}, ", ")
	}
	want := []string{round("a", "old", "new"), round("b", "new", "old"), round("b", "old", "new"), round("a", "new", "old")}
	if got := strings.Join(l.said, ", "); !strings.HasPrefix(got, strings.Join(want, ", ")) {
		t.Errorf("%s\nwant %s", strings.ReplaceAll(got, "end new, ", "end new\n"), strings.Join(want, "\n"))
	}
}

// A disturbed round is measured again; quiet ones count first; what stays
// disturbed counts after so many tries, and is reported.
func TestDisturbedRoundsAreRepeatedThenFlagged(t *testing.T) {
	cells := two()[:1]
	collect := func(loads []float64, o Options) (rounds, disturbed, tries int) {
		l := &ledger{loads: loads}
		b := block{tries: map[int][]round{}, fault: map[int]error{}}
		if err := l.bench().collect(context.Background(), &b, cells, []target{{0, o.Metrics}}, o, l.now.Add(time.Hour), ""); err != nil {
			t.Fatal(err)
		}
		chosen, n := b.chosen(0, o.Rounds)
		return len(chosen), n, len(b.tries[0])
	}
	o := options(4, 2, time.Hour, arm.Latency)
	if r, d, n := collect([]float64{0, 0.9, 0, 0.9}, o); r != 4 || d != 0 || n != 6 {
		t.Errorf("two disturbed rounds: %d count, %d of them disturbed, after %d tries", r, d, n)
	}
	always := make([]float64, 100)
	for i := range always {
		always[i] = 0.5 + float64(i%7)/10
	}
	if r, d, n := collect(always, o); r != 4 || d != 4 || n != 12 {
		t.Errorf("always disturbed: %d count, %d of them disturbed, after %d tries", r, d, n)
	}
	o.Repeat = 0
	if r, d, n := collect([]float64{0.9}, o); r != 4 || d != 1 || n != 4 {
		t.Errorf("without repeating: %d count, %d of them disturbed, after %d tries", r, d, n)
	}
}

// The budget ends a check before its rounds are done; every cell has one.
func TestTheBudgetIsKept(t *testing.T) {
	l := &ledger{}
	begin := l.now
	rep := &Report{}
	if err := l.bench().Compare(context.Background(), two(), options(50, 0, time.Minute, arm.Latency), rep); err != nil {
		t.Fatal(err)
	}
	if took := l.now.Sub(begin); took > time.Minute || rep.Cells[0].Rounds < 2 || rep.Cells[0].Rounds > 6 {
		t.Errorf("%v of a minute, %d rounds", took, rep.Cells[0].Rounds)
	}
	l = &ledger{}
	rep = &Report{}
	if err := l.bench().Compare(context.Background(), two(), options(50, 0, time.Millisecond, arm.Latency), rep); err != nil {
		t.Fatal(err)
	}
	if rep.Verdict != Inconclusive || rep.Cells[0].Rounds != 1 || rep.Cells[1].Rounds != 1 || len(rep.Advice) == 0 {
		t.Errorf("%+v", rep)
	}
}

// wavers is an arm of a program whose processes differ by far more than any
// threshold, so that nothing is ever decided.
type wavers struct{ noted }

func (a *wavers) Ask(ctx context.Context, q arm.Request) (arm.Answer, error) {
	got, err := a.noted.Ask(ctx, q)
	for i := range got.Seconds {
		got.Seconds[i] *= math.Exp(rand.New(rand.NewPCG(uint64(a.n), 1)).NormFloat64())
	}
	return got, err
}

// What flags nothing and decides nothing is measured for 0.8 of the budget, or for
// eight times its rounds: also where 0.6 of the budget end within the fourth look.
func TestAnOpenBlockHasItsTime(t *testing.T) {
	const rounds, of = 3, 6 * time.Second // a round has two openings and four calls of a second
	for _, budget := range []time.Duration{30, 60, 90, 140, 180, 200, 220, 239, 250, 300} {
		l := &ledger{}
		b := l.bench()
		b.Start = func(s Side) (Arm, error) {
			l.began++
			return &wavers{noted{l, s, l.began}}, nil
		}
		begin, rep := l.now, &Report{}
		if err := b.Compare(context.Background(), two()[:1], options(rounds, 0, budget*time.Second, arm.Latency), rep); err != nil {
			t.Fatal(err)
		}
		took, allowed := l.now.Sub(begin), budget*time.Second*8/10
		if full := rep.Cells[0].Rounds == 8*rounds; rep.Verdict != Inconclusive || took > allowed || took <= allowed-of && !full ||
			took != of*time.Duration(rep.Cells[0].Rounds) {
			t.Errorf("of %v s: %s after %v and %d rounds, %v allowed", int(budget), rep.Verdict, took, rep.Cells[0].Rounds, allowed)
		}
	}
	spent := 0.0
	for look := range looks + 1 {
		spent += levelAt(look + 1)
	}
	if spent >= alpha {
		t.Errorf("all looks spend %g", spent)
	}
}

// An arm that fails once is forgiven, twice in a row it cannot do the cell; the
// other cells go on.
func TestAFaultIsBelievedWhenItRecurs(t *testing.T) {
	once := &ledger{fail: func(n int) error {
		if n == 3 {
			return &arm.Fault{Arm: "new", Outcome: "oom", Reason: "once"}
		}
		return nil
	}}
	rep := &Report{}
	if err := once.bench().Compare(context.Background(), two()[:1], options(7, 0, time.Hour, arm.Latency), rep); err != nil ||
		rep.Cells[0].Why != "" || rep.Verdict != Pass {
		t.Errorf("%+v, %v", rep.Cells, err)
	}
	l := &ledger{}
	always := Bench{Now: l.bench().Now, Load: l.bench().Load, Say: l.bench().Say}
	always.Start = func(s Side) (Arm, error) { return &refuses{noted{l, s, 0}}, nil }
	rep = &Report{}
	if err := always.Compare(context.Background(), two(), options(7, 0, time.Hour, arm.Latency), rep); err != nil {
		t.Fatal(err)
	}
	if rep.Cells[0].Verdict != Pass || rep.Cells[1].Verdict != Regression || !strings.Contains(rep.Cells[1].Why, "too large") {
		t.Errorf("%+v", rep.Cells)
	}
}

// refuses cell b in the new program.
type refuses struct{ noted }

func (a *refuses) Ask(ctx context.Context, q arm.Request) (arm.Answer, error) {
	if q.Model == "b" && a.side == New {
		return arm.Answer{}, &arm.Fault{Arm: "new", Outcome: "invalid", Reason: "too large"}
	}
	return a.noted.Ask(ctx, q)
}
