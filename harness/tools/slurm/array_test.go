package slurm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/results/record"
)

// item is a stage with the keys of its inputs: "train t1", "score s1: reference r, sample s1".
func item(text string) *engine.Item {
	head, inputs, _ := strings.Cut(text, ": ")
	kind, key, _ := strings.Cut(head, " ")
	it := &engine.Item{Stage: stage.Stage{Key: key, Kind: stage.Named(kind)}, Settings: &stage.Settings{}, State: engine.ToDo}
	if inputs != "" {
		for in := range strings.SplitSeq(inputs, ", ") {
			_, key, _ := strings.Cut(in, " ")
			it.Inputs = append(it.Inputs, key)
		}
	}
	return it
}

func items(texts ...string) (out []*engine.Item) {
	for _, t := range texts {
		out = append(out, item(t))
	}
	return out
}

// outline writes arrays as "name <dependency>: index=key …".
func outline(as []Array) string {
	var b strings.Builder
	for i := range as {
		a := &as[i]
		fmt.Fprint(&b, a.Name)
		if dep := a.dependency(func(n string) string { return n }); dep != "" {
			fmt.Fprint(&b, " <"+dep+">")
		}
		fmt.Fprint(&b, ":")
		for _, t := range a.Tasks {
			fmt.Fprintf(&b, " %d=%s", t.Index, t.Key)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestArrange is the specification of what waits for what.
func TestArrange(t *testing.T) {
	for _, c := range []struct {
		name   string
		items  []*engine.Item
		queued map[string]string
		most   int
		want   string
	}{
		{"each sampling has its training: they correspond", items(
			"reference r", "train t1", "train t2", "sample a: train t1", "sample b: train t2", "score x: reference r, sample a",
			"score y: reference r, sample b", "time m: train t1", "time n: train t2"), nil, 100, `
reference: 0=r
train: 0=t1 1=t2
sample <aftercorr:train>: 0=a 1=b
score <aftercorr:sample,afterok:reference>: 0=x 1=y
time <aftercorr:train>: 0=m 1=n
`},
		{"samplings that share a training take turns in two arrays", items(
			"train t1", "train t2", "sample a: train t1", "sample b: train t1", "sample c: train t2", "score x: reference r, sample a",
			"score y: reference r, sample b", "score z: reference r, sample c"), nil, 100, `
train: 0=t1 1=t2
sample-1 <aftercorr:train>: 0=a 1=c
sample-2 <aftercorr:train>: 0=b
score-1 <aftercorr:sample-1>: 0=x 1=z
score-2 <aftercorr:sample-2>: 0=y
`},
		{"what has its input already waits for nothing", items(
			"train t2", "sample a: train t1", "sample b: train t2", "sample c: train t3"), nil, 100, `
train: 0=t2
sample-1: 0=a 1=c
sample-2 <aftercorr:train>: 0=b
`},
		{"several references: one that fails must not hold up all scores", items(
			"reference r1", "reference r2", "sample a: train t", "sample b: train t", "score x: reference r1, sample a",
			"score y: reference r2, sample b"), nil, 100, `
reference: 0=r1 1=r2
sample: 0=a 1=b
score <aftercorr:sample,afterany:reference>: 0=x 1=y
`},
		{"an input that is in the queue since before is waited for", items(
			"sample a: train t1", "sample b: train t2", "sample c: train t3"), map[string]string{"t1": "70", "t3": "70"}, 100, `
sample-1 <afterany:70>: 0=a 1=c
sample-2: 0=b
`},
		{"trainings that share a tokenizer wait for it, others do not", items(
			"tokenizer k", "train t1", "train t2: tokenizer k", "train t3: tokenizer k", "train t4: tokenizer l", "sample a: train t1",
			"sample b: train t2"), nil, 100, `
tokenizer: 0=k
train-1: 0=t1 1=t4
train-2 <afterok:tokenizer>: 0=t2 1=t3
sample-1 <aftercorr:train-1>: 0=a
sample-2 <aftercorr:train-2>: 0=b
`},
		{"several tokenizers: one that fails must not hold up all trainings", items(
			"tokenizer k", "tokenizer l", "train t1: tokenizer k", "train t2: tokenizer l"), nil, 100, `
tokenizer: 0=k 1=l
train <afterany:tokenizer>: 0=t1 1=t2
`},
		{"no array is larger than the cluster allows", items(
			"train t1", "train t2", "train t3", "sample a: train t1", "sample b: train t2", "sample c: train t3"), nil, 2, `
train-1: 0=t1 1=t2
train-2: 0=t3
sample-1 <aftercorr:train-1>: 0=a 1=b
sample-2 <aftercorr:train-2>: 0=c
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := outline(arrange(c.items, func(key string) (string, bool) { j, ok := c.queued[key]; return j, ok }, c.most))
			if got != strings.TrimPrefix(c.want, "\n") {
				t.Errorf("arranged as\n%s", got)
			}
		})
	}
}

// TestArrangeLosesNothing holds for any plan: each stage once, each index once
// in its array, and every input that is made as well before its user, at the
// same index where arrays correspond.
func TestArrangeLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []*engine.Item
		add := func(text string) {
			if rapid.IntRange(0, 3).Draw(t, "there already") > 0 {
				all = append(all, item(text))
			}
		}
		references, trainings := rapid.IntRange(1, 3).Draw(t, "references"), rapid.IntRange(1, 5).Draw(t, "trainings")
		n := rapid.IntRange(0, 20).Draw(t, "cells")
		for r := range references {
			add(fmt.Sprintf("reference r%d", r))
		}
		tokenizers := rapid.IntRange(0, 2).Draw(t, "tokenizers")
		for k := range tokenizers {
			add(fmt.Sprintf("tokenizer k%d", k))
		}
		for k := range trainings {
			on := ""
			if of := rapid.IntRange(0, tokenizers).Draw(t, "tokenizer"); of < tokenizers {
				on = fmt.Sprintf(": tokenizer k%d", of)
			}
			add(fmt.Sprintf("train t%d%s", k, on))
		}
		for i := range n {
			k := rapid.IntRange(0, trainings-1).Draw(t, "training")
			add(fmt.Sprintf("sample s%d: train t%d", i, k))
			add(fmt.Sprintf("score c%d: reference r%d, sample s%d", i, rapid.IntRange(0, references-1).Draw(t, "reference"), i))
			add(fmt.Sprintf("time m%d: train t%d", i, k))
		}
		as := arrange(all, func(string) (string, bool) { return "", false }, rapid.IntRange(1, 8).Draw(t, "most"))
		at := map[string]slot{}
		order := map[string]int{}
		for i := range as {
			a := &as[i]
			order[a.Name] = i
			last := -1
			for _, task := range a.Tasks {
				if task.Index <= last || task.Kind != a.Kind {
					t.Fatalf("array %s: index %d after %d, kind %s", a.Name, task.Index, last, task.Kind)
				}
				last = task.Index
				if _, twice := at[task.Key]; twice {
					t.Fatalf("%s is in two arrays", task.Key)
				}
				at[task.Key] = slot{a, task.Index}
			}
		}
		if len(at) != len(all) || len(order) != len(as) {
			t.Fatalf("%d of %d stages, %d names for %d arrays", len(at), len(all), len(order), len(as))
		}
		for _, it := range all {
			user := at[it.Key]
			for _, key := range it.Needs() {
				in, here := at[key]
				if !here {
					continue
				}
				if order[in.array.Name] >= order[user.array.Name] {
					t.Fatalf("%s is sent before its input %s", it.Key, key)
				}
				switch {
				case key == it.Input(it.Kind.Chief):
					if user.array.Corresponds != in.array.Name || user.index != in.index {
						t.Fatalf("%s does not correspond to its input %s", it.Key, key)
					}
				case !slices.Contains(user.array.One, in.array.Name) && !slices.Contains(user.array.Some, in.array.Name):
					t.Fatalf("%s does not wait for its input %s", it.Key, key)
				}
			}
		}
	})
}

func TestIndices(t *testing.T) {
	for want, at := range map[string][]int{"0": {0}, "0-3": {0, 1, 2, 3}, "0-1,4,7-8": {0, 1, 4, 7, 8}} {
		a := &Array{Kind: record.Train}
		for _, i := range at {
			a.Tasks = append(a.Tasks, Task{Index: i})
		}
		if got := indices(a, 0); got != want {
			t.Errorf("%v: %s, not %s", at, got, want)
		}
		if got := indices(a, 4); got != want+"%4" {
			t.Errorf("%v, four at once: %s", at, got)
		}
	}
}
