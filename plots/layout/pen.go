package layout

import (
	"image/color"
	"slices"
	"strings"
	"sync"
	"unicode"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// Pen is a way to write text. Lengths are in points throughout.
type Pen struct {
	Size  vg.Length
	Bold  bool
	Color color.RGBA
	serif bool // set by the painter: measured is the sans face, which is wider
}

// The pens of the parts of a figure; those of ticks are for callers too.
var (
	titlePen   = Pen{Size: 11.5, Bold: true, Color: Black}
	headPen    = Pen{Size: 9.5, Bold: true, Color: Black}
	labelPen   = Pen{Size: 10, Bold: false, Color: Black}
	TickPen    = Pen{Size: 9, Bold: false, Color: Black}
	legendPen  = Pen{Size: 9, Bold: false, Color: Black}
	legendHead = Pen{Size: 9, Bold: true, Color: Black}
	notePen    = Pen{Size: 8, Bold: false, Color: Dark}
	sourcePen  = Pen{Size: 7, Bold: false, Color: Grey}
)

var fonts = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

func (p Pen) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if p.serif {
		f.Variant = "Serif"
	}
	if p.Bold {
		f.Weight = stdfont.WeightBold
	}
	return fonts().Lookup(f, p.Size)
}

// Width is the advance width of s.
func (p Pen) Width(s string) vg.Length {
	f := p.face()
	w := vg.Length(0)
	for _, part := range parts(legible(s)) {
		if part.glyph != nil {
			w += part.glyph.width(p.Size)
		} else {
			w += f.Width(part.text)
		}
	}
	return w
}

// line is the distance from baseline to baseline.
func (p Pen) line() vg.Length { return p.Size * 1.22 }

// Capital is the height of a capital.
func (p Pen) Capital() vg.Length { return p.Size * 0.72 }

// Descent is the depth of a descender below the baseline.
func (p Pen) Descent() vg.Length { return p.Size * 0.22 }

// Height of n lines, from the top of the capitals to the lowest descender.
func (p Pen) Height(n int) vg.Length {
	if n == 0 {
		return 0
	}
	return vg.Length(n-1)*p.line() + p.Capital() + p.Descent()
}

// Wrap breaks s into lines no wider than width: at spaces, inside a word only
// when the word alone is too wide (after punctuation if there is any).
func (p Pen) Wrap(s string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range Words(legible(s)) {
		if line != "" && p.Width(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for p.Width(word) > width {
			cut := p.cut(word, width)
			if cut >= len(word) {
				break
			}
			lines = append(lines, word[:cut])
			word = word[cut:]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Words are those of s; a dot between parts stays with the word before it.
func Words(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		if w == "·" && len(out) > 0 {
			out[len(out)-1] += " ·"
			continue
		}
		out = append(out, w)
	}
	return out
}

// balance is wrap with lines of about one length: no word stands alone in the
// last one.
func (p Pen) balance(s string, width vg.Length) []string {
	lines := p.Wrap(s, width)
	for w := width * 0.95; w > width/2; w *= 0.95 {
		narrower := p.Wrap(s, w)
		if len(narrower) > len(lines) {
			break
		}
		lines = narrower
	}
	return lines
}

// cut is where to break a word that is too wide, at least one character in.
func (p Pen) cut(word string, width vg.Length) int {
	fit, soft := 0, 0
	for i, r := range word {
		end := i + len(string(r))
		if p.Width(word[:end]) > width {
			break
		}
		fit = end
		if unicode.IsPunct(r) || r == '=' || r == '+' {
			soft = end
		}
	}
	switch {
	case soft > 0:
		return soft
	case fit > 0:
		return fit
	}
	for i := range word {
		if i > 0 {
			return i
		}
	}
	return len(word)
}

// Short cuts s with an ellipsis so that it is no wider than width.
func (p Pen) Short(s string, width vg.Length) string {
	s = legible(s)
	if p.Width(s) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 1 && p.Width(string(r)+"…") > width {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ") + "…"
}

// Elide is Wrap, with at most n lines.
func (p Pen) Elide(s string, width vg.Length, n int) []string {
	lines := p.Wrap(s, width)
	if len(lines) > n {
		lines[n-1] = p.Short(lines[n-1]+" "+strings.Join(lines[n:], " "), width)
		lines = lines[:n]
	}
	return lines
}

// missing stands for a character that no font has.
const missing = '□'

// legible drops what is not printable and replaces characters that no font has, so
// that the three formats show the same text.
func legible(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] >= ' ' && s[i] < 0x7f
	}
	if ascii {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u00a0' || r == '\u202f':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		if lacks(r) && system.find(r) == nil {
			return missing
		}
		return r
	}, s)
}

// lacks says that the embedded faces have no such character.
func lacks(r rune) bool {
	f := Pen{}.face()
	i, err := f.Face.GlyphIndex(nil, r)
	return err != nil || i == 0 || r > 0xFFFF
}

// Missing are the characters of texts that neither the embedded faces nor the system's
// fonts have, each once, in the order in which they come: figures have a box in their
// place.
func Missing(texts ...string) (runes []rune) {
	for _, text := range texts {
		for _, r := range text {
			if r > 0x7e && !unicode.IsSpace(r) && lacks(r) && system.find(r) == nil && !slices.Contains(runes, r) {
				runes = append(runes, r)
			}
		}
	}
	return runes
}
