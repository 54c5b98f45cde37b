package metrics

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// DefinitionVersion numbers the formulas of this package; it rises when a value
// for the same features changes.
const DefinitionVersion = 1

// Protocol is everything that must agree before two scores share an axis.
type Protocol struct {
	Embedder     string // Embedder.Name
	EmbedderHash string // Embedder.Hash, SHA-256 hex
	Data         string // name of the data set
	DataHash     string // SHA-256 hex over the data set as loaded
	Split        string // of the reference: "train" or "test"
	Size         int    // image side in pixels
	Channels     int
	Reference    int // images of the reference
	Samples      int // generated images scored
}

// fields in the order of String; the names are stable.
func (p Protocol) fields() [][2]string {
	return [][2]string{
		{"metrics", fmt.Sprint(DefinitionVersion)},
		{"embedder", p.Embedder},
		{"embedder_hash", p.EmbedderHash},
		{"data", p.Data},
		{"data_hash", p.DataHash},
		{"split", p.Split},
		{"size", fmt.Sprint(p.Size)},
		{"channels", fmt.Sprint(p.Channels)},
		{"reference", fmt.Sprint(p.Reference)},
		{"samples", fmt.Sprint(p.Samples)},
	}
}

// String is one line of name=value pairs, the same for the same protocol.
func (p Protocol) String() string {
	var b strings.Builder
	for i, f := range p.fields() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", f[0], f[1])
	}
	return b.String()
}

// Map is String as a map, for storing field by field.
func (p Protocol) Map() map[string]string {
	m := map[string]string{}
	for _, f := range p.fields() {
		m[f[0]] = f[1]
	}
	return m
}

// Hash is the SHA-256 of String in hex.
func (p Protocol) Hash() string {
	sum := sha256.Sum256([]byte(p.String()))
	return hex.EncodeToString(sum[:])
}
