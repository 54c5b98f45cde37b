package terminal

import (
	"regexp"
	"strings"
)

var group = regexp.MustCompile(`(?: in the group)? \[([a-z -]+)\]`)

// FlagGroup writes the library's sentences on flags that go together with the flags as
// people type them.
func FlagGroup(text string) string {
	return group.ReplaceAllStringFunc(text, func(found string) string {
		names := strings.Fields(group.FindStringSubmatch(found)[1])
		return " --" + strings.Join(names, ", --")
	})
}
