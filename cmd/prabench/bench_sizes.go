package main

import (
	"maps"
	"slices"

	"prabench/models"
)

// benchSizes are the models of bench, by name: grey 28×28 images, the coder as
// wide as the head.
var benchSizes = map[string]models.Config{
	"nano":  sized(64, 3, 4, 64, 2),
	"micro": sized(128, 4, 4, 192, 3),
	"small": sized(384, 8, 6, 512, 4),
}

func sized(width, depth, heads, headWidth, headDepth int) models.Config {
	c := models.DefaultConfig()
	c.Patch, c.Width, c.Depth, c.Heads = 4, width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, headWidth
	return c
}

// benchNames lists the sizes, the smallest first.
func benchNames() []string {
	return slices.SortedFunc(maps.Keys(benchSizes), func(a, b string) int { return benchSizes[a].Width - benchSizes[b].Width })
}
