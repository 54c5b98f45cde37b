package provision

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"prabench/harness/machine"
	"prabench/models/device"
	"prabench/results/record"
)

// Number is the version that CHANGELOG.md names; "-dev" says that it is not
// released yet.
const Number = "0.1.0-dev"

// Version is what this program is.
type Version struct {
	Version  string   `json:"version"`
	Revision string   `json:"revision,omitempty"` // of git; absent where it is not known
	Dirty    bool     `json:"dirty"`              // built from changed source
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	CUDA     bool     `json:"cuda"` // built in: this is prabench-cuda
	Devices  []string `json:"devices"`
}

// ThisProgram is the version of the program that runs.
func ThisProgram() Version {
	env := machine.Environment(0)
	rev, _, _ := strings.Cut(env.GitRevision, ".") // without the hash of a changed program
	if !env.GitDirty && rev != env.GitRevision || !record.KnownRevision(rev) {
		rev = ""
	}
	devices := device.Drivers()
	return Version{Version: Number, Revision: rev, Dirty: env.GitDirty, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CUDA: slices.Contains(devices, "cuda"), Devices: devices}
}

// Print writes the version for people.
func (v Version) Print(w io.Writer) error {
	revision := v.Revision
	switch {
	case revision == "":
		revision = "not known"
	case v.Dirty:
		revision += ", with changes"
	}
	cuda := "not built in; `make cuda` builds prabench-cuda"
	if v.CUDA {
		cuda = "built in"
	}
	_, err := fmt.Fprintf(w, "prabench %s\nrevision  %s\ngo        %s\nplatform  %s\nCUDA      %s\n", v.Version, revision, v.Go,
		v.Platform, cuda)
	return err
}
