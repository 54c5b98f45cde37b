package certificate

import (
	"embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed shipped
var shippedFiles embed.FS

// shipped are the certificates that come with the program, by key.
var shipped = sync.OnceValue(func() map[string]*Certificate {
	all := map[string]*Certificate{}
	list, err := shippedFiles.ReadDir("shipped")
	if err != nil {
		return all
	}
	for _, entry := range list {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		c := &Certificate{}
		raw, err := shippedFiles.ReadFile("shipped/" + entry.Name())
		if err == nil && json.Unmarshal(raw, c) == nil && c.Version == Version {
			all[Key(c.ExtractorHash, c.DataHash)] = c
		}
	}
	return all
})

// Shipped is the certificate that comes with the program, nil where there is none.
func Shipped(extractorHash, dataHash string) *Certificate {
	return shipped()[Key(extractorHash, dataHash)]
}
