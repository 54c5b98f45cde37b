package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ciPage is the file that docs/guide/ci.md has under a heading.
func ciPage(t *testing.T, heading string, into any) {
	t.Helper()
	page, err := os.ReadFile("../../docs/guide/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n## " + heading + "\n.*?```yaml\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatalf("docs/guide/ci.md has no file for %s", heading)
	}
	if err := yaml.Unmarshal(block[1], into); err != nil {
		t.Fatalf("the file for %s: %v", heading, err)
	}
}

// runner is a folder as a runner has it after its build, whose program measures the
// scripted arms in place of another revision, and as often as a test needs.
func runner(t *testing.T) {
	t.Helper()
	here(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"bin", "experiments"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "experiments/check.toml", string(tiny))
	write(t, "bin/prabench", `#!/bin/bash
asked="$*"
[[ $asked == *" --against origin/main "* ]] || { echo "not compared with the branch: $asked"; exit 99; }
exec "`+self+`" ${asked/ --against origin\/main / --against-binary .\/oldprogram } --rounds 6 --set measure.repeat_disturbed=0
`)
	if err := os.Chmod("bin/prabench", 0o755); err != nil {
		t.Fatal(err)
	}
}

// step runs a script as runners do and gives what it printed and its exit code.
func step(t *testing.T, script string, env ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// The files of docs/guide/ci.md are what they are for: they have the history that a check
// needs, they build, and their own scripts, run here, end as the page says for every
// exit code, with the reports that they keep.
func TestTheFilesForCI(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some hundred programs")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not here")
	}
	var github struct {
		Jobs map[string]struct {
			Minutes int `yaml:"timeout-minutes"`
			Steps   []struct {
				Name, Uses, Run, If string
				Env                 map[string]string
				With                map[string]any
			}
		}
	}
	ciPage(t, "GitHub Actions", &github)
	var gitlab struct {
		Check struct {
			Variables map[string]string
			Before    []string `yaml:"before_script"`
			Script    []string
			Allowed   struct {
				Codes int `yaml:"exit_codes"`
			} `yaml:"allow_failure"`
			Artifacts struct {
				When    string
				Paths   []string
				Reports map[string]string
			}
		} `yaml:"regression-check"`
	}
	ciPage(t, "GitLab", &gitlab)

	job, lab := github.Jobs["check"], gitlab.Check
	var script, build, kept string
	full, always := false, false
	for _, s := range job.Steps {
		switch {
		case s.Name == "Check":
			if script = s.Run; s.Env["BASE"] != "origin/${{ github.base_ref }}" {
				t.Errorf("compared with %q", s.Env["BASE"])
			}
		case s.Name == "Build":
			build = s.Run
		case strings.HasPrefix(s.Uses, "actions/checkout@"):
			full = s.With["fetch-depth"] == 0
		case strings.HasPrefix(s.Uses, "actions/upload-artifact@"):
			kept, _ = s.With["path"].(string)
			always = s.If == "always()"
		}
	}
	if !full || !always || job.Minutes < 10 || lab.Variables["GIT_DEPTH"] != "0" || lab.Artifacts.When != "always" || lab.Allowed.Codes != 3 {
		t.Errorf("history, time or artifacts: %+v\n%+v", job, lab)
	}
	for _, lines := range []string{build, strings.Join(lab.Before, "\n")} {
		for _, target := range regexp.MustCompile(`(?m)^make (\S+)$`).FindAllStringSubmatch(lines, -1) {
			if out, err := exec.Command("make", "-n", "-C", "../..", target[1]).CombinedOutput(); err != nil {
				t.Errorf("make %s: %v: %s", target[1], err, out)
			}
		}
		if !strings.Contains(lines, "make build") {
			t.Errorf("nothing is built in\n%s", lines)
		}
	}

	runner(t)
	files := map[string][]string{"github": strings.Fields(kept), "gitlab": append(lab.Artifacts.Paths, lab.Artifacts.Reports["junit"])}
	for _, c := range []struct {
		name           string
		script         armScript
		github, gitlab int
		says           string
	}{
		{"pass", armScript{Noise: 0.01}, 0, 0, ""},
		{"regression", armScript{Throughput: 0.8, Noise: 0.01}, 1, 1, "::error "},
		{"noise", armScript{Noise: 0.4}, 0, 3, "::warning title=regression check::inconclusive"},
		{"the harness fails", armScript{Noise: 0.01}, 4, 4, ""},
	} {
		for _, where := range []string{"github", "gitlab"} {
			play(t, c.script)
			for _, f := range files[where] {
				os.RemoveAll(f)
			}
			if c.name == "the harness fails" { // a report cannot be written
				if err := os.Symlink("/dev/full", "check.xml"); err != nil {
					t.Fatal(err)
				}
			}
			summary := filepath.Join(t.TempDir(), "summary.md")
			text, want := script, c.github
			if where == "gitlab" {
				text, want = strings.Join(lab.Script, "\n"), c.gitlab
			}
			out, code := step(t, text, "BASE=origin/main", "GITHUB_STEP_SUMMARY="+summary, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main")
			if code != want {
				t.Errorf("%s, %s: exit code %d, want %d\n%s", where, c.name, code, want, out)
			}
			if code == 4 { // what could not be written is not there to keep
				continue
			}
			for _, f := range files[where] {
				if info, err := os.Stat(f); err != nil || info.Size() == 0 {
					t.Errorf("%s, %s: no %s is left to keep", where, c.name, f)
				}
			}
			if where == "github" {
				if raw, _ := os.ReadFile(summary); !strings.Contains(string(raw), "prabench check") || !strings.Contains(out, c.says) {
					t.Errorf("%s: summary %q, printed\n%s", c.name, raw, out)
				}
			}
		}
	}
}

