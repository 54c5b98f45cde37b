package session

import (
	"context"
	"debug/buildinfo"
	"io"
	"os"
	"path/filepath"
	"strings"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/tools/check"
	"prabench/harness/tools/check/arm"
	"prabench/harness/tools/check/revision"
)

// programs are the two that a check compares.
type programs struct {
	command [2][]string
	env     [2][]string
	jobs    bool // one of them is older than arms: both are measured by jobs
	dir     string
}

func (p *programs) start(side check.Side) (check.Arm, error) {
	if p.jobs {
		return &arm.Jobs{Name: side.String(), Program: p.command[side][0], Env: p.env[side], Dir: p.dir}, nil
	}
	return arm.Start(side.String(), p.command[side], p.env[side])
}

// armOf is the program of a device as an arm; program is "" for this one's.
func (s *Session) armOf(device, program string) ([]string, error) {
	if program != "" {
		return []string{program, "arm"}, nil
	}
	args, err := s.Command(device)
	if err != nil {
		return nil, err
	}
	return append(args[:len(args)-1:len(args)-1], "arm"), nil
}

// programs finds or builds both programs and names them in the report.
func (s *Session) programs(ctx context.Context, device string, other Other, rep *check.Report) (*programs, error) {
	p := &programs{dir: s.dir}
	var err error
	if p.command[check.New], err = s.armOf(device, ""); err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	if s.ExtraWork != "" {
		p.env[check.New] = []string{arm.ExtraWork + "=" + s.ExtraWork}
	}
	env := machine.Environment(0)
	rep.New = check.Program{Name: "this program", Revision: env.Code()}
	old := other.Binary
	rep.Old = check.Program{Name: old, Revision: builtFrom(old)}
	if other.Revision != "" {
		if kind, _, _ := strings.Cut(device, ":"); kind != "cpu" {
			return nil, engine.Mistakef("--against builds the program for the CPU, measure.device is %q: build the other program yourself and "+
				"give it with --against-binary", device)
		}
		top, commit, err := revision.Find(ctx, ".", other.Revision)
		if err != nil {
			return nil, &engine.Mistake{Err: err}
		}
		s.sayf("building %.12s", commit)
		built, err := revision.Build(ctx, top, commit, s.dir)
		if err != nil {
			return nil, &engine.Failure{Err: err}
		}
		old, rep.Old = built.Path, check.Program{Name: other.Revision, Revision: commit}
	} else if other.Binary == "" {
		rep.New.SHA256, _, err = artifact.HashFile(p.command[check.New][0])
		return p, err
	} else if old, err = program(other.Binary); err != nil {
		return nil, err
	}
	if p.command[check.Old], err = s.armOf(device, old); err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	if !arm.Speaks(ctx, old) {
		p.jobs = true
		if s.ExtraWork != "" {
			return nil, engine.Mistakef("--test-extra-work: the other program is older than arms")
		}
		s.sayf("note: %s is older than the arms of check: both programs are measured by the jobs of a run, seconds a round", rep.Old.Name)
	}
	for side, of := range []*check.Program{&rep.Old, &rep.New} {
		if of.SHA256, _, err = artifact.HashFile(p.command[side][0]); err != nil {
			return nil, &engine.Failure{Err: err}
		}
	}
	return p, nil
}

// builtFrom is the revision that Go stamped into a program, with a mark for changed
// source; "" where it says none.
func builtFrom(path string) string {
	if path == "" {
		return ""
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	rev := settings["vcs.revision"]
	if rev != "" && settings["vcs.modified"] == "true" {
		rev += "+dirty"
	}
	return rev
}

// program is the absolute path of a program that can be started.
func program(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return "", engine.Mistakef("--against-binary %s: there is no program that can be started: build one (make build), "+
			"or compare with --against REVISION", path)
	}
	return filepath.Abs(path)
}

// ServeArm is one of the two programs of a check: it measures what is asked for
// on in and gives the exit code of the process.
func ServeArm(in io.Reader, out, errs io.Writer) int { return arm.Serve(in, out, errs) }
