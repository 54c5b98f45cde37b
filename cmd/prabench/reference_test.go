package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"prabench/experiments"
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
	var keys []experiments.Key
	if err := json.Unmarshal([]byte(must(t, "plan --keys --json")), &keys); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Keys of an experiment file\n\n" +
		"Made from the program; `prabench help keys` prints the same. Any key with a dot may be an axis of\n" +
		"`[sweep]`, and any may be set with `--set KEY=VALUE`. A column of families says which models have the key;\n" +
		"without one all have it. Where the defaults of families differ, the others follow that of\n" +
		"the first, with the names of their families. [experiments/README.md](../../experiments/README.md) explains the tables.\n")
	last := "-"
	for _, k := range keys {
		table, _, dotted := strings.Cut(k.Name, ".")
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
		usual := k.DefaultText(func(v any) string {
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return "`" + string(raw) + "`"
		})
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.Type, usual, strings.Join(k.Families, ", "),
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

// What lists keys names the defaults of families that have others, and of a file of one
// family those of that family.
func TestKeysHaveTheDefaultsOfTheirFamilies(t *testing.T) {
	here(t)
	write(t, "jit.toml", "[data]\nset = \"shapes\"\nsize = 8\n[model]\nfamily = \"jit\"\npatch = 4\n[sample]\nsolver = \"euler\"\n")
	all, both := " 10; jit: 20 ", ` --set model.family=["pra","jit"]`
	for _, c := range []struct{ args, key, want string }{
		{"help keys", "sample.flow_steps", all}, {"help keys", "sample.solver", ` "euler"; jit: "heun" `},
		{"help keys", "model.depth", " 3; jit, vq: 4 "}, {"help keys", "train.time_mean", " 0; jit: -0.8 "},
		{"help keys", "train.steps", " 1500 "},
		{"plan --keys jit.toml", "sample.flow_steps", " 20  20 "}, {"plan --keys jit.toml", "sample.solver", ` "euler"  "heun" `},
		{"plan --keys jit.toml" + both, "sample.flow_steps", " 10; jit: 20  10; jit: 20 "},
		{`plan --keys jit.toml --set model.family=["jit","mar"]`, "sample.flow_steps", " 20; mar: 10  20; mar: 10 "},
	} {
		row := ""
		for line := range strings.Lines(must(t, c.args)) {
			if strings.HasPrefix(line, c.key+" ") {
				row = blanks.ReplaceAllString(line, "  ")
			}
		}
		if !strings.Contains(row, c.want) {
			t.Errorf("prabench %s does not have %q: %s", c.args, c.want, row)
		}
	}
	for args, want := range map[string]string{
		"plan --keys --json": "10 map[jit:20 mar:10 pra:10]", "plan --keys --json jit.toml": "20 map[]",
		"plan --keys --json jit.toml" + both: "10 map[jit:20 pra:10]",
	} {
		var keys []experiments.Key
		if err := json.Unmarshal([]byte(must(t, args)), &keys); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if got := fmt.Sprint(k.Default, " ", k.Defaults); k.Name == "sample.flow_steps" && got != want {
				t.Errorf("prabench %s has the defaults %s, want %s", args, got, want)
			}
		}
	}
}
