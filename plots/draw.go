package plots

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"prabench/internal/atomicfile"
	"prabench/plots/figure"
)

// Draw draws one figure into dir and returns the files it wrote. Formats are
// png, svg and pdf, and md and tex for text: each kind takes those of the
// list that it can make (a kind that can make none draws nothing), and an empty
// list is all.
// Either all files are written or, on an error, the figure is not drawn.
func Draw(fig Figure, data Data, dir string, formats []string) ([]string, error) {
	stem, err := fig.Stem()
	if err != nil {
		return nil, err
	}
	wanted, err := formatsFor(fig.Kind, formats)
	if err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	if fig.Text() {
		t, err := textOf(fig, data)
		if err != nil {
			return nil, fmt.Errorf("figure %q: %w", stem, err)
		}
		return save(stem, dir, wanted, func(format string) ([]byte, error) {
			return []byte(map[string]func() string{"md": t.markdown, "tex": t.latex}[format]()), nil
		})
	}
	s, err := sheetOf(fig, data)
	if err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	return save(stem, dir, wanted, s.Page().Encode)
}

// Foresee says why a figure could not be drawn from such data, as Draw would, and
// draws nothing.
func Foresee(fig Figure, data Data) (err error) {
	if _, err = fig.Stem(); err != nil {
		return err
	}
	if fig.Text() {
		_, err = textOf(fig, data)
	} else {
		_, err = sheetOf(fig, data)
	}
	return err
}

// Render draws one figure in one format, png, svg or pdf, and gives the file's
// content. A table is written by [Tables].
func Render(fig Figure, data Data, format string) ([]byte, error) {
	stem, err := fig.Stem()
	if err != nil {
		return nil, err
	}
	s, err := sheetOf(fig, data)
	if err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	raw, err := s.Page().Encode(format)
	if err != nil {
		return nil, fmt.Errorf("figure %q as %s: %w", stem, format, err)
	}
	return raw, nil
}

// Tables writes a figure of kind table as Markdown and as LaTeX (booktabs).
// Values carry their intervals and are rounded to the interval's second digit.
// The best of a column is bold when it is separated from every other value. What
// failed is named in place of its value.
func Tables(fig Figure, data Data) (markdown, latex string, err error) {
	t, err := textOf(fig, data)
	if err != nil {
		return "", "", err
	}
	return t.markdown(), t.latex(), nil
}

// TableHTML writes a figure of kind table as an HTML table, its notes below it.
func TableHTML(fig Figure, data Data) (string, error) {
	t, err := textOf(fig, data)
	if err != nil {
		return "", err
	}
	return t.html(), nil
}

// save writes a figure's files: all, or those before an error in writing. Nothing
// is written when a format cannot be made.
func save(stem, dir string, formats []string, encode func(format string) ([]byte, error)) ([]string, error) {
	made := make([][]byte, len(formats))
	for i, f := range formats {
		var err error
		if made[i], err = encode(f); err != nil {
			return nil, fmt.Errorf("figure %q as %s: %w", stem, f, err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	var files []string
	for i, f := range formats {
		path := filepath.Join(dir, stem+"."+f)
		if err := atomicfile.OutputBytes(path, 0o644, made[i]); err != nil {
			return files, fmt.Errorf("figure %q: %w", stem, err)
		}
		files = append(files, path)
	}
	return files, nil
}

// Formats are the formats of a kind of figure.
func Formats(kind string) []string {
	if k, _ := figure.Of(kind); k.Text {
		return textFormats
	}
	return pictureFormats
}

var textFormats, pictureFormats = []string{"md", "tex"}, []string{"png", "svg", "pdf"}

// CheckFormats refuses formats that no kind of figure has.
func CheckFormats(formats []string) error {
	for _, f := range formats {
		if n := format(f); !contains(textFormats, n) && !contains(pictureFormats, n) {
			return fmt.Errorf("format %q is unknown; known are png, svg, pdf, md and tex", f)
		}
	}
	return nil
}

func format(name string) string { return strings.ToLower(strings.TrimPrefix(name, ".")) }

func formatsFor(kind string, formats []string) ([]string, error) {
	if err := CheckFormats(formats); err != nil {
		return nil, err
	}
	if len(formats) == 0 {
		return Formats(kind), nil
	}
	var wanted []string
	for _, f := range formats {
		if f = format(f); contains(Formats(kind), f) && !contains(wanted, f) {
			wanted = append(wanted, f)
		}
	}
	return wanted, nil
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
