package figure

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Stem is the name of the figure's files without their extensions: the one it was
// given, or one made of its kind and axes.
func (f Figure) Stem() (string, error) {
	if f.Name != "" {
		if f.Name != filepath.Base(f.Name) || strings.ContainsAny(f.Name, `/\`) || strings.HasPrefix(f.Name, ".") {
			return "", fmt.Errorf("figure name %q: a name is a file name without folders or a leading dot", f.Name)
		}
		return f.Name, nil
	}
	parts := []string{f.Kind}
	for _, p := range []string{f.Value, f.Y, f.X, f.Series, f.Facet} {
		if p != "" {
			parts = append(parts, strings.NewReplacer(".", "-", "/", "-", " ", "-").Replace(p))
		}
	}
	return strings.Join(parts, "_"), nil
}
