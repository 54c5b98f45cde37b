package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func TestForecastLearnsFromWhatIsFinished(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	m := New(&bytes.Buffer{}, false, c.now)
	m.Expect([]Task{
		{ID: "a", Kind: "train", Estimate: 10 * time.Second},
		{ID: "b", Kind: "train", Estimate: 10 * time.Second},
		{ID: "c", Kind: "time", Estimate: 6 * time.Second, Rounds: 3, Alone: true},
	}, 1)
	if got := m.Left(); got != 26*time.Second {
		t.Errorf("at first %v", got)
	}
	m.Start("a", 0)
	c.advance(30 * time.Second) // three times as long as estimated
	m.End("a", "")
	if got := m.Left(); got != 36*time.Second {
		t.Errorf("after a slow training %v", got)
	}
	m.Start("b", 0)
	c.advance(10 * time.Second)
	m.Update("b", 50, 100, "training", "")
	if got := m.Left(); got != 16*time.Second {
		t.Errorf("half of the second training done at its own pace: %v", got)
	}
	m.End("b", "oom: no memory")
	m.Start("c", 1)
	c.advance(2 * time.Second)
	m.Round("c")
	if got := m.Left(); got != 4*time.Second {
		t.Errorf("after one round of three %v", got)
	}
	m.Start("c", 2)
	m.Round("c")
	m.Start("c", 3)
	m.Round("c")
	m.End("c", "")
	if got := m.Left(); got != 0 {
		t.Errorf("in the end %v", got)
	}
}

func TestSideBySideTasksShareTheTime(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	m := New(&bytes.Buffer{}, false, c.now)
	var tasks []Task
	for _, id := range []string{"a", "b", "c", "d"} {
		tasks = append(tasks, Task{ID: id, Kind: "train", Estimate: 10 * time.Second})
	}
	m.Expect(tasks, 2)
	if got := m.Left(); got != 20*time.Second {
		t.Errorf("%v", got)
	}
}

func TestPlainLines(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	var out bytes.Buffer
	m := New(&out, false, c.now)
	m.Expect([]Task{{ID: "a", Kind: "train", Label: "patch=4", Estimate: 90 * time.Second},
		{ID: "b", Kind: "score", Label: "patch=4", Estimate: time.Second}}, 1)
	m.Start("a", 0)
	m.Update("a", 1, 100, "training", "loss 1.00")
	c.advance(45 * time.Second)
	m.Update("a", 50, 100, "training", "loss 0.50")
	m.Update("a", 51, 100, "training", "loss 0.50")
	c.advance(45 * time.Second)
	m.End("a", "")
	m.Start("b", 0)
	m.End("b", "crash: it fell")
	want := `[0/2] train patch=4 training 50/100 loss 0.50  (about 46s left)
[1/2] train patch=4 1m30s  (about 1.0s left)
[2/2] score patch=4: crash: it fell
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTerminalHasOneMovingLine(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	var out bytes.Buffer
	m := New(&out, true, c.now)
	m.Expect([]Task{{ID: "a", Kind: "train", Label: "patch=4", Estimate: time.Minute}}, 1)
	m.Start("a", 0)
	m.Update("a", 10, 100, "training", "")
	m.Say("a remark")
	m.End("a", "")
	m.Close()
	if strings.Count(out.String(), "\n") > 3 || !strings.Contains(out.String(), "a remark\n") {
		t.Errorf("%q", out.String())
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0.4s", 12 * time.Second: "12s", 200 * time.Second: "3m20s", 125 * time.Minute: "2h05m",
		72 * time.Hour: "3.0 days", -1: "0s",
	} {
		if got := Short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
