package quantity

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"prabench/metrics/stat"
)

var update = flag.Bool("update", false, "write the tables of metrics/README.md again")

// The tables of metrics/README.md are the catalogue.
func TestReadmeHasEveryRow(t *testing.T) {
	const path = "../README.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<!-- catalogue: ([a-z, ]+) -->\n.*?<!-- end of catalogue -->`)
	var told []Group
	text := block.ReplaceAllStringFunc(string(raw), func(old string) string {
		names := block.FindStringSubmatch(old)[1]
		var b strings.Builder
		fmt.Fprintf(&b, "<!-- catalogue: %s -->\n", names)
		for _, g := range strings.Split(names, ", ") {
			told = append(told, Group(g))
		}
		writeTable(&b, told[len(told)-len(strings.Split(names, ", ")):])
		b.WriteString("<!-- end of catalogue -->")
		return b.String()
	})
	for _, g := range Groups {
		if !slices.Contains(told, g) {
			t.Errorf("no table has the group %s", g)
		}
	}
	if text == string(raw) {
		return
	}
	if !*update {
		t.Fatalf("%s is not the catalogue's: go test ./metrics/quantity -update", path)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeTable(b *strings.Builder, groups []Group) {
	b.WriteString("| metric name | in headings; on axes | what | unit | better | interval | stage |\n|---|---|---|---|---|---|---|\n")
	for _, g := range groups {
		for _, m := range metrics {
			if m.Group == g {
				fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", m.Name, called(m), m.Doc, m.Units(), aim(m),
					over(m.Interval, m.Nature), stageOf(m))
			}
		}
	}
}

func called(m *Metric) string {
	if m.Called() == m.Label {
		return m.Label
	}
	return m.Called() + "; " + m.Label
}

func aim(m *Metric) string {
	switch {
	case m.Aim != "":
		return m.Aim
	case m.Better > 0:
		return "higher"
	case m.Better < 0:
		return "lower"
	}
	return ""
}

func over(method stat.Method, n Nature) string {
	switch method {
	case stat.Jackknife:
		return "over images"
	case stat.Wilson:
		return "over images, Wilson's"
	case stat.Rounds:
		if n == Counted {
			return ""
		}
		return "over rounds"
	}
	return ""
}

func stageOf(m *Metric) string {
	if m.Key != "" {
		return fmt.Sprintf("%s (`%s`)", m.Stage, m.Key)
	}
	return m.Stage
}
