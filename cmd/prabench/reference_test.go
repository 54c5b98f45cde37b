package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// page compares a page of docs that is made from the program with what it would be now.
func page(t *testing.T, name, want string) {
	t.Helper()
	path := "../../docs/reference/" + name
	if *update {
		write(t, path, want)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/reference/%s is not what the program says now: go test ./cmd/prabench -run TestReferencePages -update writes it", name)
	}
}

// keysPage is the reference of the keys of experiment files.
func keysPage(t *testing.T) string {
	t.Helper()
	var keys []struct {
		Key, Type, Doc string
		Default        any
		Families       []string `json:"families"`
		Family         []string `json:"family"`
	}
	if err := json.Unmarshal([]byte(must(t, "plan --keys --json")), &keys); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Keys of an experiment file\n\n" +
		"Made from the program; `prabench help keys` prints the same. Any key with a dot may be an axis of\n" +
		"`[sweep]`, and any may be set with `--set KEY=VALUE`. A column of families says which models have the key;\n" +
		"without one all have it. [experiments/README.md](../../experiments/README.md) explains the tables.\n")
	last := "-"
	for _, k := range keys {
		table, _, dotted := strings.Cut(k.Key, ".")
		if !dotted {
			table = ""
		}
		if table != last {
			title := "At the top"
			if table != "" {
				title = "[" + table + "]"
			}
			fmt.Fprintf(&b, "\n## %s\n\n| key | type | default | families | meaning |\n|---|---|---|---|---|\n", title)
			last = table
		}
		value, err := json.Marshal(k.Default)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s |\n", k.Key, k.Type, value, strings.Join(append(k.Families, k.Family...), ", "),
			strings.ReplaceAll(k.Doc, "|", `\|`))
	}
	return b.String()
}

// commandsPage is the reference of the commands and their flags.
func commandsPage() string {
	var b strings.Builder
	root := (&app{}).root()
	b.WriteString("# Commands\n\n" +
		"Made from the program; `prabench help COMMAND` prints the same, `prabench man DIR` writes manual pages,\n" +
		"`prabench completion bash` (zsh, fish, powershell) completes commands and flags.\n" +
		"What the codes at the end mean: [exit codes](exit-codes.md).\n\n## Flags of every command\n\n" +
		"```text\n" + root.PersistentFlags().FlagUsages() + "```\n")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Hidden || !sub.IsAvailableCommand() || sub.Name() == "help" || sub.Name() == "completion" {
				continue
			}
			text := sub.Long
			if text == "" {
				text = sub.Short + "."
			}
			fmt.Fprintf(&b, "\n## prabench %s\n\n```text\n%s\n\n%s\n", strings.TrimPrefix(sub.CommandPath(), "prabench "), sub.UseLine(), text)
			if flags := sub.LocalNonPersistentFlags().FlagUsages(); flags != "" {
				b.WriteString("\n" + flags)
			}
			b.WriteString("```\n")
			walk(sub)
		}
	}
	walk(root)
	return b.String()
}

// The pages of keys and of commands are what the program says.
func TestReferencePages(t *testing.T) {
	page(t, "keys.md", keysPage(t))
	page(t, "commands.md", commandsPage())
}
