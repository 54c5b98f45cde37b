package provision

import (
	"testing"

	"prabench/metrics/embed"
	"prabench/models/dataset"
)

// The command that the committed weights carry is the one this program would
// write into them.
func TestCommittedEmbeddersNameTheirCommand(t *testing.T) {
	for _, set := range []string{dataset.MNIST, dataset.FashionMNIST} {
		c, err := embed.Committed(set)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := (Training{Set: set, Seed: c.About.Seed}).commandLine(), c.About.Command; got != want {
			t.Errorf("%s: this program writes %q, the weights say %q", set, got, want)
		}
	}
}
