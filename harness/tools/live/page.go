package live

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"prabench/harness/progress"
	"prabench/internal/page"
)

//go:embed assets
var assetFiles embed.FS

// version is the hash of everything the page is made of: a page that is older
// than the server loads itself again.
var version = func() string {
	h := sha256.New()
	_ = fs.WalkDir(assetFiles, "assets", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := assetFiles.ReadFile(p)
			fmt.Fprintf(h, "%s %d\n%s", p, len(raw), raw)
		}
		return err
	})
	for _, raw := range []string{page.CSS, page.Icon} {
		fmt.Fprintf(h, "%d\n%s", len(raw), raw)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}()

// templates is made when the first page is written: most processes write none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"short":    progress.Short,
		"clock":    func(t time.Time) string { return t.Format("15:04") },
		"stamp":    func(t time.Time) string { return t.Format("2006-01-02 15:04:05") },
		"elapsed":  elapsed,
		"class":    func(state string) string { return "s-" + strings.ReplaceAll(state, " ", "-") },
		"addf":     func(a, b float64) float64 { return a + b },
		"share":    share,
		"unixnano": func(t time.Time) int64 { return t.UnixNano() },
	}).ParseFS(assetFiles, "assets/*.html"))
})

// elapsed writes how long something runs in whole seconds: it is shown again
// every second.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return progress.Short(d)
}

// share is a part of a whole in percent, for the width of a bar.
func share(part, whole float64) string {
	if whole <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*part/whole, 'f', 2, 64)
}

// pageData is what templates see.
type pageData struct {
	*view
	Ask     question
	Shown   table // of cells
	Version string
	Parts   []part // of the whole page
}

// Title is the window's title.
func (d pageData) Title() string {
	if d.Empty {
		return "prabench"
	}
	return fmt.Sprintf("%d %% · %s", d.Progress.Percent(), d.Heading())
}

// Heading names what is shown.
func (d pageData) Heading() string {
	switch len(d.Experiments) {
	case 0:
		return "prabench"
	case 1:
		return d.Experiments[0].Name
	}
	return fmt.Sprintf("%d experiments", len(d.Experiments))
}

// Several says that cells need their experiment's name.
func (d pageData) Several() bool { return len(d.Experiments) > 1 }

// HasNumbers says whether any experiment has a value.
func (d pageData) HasNumbers() bool {
	for _, e := range d.Experiments {
		if e.HasNumbers() || len(e.Notes) > 0 {
			return true
		}
	}
	return false
}

// HasNumbers says whether the experiment has a value.
func (e experiment) HasNumbers() bool { return len(e.Numbers.Columns) > 0 || e.Numbers.Outcomes }

// part is a piece of the page that is replaced when it changes.
type part struct {
	ID   string        `json:"id"`
	HTML template.HTML `json:"html"`
}

// partNames are the pieces of the page in their order, each with a template of
// its name. The first is the window's title.
var partNames = []string{"title", "heading", "summary", "problems", "progress", "running", "cells", "numbers", "samples", "figures"}

// parts renders every piece of the page.
func parts(v *view, q question, shown table) ([]part, error) {
	d := pageData{view: v, Ask: q, Shown: shown, Version: version}
	var out []part
	for _, name := range partNames {
		var b bytes.Buffer
		if err := templates().ExecuteTemplate(&b, name, d); err != nil {
			return nil, err
		}
		out = append(out, part{name, template.HTML(strings.TrimSpace(b.String()))})
	}
	return out, nil
}

// page answers with the whole page.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	v, q := s.watch.look(r.Context()), questionOf(r.URL.Query())
	ps, err := parts(v, q, s.watch.table(r.Context(), v, q))
	var b bytes.Buffer
	if err == nil {
		err = templates().ExecuteTemplate(&b, "page", pageData{view: v, Ask: q, Version: version, Parts: ps[1:]})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

// asset answers with a file that the page is made of.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".svg": "image/svg+xml"}[path.Ext(name)]
	raw, err := assetFiles.ReadFile("assets/" + name)
	switch name {
	case "page.css":
		raw, err = []byte(page.CSS), nil
	case "icon.svg":
		raw, err = []byte(page.Icon), nil
	}
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	if r.URL.Query().Get("v") == version {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	w.Write(raw)
}
