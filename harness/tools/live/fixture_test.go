package live

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/machine"
)

// hold claims the database as a run does.
func hold(t *testing.T, p engine.Places) (release func()) {
	t.Helper()
	l, err := machine.Acquire(p.LockFile(), "prabench run quick.toml")
	if err != nil {
		t.Fatal(err)
	}
	put(t, p.LockFile(), "process 4711 on here, prabench run quick.toml\n") // what it says is not what is tested
	return func() { l.Release() }
}

// mark leaves the mark of a running stage, as a run does.
func mark(t *testing.T, p engine.Places, r engine.Running) {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(p.Artifacts, "running", r.Attempt+".json"), string(raw))
}
