package terminal

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"prabench/experiments"
)

var group = regexp.MustCompile(`(?: in the group)? \[([a-z -]+)\]`)

var parsing = regexp.MustCompile(`strconv\.\w+: parsing "[^"]*": (invalid syntax|value out of range)`)

// FlagValue writes the library's sentences on values of flags without its own words.
func FlagValue(text string) string {
	return parsing.ReplaceAllStringFunc(text, func(found string) string {
		switch {
		case strings.HasSuffix(found, "range"):
			return "it is too large"
		case strings.Contains(found, "ParseInt"), strings.Contains(found, "ParseUint"):
			return "it takes a whole number"
		case strings.Contains(found, "ParseBool"):
			return "it takes true or false"
		}
		return "it takes a number"
	})
}

// FlagGroup writes the library's sentences on flags that go together with the flags as
// people type them.
func FlagGroup(text string) string {
	return group.ReplaceAllStringFunc(text, func(found string) string {
		names := strings.Fields(group.FindStringSubmatch(found)[1])
		return " --" + strings.Join(names, ", --")
	})
}

// CheckHelp makes the command help refuse what is neither a command nor a topic, in the
// words that the library has for an unknown command.
func CheckHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return // root has no commands, and so no help
	}
	help.Args = func(_ *cobra.Command, args []string) error {
		of, rest, err := root.Find(args)
		if err == nil && len(rest) > 0 && of.HasSubCommands() {
			err = fmt.Errorf("unknown command %q for %q", rest[0], of.CommandPath())
		}
		return err
	}
}

// NearCommand is "; did you mean NAME?" to a sentence of the library on an unknown command,
// where a command or a topic of help has a name like it, or "".
func NearCommand(root *cobra.Command, text string) string {
	var name, path string
	if n, _ := fmt.Sscanf(text, "unknown command %q for %q", &name, &path); n < 2 {
		return ""
	}
	of, _, err := root.Find(strings.Fields(path)[1:])
	if err != nil {
		return ""
	}
	var names []string
	for _, c := range of.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return experiments.DidYouMean(name, names)
}
