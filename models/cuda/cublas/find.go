// Package cublas says where a machine may have cuBLAS.
//
// Its principle is that a library which is there should be used: a toolkit's loader
// configuration names its folder only sometimes, and the wheels that come with
// PyTorch never do. So the names alone are tried first, as every program tries
// them, then the folders in which toolkits and wheels put the library.
package cublas

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Variable of the environment that names a libcublas, or a folder with one. It
// is then the only one that is tried.
const Variable = "PRABENCH_CUBLAS"

// names of the library, newest first: what is used has had one C interface since 11.
var names = []string{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"}

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

// Candidates gives what to hand to dlopen, in order, to each until it answers
// false: names for the loader to find, then paths of files that are there.
func (m Machine) Candidates(try func(library string) (more bool)) {
	if asked := m.Env(Variable); asked != "" {
		for _, at := range append(m.in(asked), asked) {
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
	if !all(names) {
		return
	}
	for _, folder := range m.folders() {
		if !all(m.in(folder)) {
			return
		}
	}
	if python := m.Look("python3"); python != "" {
		for _, site := range m.Python(python) {
			for _, folder := range wheels(site) {
				if !all(m.in(folder)) {
					return
				}
			}
		}
	}
}

// in is the libraries in a folder, newest first.
func (m Machine) in(folder string) (out []string) {
	for _, name := range names {
		out = append(out, m.Glob(filepath.Join(folder, name))...)
	}
	return out
}

// folders are patterns of folders: toolkits, then wheels of Pythons that can be
// told without running one.
func (m Machine) folders() (out []string) {
	toolkits := []string{m.Env("CUDA_HOME"), m.Env("CUDA_PATH"), "/usr/local/cuda", "/usr/local/cuda-*", "/opt/cuda"}
	for _, at := range toolkits {
		if at != "" {
			out = append(out, filepath.Join(at, "lib64"), filepath.Join(at, "targets/x86_64-linux/lib"), filepath.Join(at, "lib"))
		}
	}
	for _, site := range filepath.SplitList(m.Env("PYTHONPATH")) {
		out = append(out, wheels(site)...)
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
				out = append(out, wheels(filepath.Join(prefix, "lib/python3*", packages))...)
			}
		}
	}
	return append(out, wheels("/usr/lib/python3/dist-packages")...)
}

// wheels are the folders of NVIDIA's wheels among a Python's packages: of CUDA
// 13 together, of 12 and 11 one a library.
func wheels(site string) []string {
	return []string{filepath.Join(site, "nvidia/cu13/lib"), filepath.Join(site, "nvidia/cublas/lib")}
}
