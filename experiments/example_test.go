package experiments_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"prabench/experiments"
	"prabench/models/pra"
)

const example = `
name = "small"
repeats = 2
[data]
set = "shapes"
size = 16
[model]
width = 32
[sweep]
"model.patch" = [4, 8]
"sample.rollout_depth" = [0, 1]
[[sweep.exclude]]
"model.patch" = 8
"sample.rollout_depth" = 1
`

// A file is read, checked and expanded: axes are crossed, points left out, and
// every point is a cell for each training seed. Nothing is started.
func ExampleLoad() {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "small.toml")
	if err := os.WriteFile(path, []byte(example), 0o644); err != nil {
		panic(err)
	}
	e, err := experiments.Load(path, experiments.Options{Set: []string{"train.steps=100"}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: %d cells\n", e.Name, len(e.Cells))
	for _, c := range e.Cells {
		p := c.Settings.Params.(pra.Params)
		fmt.Printf("%s, seed %d: %d steps, %d tokens\n", c.Label, c.Seed, p.Train.Steps, p.Tokens())
	}
	chosen, err := e.Choose("model.patch=8")
	if err != nil {
		panic(err)
	}
	fmt.Println(len(chosen.Cells), "of them with patch 8")
	// Output:
	// small: 6 cells
	// patch=4 sweeps=0, seed 1: 100 steps, 16 tokens
	// patch=4 sweeps=0, seed 2: 100 steps, 16 tokens
	// patch=4 sweeps=1, seed 1: 100 steps, 16 tokens
	// patch=4 sweeps=1, seed 2: 100 steps, 16 tokens
	// patch=8 sweeps=0, seed 1: 100 steps, 4 tokens
	// patch=8 sweeps=0, seed 2: 100 steps, 4 tokens
	// 2 of them with patch 8
}

// Everything that is wrong with a file comes at once, each with its place and
// what is allowed.
func ExampleParse_mistakes() {
	_, err := experiments.Parse("mine.toml", []byte("[model]\nheads = 0\n[train]\nlr = -1\n"), experiments.Options{})
	var first *experiments.Error
	if errors.As(err, &first) {
		fmt.Println("the first is", first.Key, "in line", first.Line)
	}
	fmt.Println(err)
	// Output:
	// the first is model.heads in line 2
	// mine.toml:2:1: model.heads: must be 1 or more, not 0
	// mine.toml:4:1: train.lr: must lie in [0, 1], not -1
}
