package cublas

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree is a machine whose root is a folder with the given files.
func tree(t *testing.T, env map[string]string, python []string, files ...string) Machine {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		at := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := Here()
	m.Env = func(name string) string { return env[name] }
	m.Glob = func(pattern string) (out []string) {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			out = append(out, strings.TrimPrefix(f, root))
		}
		return out
	}
	m.Look = func(string) string {
		if found := m.Glob("/opt/*/bin/python3"); len(found) > 0 {
			return found[0]
		}
		return ""
	}
	m.Python = func(string) []string { return python }
	return m
}

func candidates(m Machine) (out []string) {
	m.Candidates(func(library string) bool { out = append(out, library); return true })
	return out
}

func TestFindsCuBLASWhereItIsPut(t *testing.T) {
	for name, c := range map[string]struct {
		env    map[string]string
		python []string
		file   string
	}{
		"a toolkit without its folder in the loader's path": {file: "/usr/local/cuda/lib64/libcublas.so.12"},
		"a toolkit of a version":                            {file: "/usr/local/cuda-13.0/targets/x86_64-linux/lib/libcublas.so.13"},
		"CUDA_HOME": {env: map[string]string{"CUDA_HOME": "/apps/cuda"},
			file: "/apps/cuda/lib64/libcublas.so.11"},
		"the wheel of CUDA 13, python3 in the path": {file: "/opt/torch/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13"},
		"the wheel of CUDA 12, an environment": {env: map[string]string{"VIRTUAL_ENV": "/home/a/venv"},
			file: "/home/a/venv/lib/python3.11/site-packages/nvidia/cublas/lib/libcublas.so.12"},
		"conda": {env: map[string]string{"CONDA_PREFIX": "/c"},
			file: "/c/lib/python3.10/site-packages/nvidia/cublas/lib/libcublas.so.12"},
		"a user's packages": {env: map[string]string{"HOME": "/home/a"},
			file: "/home/a/.local/lib/python3.12/site-packages/nvidia/cu13/lib/libcublas.so.13"},
		"PYTHONPATH": {env: map[string]string{"PYTHONPATH": "/x:/tmp/site"},
			file: "/tmp/site/nvidia/cu13/lib/libcublas.so.13"},
		"Debian": {file: "/usr/local/lib/python3.13/dist-packages/nvidia/cublas/lib/libcublas.so.12"},
		"only python3 knows": {python: []string{"/shims", "/far/away"},
			file: "/far/away/nvidia/cu13/lib/libcublas.so.13"},
	} {
		t.Run(name, func(t *testing.T) {
			got := candidates(tree(t, c.env, c.python, c.file, "/opt/torch/bin/python3"))
			if want := append(slices.Clone(names), c.file); !slices.Equal(got, want) {
				t.Errorf("tried %q, want the loader's names and then %q alone", got, c.file)
			}
		})
	}
}

func TestOrderAndChoice(t *testing.T) {
	files := []string{"/usr/local/cuda/lib64/libcublas.so.12", "/usr/local/cuda/lib64/libcublas.so.13", "/own/libcublas.so.12",
		"/usr/lib/python3/dist-packages/nvidia/cublas/lib/libcublas.so.12"}
	m := tree(t, map[string]string{}, nil, files...)
	want := append(slices.Clone(names), files[1], files[0], files[3])
	if got := candidates(m); !slices.Equal(got, want) {
		t.Errorf("tried %q, want %q: newest first, toolkits before wheels", got, want)
	}
	var tried []string
	m.Candidates(func(library string) bool { tried = append(tried, library); return library != files[1] })
	if !slices.Equal(tried, want[:4]) {
		t.Errorf("tried %q after the one that was taken", tried)
	}
	for _, asked := range []string{"/own", "/own/libcublas.so.12"} {
		m.Env = func(name string) string { return map[string]string{Variable: asked}[name] }
		got := candidates(m)
		if got[0] != "/own/libcublas.so.12" || slices.ContainsFunc(got, func(p string) bool { return !strings.HasPrefix(p, "/own") }) {
			t.Errorf("%s=%s: tried %q, want that one alone", Variable, asked, got)
		}
	}
}
