package main

import "prabench/models"

// sizes are the models of prabench bench, by name: grey 28×28 images, the coder
// as wide as the head.
var sizes = map[string]models.Config{
	"nano":  sized(64, 3, 4, 64, 2),
	"micro": sized(128, 4, 4, 192, 3),
	"small": sized(384, 8, 6, 512, 4),
}

func sized(width, depth, heads, headWidth, headDepth int) models.Config {
	c := models.DefaultConfig()
	c.Width, c.Depth, c.Heads = width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, headWidth
	return c
}
