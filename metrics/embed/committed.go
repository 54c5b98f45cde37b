package embed

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed weights/*
var weightFiles embed.FS

var committed = sync.OnceValues(func() (map[string]*Classifier, error) {
	list, err := weightFiles.ReadDir("weights")
	if err != nil {
		return nil, err
	}
	found := map[string]*Classifier{}
	for _, entry := range list {
		if !strings.HasSuffix(entry.Name(), ".safetensors") {
			continue
		}
		file, err := weightFiles.ReadFile("weights/" + entry.Name())
		if err != nil {
			return nil, err
		}
		c, err := Open(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		found[c.About.Set] = c
	}
	return found, nil
})

// Committed returns the classifier of a data set whose weights travel with the
// program. The error is an *Error that lists the sets that have one.
func Committed(set string) (*Classifier, error) {
	all, err := committed()
	if err != nil {
		return nil, &Error{"metrics.embedder", err.Error()}
	}
	if c, ok := all[set]; ok {
		return c, nil
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	return nil, &Error{"metrics.embedder",
		fmt.Sprintf(`there is no committed classifier for the data set %q, only for %s; use "auto" or "ternary"`, set, listing(names))}
}
