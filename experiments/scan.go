package experiments

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxParts is deeper than any key of an experiment; what lies below is not
// recorded and reported at the place of what holds it.
const maxParts = 12

// maxNested bounds brackets within brackets and parts of a key: the library takes the
// square of their number, and a message that names such a key has thousands of parts.
const maxNested = 50

// nested gives the offset at which a text nests deeper than maxNested, or −1. The text
// need not be TOML.
func nested(src string) int {
	p := positions{src: src}
	open, parts := 0, 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '#':
			for i+1 < len(src) && src[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			i = p.quoted(i) - 1
		case '[', '{':
			open, parts = open+1, 0
		case ']', '}':
			open, parts = max(0, open-1), 0
		case '.':
			parts++
		case '\n', '=', ',':
			parts = 0
		}
		if open > maxNested || parts > maxNested {
			return i
		}
	}
	return -1
}

// positions finds where each key of a TOML text stands. The TOML library keeps
// the positions of keys to itself, so the text is scanned a second time. The
// text has been accepted by the library: the scan only tells keys from values
// and never judges.
//
// A path is the parts of a key joined by NUL; an element of an array is the
// part "[i]", so the second [[sweep.zip]] is sweep, zip, [1].
type positions struct {
	src   string
	lines []int          // offsets of line starts
	at    map[string]int // path → offset of the key
	count map[string]int // elements so far of an array of tables
}

func pathOf(parts ...string) string { return strings.Join(parts, "\x00") }

func element(i int) string { return "[" + strconv.Itoa(i) + "]" }

func scan(src string) *positions {
	p := &positions{src: src, lines: []int{0}, at: map[string]int{}, count: map[string]int{}}
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	i := 0
	if strings.HasPrefix(src, "\ufeff") {
		i = len("\ufeff")
	}
	var table []string
	for {
		i = p.blank(i)
		if i >= len(src) {
			return p
		}
		if src[i] == '[' {
			table, i = p.header(i)
			continue
		}
		next := p.keyValue(i, table)
		if next <= i { // cannot happen in valid TOML; never loop
			next = i + 1
		}
		i = next
	}
}

// locate gives line and column, from 1, of an offset; columns count characters.
func (p *positions) locate(offset int) (line, column int) {
	line = sort.Search(len(p.lines), func(i int) bool { return p.lines[i] > offset })
	start := p.lines[line-1]
	return line, utf8.RuneCountInString(p.src[start:offset]) + 1
}

// blank skips white space, newlines and comments.
func (p *positions) blank(i int) int {
	for i < len(p.src) {
		switch p.src[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case '#':
			for i < len(p.src) && p.src[i] != '\n' {
				i++
			}
		default:
			return i
		}
	}
	return i
}

// header reads [a.b] or [[a.b]] and gives the path of the table that it opens.
func (p *positions) header(i int) ([]string, int) {
	start := i
	i++
	array := i < len(p.src) && p.src[i] == '['
	if array {
		i++
	}
	parts, i := p.key(i)
	for i < len(p.src) && p.src[i] == ']' {
		i++
	}
	if len(parts) > maxParts {
		parts = parts[:maxParts]
	}
	var path []string
	for n, part := range parts {
		path = append(path, part)
		at := pathOf(path...)
		last := n == len(parts)-1
		if last && array {
			p.record(path, start)
			p.count[at]++
		}
		if c := p.count[at]; c > 0 {
			path = append(path, element(c-1))
		}
	}
	p.record(path, start)
	return path, i
}

func (p *positions) record(path []string, offset int) {
	if len(path) > maxParts {
		return
	}
	at := pathOf(path...)
	if _, ok := p.at[at]; !ok {
		p.at[at] = offset
	}
}

// keyValue reads key = value, in a table or an inline table, and gives the
// offset behind it.
func (p *positions) keyValue(i int, table []string) int {
	start := i
	parts, i := p.key(i)
	path := append(table[:len(table):len(table)], parts...)
	for n := len(table) + 1; n <= len(path) && n <= maxParts; n++ {
		p.record(path[:n], start) // a dotted key creates the tables on its way
	}
	i = p.blank(i)
	if i < len(p.src) && p.src[i] == '=' {
		i++
	}
	return p.value(p.blank(i), path)
}

// key reads a dotted key and gives its parts and the offset behind it.
func (p *positions) key(i int) ([]string, int) {
	var parts []string
	for i < len(p.src) {
		for i < len(p.src) && (p.src[i] == ' ' || p.src[i] == '\t') {
			i++
		}
		if i >= len(p.src) {
			break
		}
		start := i
		switch c := p.src[i]; {
		case c == '"' || c == '\'':
			i = p.quoted(i)
			parts = append(parts, unquoteKey(p.src[start:i]))
		case bare(c):
			for i < len(p.src) && bare(p.src[i]) {
				i++
			}
			parts = append(parts, p.src[start:i])
		case c == '.':
			i++
		default:
			return parts, i
		}
	}
	return parts, i
}

// bare says whether a byte belongs to a key without quotes. Bytes of other
// alphabets do in some versions of TOML.
func bare(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func unquoteKey(s string) string {
	if len(s) < 2 {
		return s
	}
	if s[0] == '"' && strings.Contains(s, `\`) {
		var v struct{ K string }
		if _, err := toml.Decode("K = "+s, &v); err == nil {
			return v.K
		}
	}
	return s[1 : len(s)-1]
}

// quoted gives the offset behind a string, of one line or of several.
func (p *positions) quoted(i int) int {
	q := p.src[i]
	triple := strings.Repeat(string(q), 3)
	if strings.HasPrefix(p.src[i:], triple) {
		for i += 3; i < len(p.src); i++ {
			if q == '"' && p.src[i] == '\\' {
				i++
				continue
			}
			if strings.HasPrefix(p.src[i:], triple) {
				i += 3
				// Up to two quotes may stand right before the closing three.
				for n := 0; n < 2 && i < len(p.src) && p.src[i] == q; n++ {
					i++
				}
				return i
			}
		}
		return len(p.src)
	}
	for i++; i < len(p.src) && p.src[i] != '\n'; i++ {
		if q == '"' && p.src[i] == '\\' {
			i++
			continue
		}
		if p.src[i] == q {
			return i + 1
		}
	}
	return min(i, len(p.src))
}

// value gives the offset behind a value and records the keys inside it.
func (p *positions) value(i int, path []string) int {
	if i >= len(p.src) {
		return i
	}
	switch p.src[i] {
	case '"', '\'':
		return p.quoted(i)
	case '[':
		i++
		for n := 0; ; n++ {
			i = p.separators(i)
			if i >= len(p.src) || p.src[i] == ']' {
				return min(i+1, len(p.src))
			}
			inner := append(path[:len(path):len(path)], element(n))
			p.record(inner, i)
			next := p.value(i, inner)
			if next <= i {
				next = i + 1
			}
			i = next
		}
	case '{':
		i++
		for {
			i = p.separators(i)
			if i >= len(p.src) || p.src[i] == '}' {
				return min(i+1, len(p.src))
			}
			next := p.keyValue(i, path)
			if next <= i {
				next = i + 1
			}
			i = next
		}
	}
	for i < len(p.src) && !strings.ContainsRune(",]}#\r\n", rune(p.src[i])) {
		i++
	}
	return i
}

// separators skips what stands between the elements of a list.
func (p *positions) separators(i int) int {
	for {
		i = p.blank(i)
		if i >= len(p.src) || p.src[i] != ',' {
			return i
		}
		i++
	}
}