// Every file that a run leaves under .prabench has a row in docs/reference/files.md, and the
// rows of the stages that every run has are there with the members that they name.
func TestTheFilesOfARunAreOnTheirPage(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models")
	}
	page, err := os.ReadFile("../../docs/reference/files.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []*regexp.Regexp
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\| .* \\|$").FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			pattern := strings.NewReplacer("KEY", "[0-9a-f]{64}", "KIND", "[a-z_]+", "ATTEMPT", "[0-9A-Za-z-]+", `\*`, ".*").
				Replace(regexp.QuoteMeta(name[1]))
			rows = append(rows, regexp.MustCompile("^"+pattern+"$"))
		}
	}
	here(t)
	must(t, "run tiny.toml --no-figures --set measure.rounds=1 --set measure.repeat_disturbed=0")
	found := make([]int, len(rows))
	at := map[string]string{}
	err = filepath.WalkDir(".prabench", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, known := strings.TrimPrefix(path, ".prabench/"), false
		for i, r := range rows {
			if r.MatchString(name) {
				found[i]++
				known = true
			}
		}
		if !known {
			t.Errorf("%s is on no row of docs/reference/files.md", name)
		}
		at[strings.SplitN(name, "/", 2)[0]+" "+filepath.Base(name)] = path
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, members := range map[string][]string{
		"train curve.jsonl": {"step", "total", "flow", "rec", "grad_norm", "lr"}, "sample samples.json": {"count", "size", "channels", "classes"},
		"train manifest.json": {"kind", "key", "created", "name", "bytes", "sha256"}, "sample samples.npy": {"NUMPY", "|u1"},
		"reference features.npy": {"NUMPY", "<f4"},
		"score attempt.json":     {"outcome", "device", "started", "finished", "environment", "protocol", "values"},
	} {
		raw, err := os.ReadFile(at[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, m := range members {
			if !strings.Contains(string(raw), m) {
				t.Errorf("%s has no %q", name, m)
			}
		}
	}
	for i, r := range rows {
		if s := r.String(); found[i] == 0 && regexp.MustCompile(`^\^(\[|train/.*(model|curve)|sample/|reference/|score/|lock)`).MatchString(s) {
			t.Errorf("a run leaves nothing like %s", s)
		}
	}
	if len(rows) < 15 {
		t.Errorf("docs/reference/files.md has %d rows", len(rows))
	}
}
