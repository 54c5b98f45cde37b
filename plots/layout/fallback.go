package layout

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	stdfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
)

// The embedded faces have Latin, Greek, Cyrillic and common signs. Other characters are
// drawn with the first of the system's fonts that has them, as outlines: these are the
// same in PNG, SVG and PDF, and no reader needs the font.

// glyph is a character of a font of the system.
type glyph struct {
	font  *sfnt.Font
	index sfnt.GlyphIndex
}

// systemFonts are the fonts of some folders, read when a character needs them.
type systemFonts struct {
	folders []string

	mu     sync.Mutex
	read   bool
	fonts  []*sfnt.Font
	glyphs map[rune]*glyph // nil where no font has the character
}

var system = &systemFonts{folders: fontFolders()}

// UseFonts takes other folders for the system's fonts, and gives back what undoes it.
// It is for tests: pictures in progress may have either.
func UseFonts(folders ...string) (undo func()) {
	before := system
	system = &systemFonts{folders: folders}
	return func() { system = before }
}

// fontFolders are where fontconfig and macOS look for fonts.
func fontFolders() []string {
	folders := []string{"/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts"}
	if home, err := os.UserHomeDir(); err == nil {
		data := os.Getenv("XDG_DATA_HOME")
		if data == "" {
			data = filepath.Join(home, ".local", "share")
		}
		folders = append(folders, filepath.Join(data, "fonts"), filepath.Join(home, ".fonts"), filepath.Join(home, "Library", "Fonts"))
	}
	return folders
}

// find gives a character's glyph, nil where no font has it or only as a picture in
// colours.
func (s *systemFonts) find(r rune) *glyph {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, known := s.glyphs[r]; known {
		return g
	}
	if !s.read {
		s.read, s.glyphs = true, map[rune]*glyph{}
		s.load()
	}
	s.glyphs[r] = nil
	for _, f := range s.fonts {
		i, err := f.GlyphIndex(nil, r)
		if err != nil || i == 0 {
			continue
		}
		if g := (&glyph{f, i}); len(g.outline()) > 0 {
			s.glyphs[r] = g
			break
		}
	}
	return s.glyphs[r]
}

// load finds the font files, plain upright sans faces first, then by their names.
func (s *systemFonts) load() {
	const most = 3000
	var files []string
	for _, folder := range s.folders {
		// A folder that is missing or cannot be read has no fonts.
		_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch strings.ToLower(filepath.Ext(path)) {
			case ".ttf", ".otf", ".ttc", ".otc":
				if err == nil && !d.IsDir() && len(files) < most {
					files = append(files, path)
				}
			}
			return nil
		})
	}
	slices.SortStableFunc(files, func(a, b string) int {
		if x, y := oddity(a), oddity(b); x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	for _, path := range files {
		// What cannot be read as a font has no characters.
		if all, err := sfnt.ParseCollectionReaderAt(fontFile(path)); err == nil && all.NumFonts() > 0 {
			if f, err := all.Font(0); err == nil {
				s.fonts = append(s.fonts, f)
			}
		}
	}
}

// oddity is how far a face is from a plain sans one, by its name.
func oddity(path string) (n int) {
	name := strings.ToLower(filepath.Base(path))
	for _, word := range []string{"bold", "black", "italic", "oblique", "light", "thin", "mono", "serif", "condensed", "emoji", "math"} {
		if strings.Contains(name, word) {
			n++
		}
	}
	return n
}

// fontFile reads a file piece by piece and holds it open for none: a system has
// hundreds of fonts.
type fontFile string

func (f fontFile) ReadAt(b []byte, at int64) (int, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return file.ReadAt(b, at)
}

// em is a font's own unit, in which no coordinate is rounded.
func (g *glyph) em() fixed.Int26_6 { return fixed.Int26_6(g.font.UnitsPerEm()) << 6 }

func (g *glyph) outline() sfnt.Segments {
	segments, err := g.font.LoadGlyph(nil, g.index, g.em(), nil)
	if err != nil {
		return nil
	}
	return segments
}

// width is that of the character in a size.
func (g *glyph) width(size vg.Length) vg.Length {
	w, err := g.font.GlyphAdvance(nil, g.index, g.em(), stdfont.HintingNone)
	if err != nil {
		return size
	}
	return size * vg.Length(w) / vg.Length(g.em())
}

// path is the outline in a size, from a point on the baseline.
func (g *glyph) path(size, x, y vg.Length) (p vg.Path) {
	scale := size / vg.Length(g.em())
	at := func(q fixed.Point26_6) vg.Point {
		return vg.Point{X: x + vg.Length(q.X)*scale, Y: y - vg.Length(q.Y)*scale}
	}
	for _, s := range g.outline() {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if len(p) > 0 {
				p.Close()
			}
			p.Move(at(s.Args[0]))
		case sfnt.SegmentOpLineTo:
			p.Line(at(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			p.QuadTo(at(s.Args[0]), at(s.Args[1]))
		case sfnt.SegmentOpCubeTo:
			p.CubeTo(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
		}
	}
	p.Close()
	return p
}

// part is a piece of a text: characters of the embedded faces, or one of the system's.
type part struct {
	text  string
	glyph *glyph
}

// parts splits a legible text by the fonts that have its characters.
func parts(s string) (out []part) {
	from := 0
	for i, r := range s {
		if r < 0x7f || !lacks(r) {
			continue
		}
		if i > from {
			out = append(out, part{text: s[from:i]})
		}
		out = append(out, part{text: string(r), glyph: system.find(r)})
		from = i + len(string(r))
	}
	if from < len(s) {
		out = append(out, part{text: s[from:]})
	}
	return out
}

// write sets a legible text from a point on the baseline.
func (p *Painter) write(pn Pen, x, y vg.Length, s string) {
	p.c.SetColor(pn.Color)
	f := pn.face()
	for _, part := range parts(s) {
		if part.glyph == nil {
			p.c.FillString(f, vg.Point{X: x, Y: y}, part.text)
			x += f.Width(part.text)
			continue
		}
		outline := part.glyph.path(pn.Size, x, y)
		p.c.Fill(outline)
		if pn.Bold {
			p.c.SetLineWidth(pn.Size * 0.03)
			p.c.Stroke(outline)
		}
		x += part.glyph.width(pn.Size)
	}
}
