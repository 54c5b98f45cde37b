package plots

import (
	"image/color"
	"strings"
	"sync"
	"unicode"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// pen is a way to write text. Lengths are in points throughout.
type pen struct {
	size  vg.Length
	bold  bool
	color color.RGBA
}

var (
	titlePen   = pen{11.5, true, black}
	headPen    = pen{9.5, true, black}
	labelPen   = pen{10, false, black}
	tickPen    = pen{9, false, black}
	legendPen  = pen{9, false, black}
	legendHead = pen{9, true, black}
	notePen    = pen{8, false, dark}
	sourcePen  = pen{7, false, grey}
)

var fonts = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

func (p pen) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if p.bold {
		f.Weight = stdfont.WeightBold
	}
	return fonts().Lookup(f, p.size)
}

// width is the advance width of s.
func (p pen) width(s string) vg.Length {
	f := p.face()
	return f.Width(legible(s))
}

func (p pen) line() vg.Length    { return p.size * 1.22 } // from baseline to baseline
func (p pen) capital() vg.Length { return p.size * 0.72 } // height of a capital
func (p pen) descent() vg.Length { return p.size * 0.22 }

// height of n lines, from the top of the capitals to the lowest descender.
func (p pen) height(n int) vg.Length {
	if n == 0 {
		return 0
	}
	return vg.Length(n-1)*p.line() + p.capital() + p.descent()
}

// wrap breaks s into lines no wider than width: at spaces, inside a word only
// when the word alone is too wide (after punctuation if there is any).
func (p pen) wrap(s string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range words(legible(s)) {
		if line != "" && p.width(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for p.width(word) > width {
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

// words are those of s; a dot between parts stays with the word before it.
func words(s string) []string {
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
func (p pen) balance(s string, width vg.Length) []string {
	lines := p.wrap(s, width)
	for w := width * 0.95; w > width/2; w *= 0.95 {
		narrower := p.wrap(s, w)
		if len(narrower) > len(lines) {
			break
		}
		lines = narrower
	}
	return lines
}

// cut is where to break a word that is too wide, at least one character in.
func (p pen) cut(word string, width vg.Length) int {
	fit, soft := 0, 0
	for i, r := range word {
		end := i + len(string(r))
		if p.width(word[:end]) > width {
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

// short cuts s with an ellipsis so that it is no wider than width.
func (p pen) short(s string, width vg.Length) string {
	s = legible(s)
	if p.width(s) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 1 && p.width(string(r)+"…") > width {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ") + "…"
}

// elide is wrap, with at most n lines.
func (p pen) elide(s string, width vg.Length, n int) []string {
	lines := p.wrap(s, width)
	if len(lines) > n {
		lines[n-1] = p.short(lines[n-1]+" "+strings.Join(lines[n:], " "), width)
		lines = lines[:n]
	}
	return lines
}

// legible drops what is not printable and replaces characters that the font
// lacks, so that the three formats show the same text.
func legible(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] >= ' ' && s[i] < 0x7f
	}
	if ascii {
		return s
	}
	f := pen{}.face()
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u00a0' || r == '\u202f':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		if i, err := f.Face.GlyphIndex(nil, r); err != nil || i == 0 || r > 0xFFFF {
			return '?'
		}
		return r
	}, s)
}
