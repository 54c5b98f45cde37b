package slurm

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestQueue reads what squeue 22.05 printed in a run of the test with a real
// Slurm, and its users' other jobs.
func TestQueue(t *testing.T) {
	got, err := parseQueue(`24|2|prabench-1f0c3c84ad8e-sample|PENDING|Dependency|
23|0|prabench-1f0c3c84ad8e-train|RUNNING|None|n1
23|1|prabench-1f0c3c84ad8e-train|COMPLETING|JobArrayTaskLimit|n2
23|3|prabench-1f0c3c84ad8e-train|FAILED|NonZeroExitCode|n3
25|3|prabench-1f0c3c84ad8e-score|PENDING|DependencyNeverSatisfied|
7|N/A|other|RUNNING|None|n[2-3]
8|N/A|sort|uniq||PENDING|Priority|
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []State{
		{"24_2", "prabench-1f0c3c84ad8e-sample", "PENDING", "Dependency", ""},
		{"23_0", "prabench-1f0c3c84ad8e-train", "RUNNING", "None", "n1"},
		{"23_1", "prabench-1f0c3c84ad8e-train", "COMPLETING", "JobArrayTaskLimit", "n2"},
		{"23_3", "prabench-1f0c3c84ad8e-train", "FAILED", "NonZeroExitCode", "n3"},
		{"25_3", "prabench-1f0c3c84ad8e-score", "PENDING", "DependencyNeverSatisfied", ""},
		{"7", "other", "RUNNING", "None", "n[2-3]"},
		{"8", "sort|uniq|", "PENDING", "Priority", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	active := []bool{true, true, true, false, false, true, true}
	for i, st := range got {
		if st.Active() != active[i] {
			t.Errorf("%+v: active is %v", st, st.Active())
		}
	}
	if _, err := parseQueue("slurm_load_jobs error\n"); err == nil {
		t.Error("nonsense was read")
	}
}

// TestAccounting reads sacct's output in the form that its manual gives.
func TestAccounting(t *testing.T) {
	got, err := parseAccounting("100_0|prabench-1f-train|COMPLETED|n1\n100_1|prabench-1f-train|CANCELLED by 1000|n2\n" +
		"100_2|prabench-1f-train|NODE_FAIL|None assigned\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []State{
		{Job: "100_0", Name: "prabench-1f-train", State: "COMPLETED", Node: "n1"},
		{Job: "100_1", Name: "prabench-1f-train", State: "CANCELLED", Node: "n2"},
		{Job: "100_2", Name: "prabench-1f-train", State: "NODE_FAIL", Node: "None assigned"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMostTasks(t *testing.T) {
	for _, c := range []struct {
		out  string
		err  error
		want int
	}{
		{"ClusterName             = test\nMaxArraySize            = 5001\nMaxDBDMsgs = 20000\n", nil, 5000},
		{"MaxArraySize = 5001\nSchedulerParameters     = bf_continue,max_array_tasks=200,x=3\n", nil, 200},
		{"SchedulerParameters = max_array_tasks=9000\nMaxArraySize = 5001\n", nil, 5000},
		{"SchedulerParameters = (null)\n", nil, 1000},
		{"", errors.New("no controller"), 1000},
		{"MaxArraySize = many\n", nil, 1000},
	} {
		got := most(context.Background(), func(context.Context, string, ...string) (string, error) { return c.out, c.err })
		if got != c.want {
			t.Errorf("%q: %d, not %d", c.out, got, c.want)
		}
	}
}

func TestOptionsThatAScriptCannotHold(t *testing.T) {
	for _, o := range []Options{{Partition: "a b"}, {Constraint: `x"`}, {Mem: "16G\n#SBATCH --exclusive"}, {Account: "$(id)"},
		{Concurrent: -1}} {
		if o.Check() == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if err := (Options{Partition: "gpu", Constraint: "[icelake|sapphire]&ib", Time: "1-12:00:00", Mem: "16G",
		Gres: "gpu:h100:1"}).Check(); err != nil {
		t.Error(err)
	}
}
