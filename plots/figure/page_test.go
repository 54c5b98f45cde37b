package figure

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the kinds into docs/reference/figures.md again")

const (
	page  = "../../docs/reference/figures.md"
	begin = "<!-- generated: go test ./plots/figure -update -->\n"
	end   = "<!-- end -->\n"
)

// The documentation of figures lists every kind and key as the table has them.
func TestPage(t *testing.T) {
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s lacks %q or %q", page, begin, end)
	}
	want := before + begin + reference() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(raw) {
		t.Errorf("%s is not as the table of kinds: go test ./plots/figure -update writes it", page)
	}
}

// reference is a section for each kind.
func reference() string {
	var b bytes.Buffer
	b.WriteString("Every kind takes `kind` and\n\n")
	keys(&b, Common())
	for _, k := range Kinds() {
		fmt.Fprintf(&b, "### %s\n\n%s%s.\n\n", k.Name, strings.ToUpper(k.Doc[:1]), k.Doc[1:])
		keys(&b, k.Fields)
		if looks := names(k.Looks()); len(looks) > 0 {
			fmt.Fprintf(&b, "Looks: `%s`.\n\n", strings.Join(looks, "`, `"))
		}
	}
	b.WriteString("### Looks\n\nA kind takes those that its section names.\n\n")
	keys(&b, looks(Kinds()))
	return b.String()
}

// looks are those of all kinds, each once, in the order in which kinds name them.
func looks(kinds []Kind) []Field {
	var all []Field
	for _, k := range kinds {
		for _, f := range k.Looks() {
			if !slices.Contains(names(all), f.Key) {
				all = append(all, f)
			}
		}
	}
	return all
}

func names(fields []Field) []string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.Key)
	}
	return keys
}

func keys(b *bytes.Buffer, fields []Field) {
	b.WriteString("| key | value | default | |\n| --- | --- | --- | --- |\n")
	for _, f := range fields {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Key, f.Takes(), f.Absent(), f.Doc)
	}
	b.WriteString("\n")
}
