package models

import (
	"os/exec"
	"testing"
)

// The programs under testdata are no part of ./..., so nothing else notices
// when our side of the comparison with PyTorch stops compiling.
func TestSideBySideCompiles(t *testing.T) {
	if out, err := exec.Command("go", "vet", "./testdata/sidebyside/ours").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
