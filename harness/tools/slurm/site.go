package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// site is what the scripts have of a cluster's own ways.
type site struct {
	shell  string   // of the scripts: /bin/sh, /bin/bash -l
	lines  []string // #SBATCH lines as they stand in the prologue
	before string   // shell commands that come before the program
	wrap   []string // words in front of the program
}

// reserved are the options of sbatch that scripts have already or that would break
// what holds a submission together.
var reserved = map[string]string{
	"array": "its indices are the stages", "a": "its indices are the stages",
	"job-name": "the queue is searched by it", "J": "the queue is searched by it",
	"output": "logs lie in the submission's folder", "o": "logs lie in the submission's folder",
	"error": "logs lie in the submission's folder", "e": "logs lie in the submission's folder",
	"open-mode": "a task that starts again adds to its log", "chdir": "it is the folder of submit", "D": "it is the folder of submit",
	"requeue": "a task goes back into the queue", "no-requeue": "a task goes back into the queue",
	"signal": "a training saves on it", "dependency": "it follows from the plan", "d": "it follows from the plan",
	"kill-on-invalid-dep": "what cannot run leaves the queue", "nodes": "a task runs on one node", "N": "a task runs on one node",
	"ntasks": "a task is one process; --pack puts several stages into it", "n": "a task is one process; --pack puts several stages into it",
	"cpus-per-task": "use --cpus", "c": "use --cpus", "wrap": "use --wrap of prabench", "parsable": "its answer is read",
	"test-only": "use --dry-run", "wait": "use --wait of prabench", "W": "use --wait of prabench", "hold": "hold tasks with scontrol",
	"H": "hold tasks with scontrol",
}

// largest prologue that is read: what is longer is no prologue.
const largest = 64 << 10

// site reads what the options say about the site.
func (o Options) site() (site, error) {
	s := site{shell: "/bin/sh"}
	var err error
	if s.wrap, err = words(o.Wrap); err != nil {
		return s, fmt.Errorf("--wrap %q: %w", o.Wrap, err)
	}
	if o.Prologue == "" {
		return s, nil
	}
	info, err := os.Stat(o.Prologue)
	if err != nil {
		return s, fmt.Errorf("--prologue: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > largest {
		return s, fmt.Errorf("--prologue %s: a file of shell commands of at most %d KiB is wanted", o.Prologue, largest>>10)
	}
	text, err := os.ReadFile(o.Prologue)
	if err != nil {
		return s, fmt.Errorf("--prologue: %w", err)
	}
	if err := s.read(text); err != nil {
		return s, fmt.Errorf("--prologue %s, %w", o.Prologue, err)
	}
	if err := s.parses(); err != nil {
		return s, fmt.Errorf("--prologue %s: %w", o.Prologue, err)
	}
	return s, nil
}

// read takes a prologue apart; errors begin with the line.
func (s *site) read(text []byte) error {
	var body strings.Builder
	n := 0
	for line := range bytes.Lines(text) {
		n++
		l := strings.TrimSuffix(string(line), "\n")
		if at := strings.IndexAny(l, "\r\x00"); at >= 0 {
			return fmt.Errorf("line %d: it has a carriage return or a zero byte, which a shell trips over; save it with Unix line ends", n)
		}
		switch {
		case n == 1 && strings.HasPrefix(l, "#!"):
			s.shell = strings.TrimSpace(l[2:])
			if name := filepath.Base(strings.Fields(s.shell + " ?")[0]); !strings.HasSuffix(name, "sh") {
				return fmt.Errorf("line 1: %s is no shell; the rest of the script is one for sh, bash, ksh or zsh", s.shell)
			}
		case strings.HasPrefix(l, "#SBATCH"):
			if err := free(l); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			s.lines = append(s.lines, l)
		default:
			body.WriteString(l + "\n")
		}
	}
	s.before = strings.TrimSpace(body.String())
	if s.before != "" {
		s.before += "\n"
	}
	return nil
}

// free says why a #SBATCH line of a user cannot stand in a script.
func free(line string) error {
	rest := strings.TrimPrefix(line, "#SBATCH")
	if rest == strings.TrimLeft(rest, " \t") || strings.TrimSpace(rest) == "" {
		return fmt.Errorf("%q: an option follows, as in #SBATCH --mail-type=FAIL", line)
	}
	quote := rune(0)
	begins := true // of a word
	for i, r := range rest {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
			continue
		case r == '"' || r == '\'':
			quote = r
		case r == '#' && begins:
			return nil
		case r == '-' && begins:
			name := strings.TrimLeft(rest[i:], "-")
			if end := strings.IndexAny(name, "= \t"); end >= 0 {
				name = name[:end]
			}
			if !strings.HasPrefix(rest[i:], "--") && name != "" {
				name = name[:1] // -n4
			}
			if why, taken := reserved[name]; taken {
				return fmt.Errorf("%q: prabench sets this one: %s", line, why)
			}
		case begins && r != ' ' && r != '\t' && strings.TrimSpace(rest[:i]) == "":
			return fmt.Errorf("%q: an option begins with - or --", line)
		}
		begins = r == ' ' || r == '\t'
	}
	if quote != 0 {
		return fmt.Errorf("%q: the quotation mark %c is not closed", line, quote)
	}
	return nil
}

