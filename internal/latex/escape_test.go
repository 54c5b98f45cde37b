package latex

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"fid_proxy":      `fid\_proxy`,
		"50 % & {more}":  `50 \% \& \{more\}`,
		"σ ≥ 0.5 → 1":    `$\sigma$ $\geq$ 0.5 $\rightarrow$ 1`,
		`\input{secret}`: `\textbackslash{}input\{secret\}`,
		"a--b":           `a-{}-b`,
		"x-prediction":   "x-prediction",
		"世":              `\texttt{[U+4E16]}`,
		"é ± 1\n2":       `é $\pm$ 1 2`,
		"a\x00b":         "ab",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestEveryCharacterCompiles sets every character that figures may meet, and
// texts of random ones.
func TestEveryCharacterCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs LaTeX: some seconds")
	}
	if ok, why := Available(); !ok {
		t.Skip("not compiled: " + why)
	}
	var b strings.Builder
	for r := rune(1); r < 0x2300; r++ {
		if unicode.IsPrint(r) || unicode.IsSpace(r) || unicode.IsControl(r) {
			b.WriteString("x" + Escape(string(r)) + "\n")
		}
	}
	for s := range signs {
		b.WriteString(Escape("--"+string(s)) + "\n")
	}
	texts := rapid.SliceOfN(rapid.String(), 200, 200).Example(1)
	for _, s := range texts {
		b.WriteString(Escape(s) + "\n\n")
	}
	if _, err := Compile(t.TempDir(), b.String()); err != nil {
		t.Error(err)
	}
}
