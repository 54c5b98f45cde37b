package main

import "prabench/models"

// sizes are the models of the comparison, on 28×28 grey images.
var sizes = map[string]models.Config{
	"nano":  sized(64, 3, 4, 64, 2, 96),
	"micro": sized(128, 4, 4, 192, 3, 192),
	"small": sized(384, 8, 6, 512, 4, 512),
}

func sized(width, depth, heads, headWidth, headDepth, coder int) models.Config {
	c := models.DefaultConfig()
	c.Width, c.Depth, c.Heads = width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, coder
	return c
}
