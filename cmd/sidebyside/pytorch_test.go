package main

import (
	"os/exec"
	"strings"
	"testing"
)

// A training step and a sampling call in PyTorch have our numbers, in both families that
// are compared.
func TestPyTorchHasOurNumbers(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import torch, numpy, safetensors").CombinedOutput(); err != nil {
		t.Skipf("skipped: python3 lacks torch, numpy or safetensors (make pytorch-compare has them in a Python of its own): %s", out)
	}
	for family, parts := range map[string]string{"pra": "reconstruction loss, trunk h (oracle)", "jit": "flow loss"} {
		out, status := beside(t, "python3", "check", "--opponents", "eager", "--family", family)
		if status != 0 {
			t.Fatalf("%s: status %d\n%s", family, status, out)
		}
		for _, what := range append(strings.Split(parts, ", "), "loss", "gradient norm", "gradient", "second moments", "weights",
			"averaged weights", "movement of all weights", "movement of all averages", "sampled tokens") {
			if !strings.Contains(out, "  eager: "+what+" ") {
				t.Errorf("%s: %q was not compared\n%s", family, what, out)
			}
		}
	}
	out, status := beside(t, "python3", "time", "train", "--opponents", "jax", "--family", "jit")
	if status == 0 || !strings.Contains(out, "there is no such way to train the family jit") {
		t.Errorf("JAX and the family jit: status %d\n%s", status, out)
	}
}
