package pra

// StepPositions lists for each AR step the raster positions of the tokens that
// it emits: [K][B].
func (c Config) StepPositions() [][]int {
	order := c.order()
	out := make([][]int, c.ARSteps())
	for i, position := range order {
		out[i/c.Block] = append(out[i/c.Block], int(position))
	}
	return out
}
