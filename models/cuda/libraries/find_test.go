package libraries

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

func candidates(m Machine, l Library) (out []string) {
	m.Candidates(l, func(library string) bool { out = append(out, library); return true })
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
			got := candidates(tree(t, c.env, c.python, c.file, "/opt/torch/bin/python3"), CuBLAS)
			if want := append(slices.Clone(CuBLAS.names), c.file); !slices.Equal(got, want) {
				t.Errorf("tried %q, want the loader's names and then %q alone", got, c.file)
			}
		})
	}
}

func TestOrderAndChoice(t *testing.T) {
	files := []string{"/usr/local/cuda/lib64/libcublas.so.12", "/usr/local/cuda/lib64/libcublas.so.13", "/own/libcublas.so.12",
		"/usr/lib/python3/dist-packages/nvidia/cublas/lib/libcublas.so.12"}
	m := tree(t, map[string]string{}, nil, files...)
	want := append(slices.Clone(CuBLAS.names), files[1], files[0], files[3])
	if got := candidates(m, CuBLAS); !slices.Equal(got, want) {
		t.Errorf("tried %q, want %q: newest first, toolkits before wheels", got, want)
	}
	var tried []string
	m.Candidates(CuBLAS, func(library string) bool { tried = append(tried, library); return library != files[1] })
	if !slices.Equal(tried, want[:4]) {
		t.Errorf("tried %q after the one that was taken", tried)
	}
	for _, asked := range []string{"/own", "/own/libcublas.so.12"} {
		m.Env = func(name string) string { return map[string]string{CuBLAS.Variable: asked}[name] }
		got := candidates(m, CuBLAS)
		if got[0] != "/own/libcublas.so.12" || slices.ContainsFunc(got, func(p string) bool { return !strings.HasPrefix(p, "/own") }) {
			t.Errorf("%s=%s: tried %q, want that one alone", CuBLAS.Variable, asked, got)
		}
	}
}

// NCCL has a wheel of its own under both versions of CUDA.
func TestFindsNCCL(t *testing.T) {
	for _, file := range []string{"/usr/local/cuda/lib64/libnccl.so.2", "/v/lib/python3.12/site-packages/nvidia/nccl/lib/libnccl.so.2",
		"/v/lib/python3.12/site-packages/nvidia/cu13/lib/libnccl.so.2"} {
		m := tree(t, map[string]string{"VIRTUAL_ENV": "/v"}, nil, file, "/usr/local/cuda/lib64/libcublas.so.12")
		if got := candidates(m, NCCL); !slices.Equal(got, []string{"libnccl.so.2", file}) {
			t.Errorf("tried %q, want the loader's name and then %q alone", got, file)
		}
	}
	m := tree(t, map[string]string{NCCL.Variable: "/own", CuBLAS.Variable: "/other"}, nil, "/own/libnccl.so.2")
	if got := candidates(m, NCCL); !slices.Equal(got, []string{"/own/libnccl.so.2", "/own"}) {
		t.Errorf("%s=/own: tried %q", NCCL.Variable, got)
	}
}

func TestFind(t *testing.T) {
	wheel, loader := "/v/lib/python3.12/site-packages/nvidia/nccl/lib/libnccl.so.2", "/usr/lib/x86_64-linux-gnu/libnccl.so.2"
	for want, files := range map[string][]string{loader: {wheel, loader}, wheel: {wheel}, "/mine/libnccl.so.2": {wheel, "/mine/libnccl.so.2"},
		"": {"/usr/local/cuda/lib64/libcublas.so.12"}} {
		m := tree(t, map[string]string{"VIRTUAL_ENV": "/v", "LD_LIBRARY_PATH": "/x:/mine"}, nil, files...)
		if got := m.Find(NCCL); got != want {
			t.Errorf("of %q: found %q, want %q", files, got, want)
		}
	}
	m := tree(t, map[string]string{NCCL.Variable: "/own"}, nil, loader)
	if got := m.Find(NCCL); got != "" {
		t.Errorf("%s names an empty folder: found %q", NCCL.Variable, got)
	}
}
