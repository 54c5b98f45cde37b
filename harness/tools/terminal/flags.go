package terminal

import (
	"regexp"
	"strings"
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
