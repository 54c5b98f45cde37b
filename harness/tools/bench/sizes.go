package bench

import (
	"maps"
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/models/pra"
)

// sizes are the models that can be measured, by name: grey 28×28 images, the coder as
// wide as the head.
var sizes = map[string]pra.Config{
	"nano":  sized(64, 3, 4, 64, 2),
	"micro": sized(128, 4, 4, 192, 3),
	"small": sized(384, 8, 6, 512, 4),
}

func sized(width, depth, heads, headWidth, headDepth int) pra.Config {
	c := pra.DefaultConfig()
	c.Patch, c.Width, c.Depth, c.Heads = 4, width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, headWidth
	return c
}

// Names lists the sizes, the smallest first.
func Names() []string {
	return slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return sizes[a].Width - sizes[b].Width })
}

// Case is one model at one batch size.
type Case struct {
	Name  string
	Model pra.Config
	Batch int
}

// Cases crosses models, patches and batches; no patches are the side of 4.
func Cases(names []string, patches, batches []int) ([]Case, error) {
	if len(patches) == 0 {
		patches = []int{4}
	}
	var out []Case
	for _, name := range names {
		cfg, ok := sizes[name]
		if !ok {
			return nil, engine.Mistakef("--model %s: choose some of %s", name, strings.Join(Names(), ", "))
		}
		for _, cfg.Patch = range patches {
			if err := cfg.Validate(); err != nil {
				return nil, &engine.Mistake{Err: err}
			}
			for _, batch := range batches {
				if batch < 1 {
					return nil, engine.Mistakef("--batch %d: must be positive", batch)
				}
				out = append(out, Case{name, cfg, batch})
			}
		}
	}
	return out, nil
}
