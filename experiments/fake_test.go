package experiments

import (
	"fmt"
	"testing"

	"prabench/models/dataset"
)

// fakeData knows two sets and refuses a missing folder, without any file.
func fakeData(d Data) (dataset.Info, error) {
	info := dataset.Info{Size: d.Size, Channels: d.Channels, Classes: 10}
	own := map[string]dataset.Info{"mnist": {Size: 28, Channels: 1}, "fashion-mnist": {Size: 28, Channels: 1},
		"shapes": {Size: 32, Channels: 3}, "images": {Size: 64, Channels: 3}}[d.Set]
	switch {
	case own.Size == 0:
		return info, &dataset.Error{Key: "data.set",
			Problem: fmt.Sprintf("there is no data set %q; allowed: mnist, fashion-mnist, shapes, images", d.Set)}
	case d.Root == "/missing":
		return info, &dataset.Error{Key: "data.root", Problem: "/missing does not exist; say the folder that holds the data"}
	case d.Size < 0 || d.Size > 4096:
		return info, &dataset.Error{Key: "data.size", Problem: fmt.Sprintf("%d is not an image side", d.Size)}
	}
	if d.Size == 0 {
		info.Size = own.Size
	}
	if d.Channels == 0 {
		info.Channels = own.Channels
	}
	return info, nil
}

func fake(set ...string) Options { return Options{Describe: fakeData, Set: set} }

// read parses a text that must be valid.
func read(t testing.TB, text string, opts Options) *Experiment {
	t.Helper()
	if opts.Describe == nil {
		opts.Describe = fakeData
	}
	e, err := Parse("e.toml", []byte(text), opts)
	if err != nil {
		t.Fatalf("parsing:\n%s\n%v", text, err)
	}
	return e
}

// labels lists the labels of cells with their seeds.
func labels(e *Experiment) []string {
	var out []string
	for _, c := range e.Cells {
		out = append(out, fmt.Sprintf("%s #%d", c.Label, c.Seed))
	}
	return out
}
