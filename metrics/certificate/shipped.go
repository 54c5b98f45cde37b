package certificate

import (
	"embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed shipped
var shippedFiles embed.FS

// AllShipped are the certificates that come with the program, in the order of their
// files' names.
var AllShipped = sync.OnceValue(func() (all []*Certificate) {
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
			all = append(all, c)
		}
	}
	return all
})

// Shipped is the certificate that comes with the program, nil where there is none.
func Shipped(extractorHash, dataHash string) *Certificate {
	for _, c := range AllShipped() {
		if c.ExtractorHash == extractorHash && c.DataHash == dataHash {
			return c
		}
	}
	return nil
}
