package slurm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/engine"
)

// Nothing is sent where there is no sbatch, or where the queue does not answer:
// what waits in it would be sent twice. Neither leaves anything behind.
func TestSubmitRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s.toml")
	if err := os.WriteFile(file, []byte("[data]\nset = \"shapes\"\nsize = 8\n[model]\npatch = 4\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ls, err := engine.Load([]string{file}, engine.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	places := engine.Places{DB: filepath.Join(dir, "r.db"), Artifacts: filepath.Join(dir, "a")}
	earlier := &Submission{Format: format, Arrays: []Array{{Name: "data", Kind: "data", Tasks: []Task{{Key: "k", Kind: "data"}}}}}
	plan, _, id, err := earlier.encode()
	if err != nil {
		t.Fatal(err)
	}
	folder := Dir(places.Artifacts, id)
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, planFile), plan, 0o644),
		os.WriteFile(filepath.Join(folder, jobsFile), []byte(`{"array":"data","job":"7"}`+"\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	r := engine.Run{Command: func(string) ([]string, error) { return []string{"worker"}, nil }}
	for _, c := range []struct {
		silent  string
		mistake bool
	}{{"sbatch", true}, {"squeue", false}} {
		asked := ""
		cluster := &Cluster{Places: places, Note: func(string) {}, Tool: func(_ context.Context, name string, args ...string) (string, error) {
			asked += name + " " + strings.Join(args, " ") + "\n"
			if name == c.silent {
				return "", errors.New(name + " does not answer")
			}
			return "", nil
		}}
		receipt, err := cluster.Submit(t.Context(), r, Options{}, engine.Experiments(ls)...)
		if receipt != nil || engine.IsMistake(err) != c.mistake || engine.IsFailure(err) == c.mistake ||
			!strings.Contains(err.Error(), c.silent) {
			t.Errorf("without %s: %+v, %v", c.silent, receipt, err)
		}
		if strings.Contains(strings.ReplaceAll(asked, "sbatch --version", ""), "sbatch") {
			t.Errorf("without %s it was sent:\n%s", c.silent, asked)
		}
		if _, err := os.Stat(places.DB); err == nil {
			t.Errorf("without %s there is a database", c.silent)
		}
	}
}
