// Package gitenv makes an environment for child processes in which git finds
// its repository by the folder alone.
//
// Its principle is that prabench is a guest in other people's repositories. A hook,
// `git rebase --exec` or an editor hands GIT_DIR, GIT_INDEX_FILE and their like
// to what it calls; a git that inherits them works on that repository and its
// index, whatever folder it was given.
package gitenv

import (
	"os"
	"strings"
)

// kept are variables of git that say how to reach or trust something, not which
// repository is meant.
var kept = map[string]bool{
	"GIT_SSH": true, "GIT_SSH_COMMAND": true, "GIT_SSH_VARIANT": true, "GIT_ASKPASS": true, "GIT_TERMINAL_PROMPT": true,
	"GIT_EXEC_PATH": true, "GIT_SSL_CAINFO": true, "GIT_SSL_CAPATH": true, "GIT_SSL_NO_VERIFY": true, "GIT_PROXY_COMMAND": true,
	"GIT_CONFIG_GLOBAL": true, "GIT_CONFIG_SYSTEM": true, "GIT_CONFIG_NOSYSTEM": true, "GIT_CEILING_DIRECTORIES": true,
	"GIT_DISCOVERY_ACROSS_FILESYSTEM": true,
}

// Clean is this process's environment without what names a repository, its
// index, its objects or its settings to git, and with more added.
func Clean(more ...string) []string { return append(without(os.Environ()), more...) }

func without(env []string) []string {
	out := make([]string, 0, len(env)+1)
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "GIT_") && !kept[name] {
			continue
		}
		out = append(out, v)
	}
	return out
}
