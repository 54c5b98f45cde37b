// Package families registers the families of models that this program has. A
// new one is a folder beside models/pra and a line here.
package families

import (
	_ "prabench/models/gaussian" // a Gaussian for each class: the floor
	_ "prabench/models/jit"      // whole images denoised at once
	_ "prabench/models/mar"      // masked patches, drawn a few at a time in random order
	_ "prabench/models/pra"      // Parallel Rollout Approximation
	_ "prabench/models/vq"       // codes of a tokenizer, drawn one AR step after another
)
