package experiments

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// document is the parsed text with the places of its keys.
type document struct {
	file string
	root map[string]any
	pos  *positions
}

// readDocument parses TOML. A syntax error ends the reading: behind it nothing
// can be trusted.
func readDocument(file string, src []byte) (*document, error) {
	d := &document{file: file, root: map[string]any{}}
	text := string(src)
	if i := nested(text); i >= 0 {
		line, begin := 1+strings.Count(text[:i], "\n"), strings.LastIndexByte(text[:i], '\n')+1
		return nil, &Error{File: file, Line: line, Column: utf8.RuneCountInString(text[begin:i]) + 1,
			Problem: fmt.Sprintf("brackets or parts of a key lie more than %d deep, which no experiment needs", maxNested)}
	}
	if _, err := toml.Decode(text, &d.root); err != nil {
		e := &Error{File: file, Problem: strings.TrimPrefix(err.Error(), "toml: "), cause: err}
		var pe toml.ParseError
		if errors.As(err, &pe) {
			e.Key, e.Problem = pe.LastKey, "not valid TOML: "+pe.Message
			e.Line, e.Column = max(1, pe.Position.Line), characters(text, pe.Position)
			if strings.Contains(pe.Message, "already been defined") {
				e.Column = firstColumn(text, e.Line) // the library points behind the value
			}
		}
		return nil, e
	}
	d.pos = scan(text)
	return d, nil
}

// characters turns the library's column, in bytes, into characters.
func characters(text string, p toml.Position) int {
	if p.Start < 0 || p.Start > len(text) || p.Col < 1 || p.Col-1 > p.Start {
		return max(1, p.Col)
	}
	return utf8.RuneCountInString(text[p.Start-(p.Col-1):p.Start]) + 1
}

// firstColumn is where the text of a line begins.
func firstColumn(text string, line int) int {
	for range line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	text, _, _ = strings.Cut(text, "\n")
	return len(text) - len(strings.TrimLeft(text, " \t")) + 1
}

// at is the place of a path, or of what holds it.
func (d *document) at(path ...string) place {
	for n := len(path); n > 0; n-- {
		if off, ok := d.pos.at[pathOf(path[:n]...)]; ok {
			line, column := d.pos.locate(off)
			return place{file: d.file, line: line, column: column, offset: off}
		}
	}
	return place{file: d.file}
}

// entry is one key with its value, or an empty table.
type entry struct {
	key   string // dotted, relative to the table it was asked for
	value any
	at    place
	path  []string
}

// entries lists what is in a table, in the order of the file; tables inside it
// are flattened to dotted keys, except a grid, which is one value. path is the table's own.
func (d *document) entries(table map[string]any, path ...string) []entry {
	list := d.flatten(table, "", path)
	slices.SortFunc(list, func(a, b entry) int {
		if a.at.offset != b.at.offset {
			return a.at.offset - b.at.offset
		}
		return strings.Compare(a.key, b.key)
	})
	return list
}

// flatten is entries without the order; before is put in front of each key.
func (d *document) flatten(table map[string]any, before string, path []string) []entry {
	var list []entry
	for k, v := range table {
		key, inner := before+k, append(path[:len(path):len(path)], k)
		if t, ok := v.(map[string]any); ok && len(t) > 0 && (byName[key] == nil || byName[key].Type != gridType) {
			list = append(list, d.flatten(t, key+".", inner)...)
			continue
		}
		list = append(list, entry{key: key, value: v, at: d.at(inner...), path: inner})
	}
	return list
}

// tables gives the elements of an array of tables; ok is false when v is
// something else.
func tables(v any) (list []map[string]any, ok bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, true
	case []any:
		for _, e := range v {
			t, ok := e.(map[string]any)
			if !ok {
				return nil, false
			}
			list = append(list, t)
		}
		return list, true
	}
	return nil, false
}

// typeName is the TOML type of a value, with its article.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "an array of tables"
	case time.Time:
		return "a date"
	}
	return "a value of another type"
}