// parses asks the shell whether it can read the commands. One that is not on this
// machine is on the nodes, perhaps.
func (s *site) parses() error {
	if s.before == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, strings.Fields(s.shell)[0], "-n")
	command.Stdin = strings.NewReader(s.before)
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s cannot read it: %s", s.shell, strings.TrimSpace(string(out)))
	}
	return nil
}

// words splits a command as a shell does, without anything that a shell expands:
// each word is quoted in the script.
func words(text string) ([]string, error) {
	var out []string
	var word strings.Builder
	in, quote := false, rune(0)
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == 0:
			return nil, errors.New("a command of one line is wanted")
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			in, quote = true, r
		case r == ' ' || r == '\t':
			if in {
				out = append(out, word.String())
				word.Reset()
				in = false
			}
		case strings.ContainsRune("$`;&|<>()\\*?[]~", r):
			return nil, fmt.Errorf("the sign %c would reach the command as it is: nothing is expanded here. Put it into quotation marks "+
				"if that is meant; otherwise write a function in the prologue, and give its name: run() { apptainer exec \"$IMAGE\" \"$@\"; }", r)
		default:
			in = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quotation mark %c is not closed", quote)
	}
	if in {
		out = append(out, word.String())
	}
	return out, nil
}

// requeueStatus is the exit code by which a wrapped program asks its script to put
// the task back into the queue: inside a container there is no scontrol as a rule.
const requeueStatus = 75

// start is the end of a script: the program, in the shell's place where it can be,
// so that the signal before the time limit reaches it. Behind a wrapper the shell
// stays, hands signals on and puts the task back into the queue.
func (s *site) start(command string) string {
	if len(s.wrap) == 0 {
		return "exec " + command + "\n"
	}
	quotes := make([]string, len(s.wrap))
	for i, w := range s.wrap {
		quotes[i] = quoted(w)
	}
	return fmt.Sprintf(`%s %s --requeue-status %d &
prabench_task=$!
trap 'kill -USR2 $prabench_task' USR2
trap 'kill -TERM $prabench_task' TERM
trap 'kill -INT $prabench_task' INT
while :; do
	prabench_status=0
	wait $prabench_task || prabench_status=$?
	if [ $prabench_status -le 128 ] || ! kill -0 $prabench_task 2>/dev/null; then break; fi
done
if [ $prabench_status = %d ]; then exec scontrol requeue "$SLURM_JOB_ID"; fi
exit $prabench_status
`, strings.Join(quotes, " "), command, requeueStatus, requeueStatus)
}
