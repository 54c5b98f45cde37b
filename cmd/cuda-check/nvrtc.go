package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

typedef void *program;
static const char *(*error_string)(int);
static int (*version)(int *, int *), (*count_archs)(int *), (*list_archs)(int *);
static int (*create)(program *, const char *, const char *, int, const char *const *, const char *const *);
static int (*compile)(program, int, const char *const *), (*log_size)(program, size_t *);
static int (*get_log)(program, char *), (*destroy)(program *);

// Opens one NVRTC after another; the program needs one at a time.
static const char *nvrtc_open(const char *path) {
    void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!h) return dlerror();
    struct { void *to; const char *name; } want[] = {
        {&error_string, "nvrtcGetErrorString"}, {&version, "nvrtcVersion"}, {&count_archs, "nvrtcGetNumSupportedArchs"},
        {&list_archs, "nvrtcGetSupportedArchs"}, {&create, "nvrtcCreateProgram"}, {&compile, "nvrtcCompileProgram"},
        {&log_size, "nvrtcGetProgramLogSize"}, {&get_log, "nvrtcGetProgramLog"}, {&destroy, "nvrtcDestroyProgram"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (!(*(void **)want[i].to = dlsym(h, want[i].name))) return dlerror();
    return 0;
}
static int nvrtc_version(int *major, int *minor) { return version(major, minor); }
static int nvrtc_archs(int *n, int *out) {
    int r = count_archs(n);
    return r || *n > 64 ? r : list_archs(out);
}
// Compiles, and returns the log (to be freed) where it fails.
static char *nvrtc_compile(const char *source, const char *name, int headers, const char **texts, const char **names,
                           int options, const char **option) {
    program p;
    size_t n = 0;
    if (create(&p, source, name, headers, texts, names)) return 0;
    int r = compile(p, options, option);
    char *log = 0;
    if (r && !log_size(p, &n)) {
        log = malloc(n + 1);
        get_log(p, log);
        log[n] = 0;
    }
    destroy(&p);
    return log;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"
)

// nvrtc is an opened run-time compiler.
type nvrtc struct {
	name  string
	archs map[int]bool
}

func cstring(s string) *C.char { return C.CString(s) }

func openNVRTC(path string) (*nvrtc, error) {
	p := cstring(path)
	defer C.free(unsafe.Pointer(p))
	if e := C.nvrtc_open(p); e != nil {
		return nil, errors.New(C.GoString(e))
	}
	var major, minor, n C.int
	var list [64]C.int
	if r := C.nvrtc_version(&major, &minor); r != 0 {
		return nil, fmt.Errorf("%s: version: error %d", path, int(r))
	}
	if r := C.nvrtc_archs(&n, &list[0]); r != 0 || n > 64 {
		return nil, fmt.Errorf("%s: list of architectures: error %d", path, int(r))
	}
	out := &nvrtc{fmt.Sprintf("NVRTC %d.%d", int(major), int(minor)), map[int]bool{}}
	for _, a := range list[:n] {
		out.archs[int(a)] = true
	}
	return out, nil
}

// compile compiles the source in a folder with its headers for compute_arch.
func (c *nvrtc) compile(folder, file string, arch int) error {
	source, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return err
	}
	headers, err := filepath.Glob(filepath.Join(folder, "*.h"))
	if err != nil {
		return err
	}
	var kept []*C.char
	defer func() {
		for _, p := range kept {
			C.free(unsafe.Pointer(p))
		}
	}()
	keep := func(s string) *C.char {
		p := cstring(s)
		kept = append(kept, p)
		return p
	}
	pointers := func(list []string) **C.char {
		array := (*[64]*C.char)(C.malloc(64 * C.size_t(unsafe.Sizeof(kept[0]))))
		kept = append(kept, (*C.char)(unsafe.Pointer(array)))
		for i, s := range list {
			array[i] = keep(s)
		}
		return &array[0]
	}
	text := keep(string(source))
	var texts, names []string
	for _, h := range headers {
		b, err := os.ReadFile(h)
		if err != nil {
			return err
		}
		texts, names = append(texts, string(b)), append(names, filepath.Base(h))
	}
	options := []string{fmt.Sprintf("--gpu-architecture=compute_%d", arch), "--std=c++17"}
	log := C.nvrtc_compile(text, keep(file), C.int(len(headers)), pointers(texts), pointers(names), C.int(len(options)), pointers(options))
	if log == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(log))
	return fmt.Errorf("%s for compute_%d: %s", file, arch, strings.TrimSpace(C.GoString(log)))
}
