//go:build cuda

package cuda_test

import (
	"testing"

	"prabench/models/cuda/shapes"
)

func TestShapes(t *testing.T) {
	for _, c := range shapes.Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, 0) })
	}
}
