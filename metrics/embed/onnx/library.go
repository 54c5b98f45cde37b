package onnx

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// LibraryVariable names the environment variable with the path of the library.
const LibraryVariable = "PRABENCH_ONNXRUNTIME"

// Get says how to get the library.
const Get = "pip install onnxruntime (any Python on the PATH), or set " + LibraryVariable + " to the path of libonnxruntime.so"

// RuntimePath is the path of ONNX Runtime: what the environment variable says, else that of
// the Python package, else that of the system; "" where none is found.
var RuntimePath = sync.OnceValue(func() string {
	if path := os.Getenv(LibraryVariable); path != "" {
		return path
	}
	var places []string
	for _, dir := range packages() {
		places = append(places, filepath.Join(dir, "onnxruntime/capi/libonnxruntime.so*"))
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/lib", "/usr/lib64",
		"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu") {
		places = append(places, filepath.Join(dir, "libonnxruntime.so*"))
	}
	for _, pattern := range places {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return newest(found)
		}
	}
	return ""
})

// newest is the library of the highest version: 1.10 is above 1.9, and a name without
// a version, which is a link to one, below both.
func newest(paths []string) string {
	version := func(path string) (parts []int) {
		_, text, _ := strings.Cut(filepath.Base(path), ".so.")
		for _, word := range strings.Split(text, ".") {
			n, err := strconv.Atoi(word)
			if err != nil {
				break
			}
			parts = append(parts, n)
		}
		return parts
	}
	return slices.MaxFunc(paths, func(a, b string) int { return slices.Compare(version(a), version(b)) })
}

// provider adds CUDA to a session's options where the library has it and a device
// answers, and says what networks run on. Sums in TF32 would change features in the
// third digit: they are off.
func provider(options *ort.SessionOptions) string {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return "cpu"
	}
	defer func() { _ = cuda.Destroy() }()
	if cuda.Update(map[string]string{"use_tf32": "0"}) != nil || options.AppendExecutionProviderCUDA(cuda) != nil {
		return "cpu"
	}
	return "cuda"
}

// Provider is what networks run on here: "cuda" where the library and a device can,
// else "cpu".
func Provider() (string, error) {
	if err := start(); err != nil {
		return "", err
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return "", err
	}
	defer func() { _ = options.Destroy() }()
	return provider(options), nil
}

// packages are the folders of Python's packages: those of the one on the PATH first.
func packages() (dirs []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "python3", "-c",
		"import site, sysconfig; print('\\n'.join([sysconfig.get_path('purelib'), site.getusersitepackages()]))").Output()
	if err == nil {
		dirs = strings.Fields(string(out))
	}
	for _, pattern := range []string{"/usr/local/lib/python3*/dist-packages", "/usr/lib/python3/dist-packages",
		"/usr/local/lib/python3*/site-packages"} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// start loads the library, once.
var start = sync.OnceValue(func() error {
	path := RuntimePath()
	if path == "" {
		return fmt.Errorf("ONNX Runtime is not on this machine: %s", Get)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return fmt.Errorf("ONNX Runtime at %s cannot be used: %w; to get one: %s", path, err, Get)
	}
	return nil
})

// Version is that of the library, or why there is none.
func Version() (string, error) {
	if err := start(); err != nil {
		return "", err
	}
	return ort.GetVersion(), nil
}
