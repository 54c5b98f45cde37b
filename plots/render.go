package plots

import "fmt"

// Render draws one figure in one format, png, svg or pdf, and gives the file's
// content. A table is written by [Tables].
func Render(fig Figure, data Data, format string) ([]byte, error) {
	stem, err := fig.Stem()
	if err != nil {
		return nil, err
	}
	pg, err := compose(fig, data)
	if err != nil {
		return nil, fmt.Errorf("figure %q: %w", stem, err)
	}
	raw, err := pg.Encode(format)
	if err != nil {
		return nil, fmt.Errorf("figure %q as %s: %w", stem, format, err)
	}
	return raw, nil
}
