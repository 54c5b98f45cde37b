// Package libraries says where a machine may have those of CUDA that are loaded while
// the program runs: cuBLAS and NCCL.
//
// Its principle is that a library which is there should be used: a toolkit's loader
// configuration names its folder only sometimes, and the wheels that come with
// PyTorch never do. So the names alone are tried first, as every program tries
// them, then the folders in which toolkits and wheels put the library.
package libraries

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Library is one of them.
type Library struct {
	// Variable of the environment that names one, or a folder with one. It is then the
	// only one that is tried.
	Variable string
	names    []string // newest first
	wheels   []string // folders of NVIDIA's wheels among a Python's packages
}

// CuBLAS multiplies matrices. What is used has had one C interface since 11. Of CUDA 13
// the wheels lie together, of 12 and 11 there is a folder for each library.
var CuBLAS = Library{"PRABENCH_CUBLAS", []string{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"},
	[]string{"nvidia/cu13/lib", "nvidia/cublas/lib"}}

// NCCL adds up memory over devices. What is used has had one C interface since 2.4.
var NCCL = Library{"PRABENCH_NCCL", []string{"libnccl.so.2"}, []string{"nvidia/nccl/lib", "nvidia/cu13/lib"}}

// Machine is what the search reads of a machine.
type Machine struct {
	Env    func(string) string
	Glob   func(pattern string) []string
	Look   func(program string) string   // its path, "" where it is not there
	Python func(program string) []string // its search path; asked last
}

// Here is the machine that runs this program.
func Here() Machine {
	return Machine{
		Env:  os.Getenv,
		Glob: func(pattern string) []string { found, _ := filepath.Glob(pattern); return found },
		Look: func(program string) string { path, _ := exec.LookPath(program); return path },
		Python: func(program string) []string {
			out, err := exec.Command(program, "-c", "import sys; print('\\n'.join(sys.path))").Output()
			if err != nil {
				return nil
			}
			return strings.Fields(string(out))
		},
	}
}

// Candidates gives what to hand to dlopen for a library, in order, to try until it
// answers false: names for the loader to find, then paths of files that are there.
func (m Machine) Candidates(l Library, try func(path string) (more bool)) {
	if asked := m.Env(l.Variable); asked != "" {
		for _, at := range append(m.in(l, asked), asked) {
			if !try(at) {
				return
			}
		}
		return
	}
	seen := map[string]bool{}
	all := func(paths []string) bool {
		for _, p := range paths {
			if !seen[p] && !try(p) {
				return false
			}
			seen[p] = true
		}
		return true
	}
	if !all(l.names) {
		return
	}
	for _, folder := range m.folders(l) {
		if !all(m.in(l, folder)) {
			return
		}
	}
	if python := m.Look("python3"); python != "" {
		for _, site := range m.Python(python) {
			for _, folder := range l.of(site) {
				if !all(m.in(l, folder)) {
					return
				}
			}
		}
	}
}

// Find is a file of a library that is there, "" where none was found. Where the loader
// looks is guessed.
func (m Machine) Find(l Library) (path string) {
	loaders := append(filepath.SplitList(m.Env("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/lib/*-linux-gnu", "/lib/*-linux-gnu", "/usr/lib64",
		"/usr/lib")
	m.Candidates(l, func(at string) bool {
		var found []string
		if filepath.Base(at) != at && strings.Contains(filepath.Base(at), ".so") { // the variable may name a folder
			found = m.Glob(at)
		}
		for _, folder := range loaders {
			if filepath.Base(at) == at {
				found = append(found, m.Glob(filepath.Join(folder, at))...)
			}
		}
		if len(found) > 0 {
			path = found[0]
		}
		return path == ""
	})
	return path
}

// in is the files of a library in a folder, newest first.
func (m Machine) in(l Library, folder string) (out []string) {
	for _, name := range l.names {
		out = append(out, m.Glob(filepath.Join(folder, name))...)
	}
	return out
}

// folders are patterns of folders: toolkits, then wheels of Pythons that can be
// told without running one.
func (m Machine) folders(l Library) (out []string) {
	toolkits := []string{m.Env("CUDA_HOME"), m.Env("CUDA_PATH"), "/usr/local/cuda", "/usr/local/cuda-*", "/opt/cuda"}
	for _, at := range toolkits {
		if at != "" {
			out = append(out, filepath.Join(at, "lib64"), filepath.Join(at, "targets/x86_64-linux/lib"), filepath.Join(at, "lib"))
		}
	}
	for _, site := range filepath.SplitList(m.Env("PYTHONPATH")) {
		out = append(out, l.of(site)...)
	}
	prefixes := []string{m.Env("VIRTUAL_ENV"), m.Env("CONDA_PREFIX")}
	if python := m.Look("python3"); python != "" {
		prefixes = append(prefixes, filepath.Dir(filepath.Dir(python)))
	}
	if home := m.Env("HOME"); home != "" {
		prefixes = append(prefixes, filepath.Join(home, ".local"))
	}
	for _, prefix := range append(prefixes, "/usr/local", "/usr") {
		if prefix != "" {
			for _, packages := range []string{"site-packages", "dist-packages"} {
				out = append(out, l.of(filepath.Join(prefix, "lib/python3*", packages))...)
			}
		}
	}
	return append(out, l.of("/usr/lib/python3/dist-packages")...)
}

// of is the wheels' folders among a Python's packages.
func (l Library) of(site string) (out []string) {
	for _, folder := range l.wheels {
		out = append(out, filepath.Join(site, folder))
	}
	return out
}
