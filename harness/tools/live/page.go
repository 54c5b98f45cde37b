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
	"net/url"
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
// than the server loads itself anew.
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

// elapsed writes how long something runs in whole seconds: it is shown anew
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

// question is what a reader chose to see of the cells.
type question struct {
	State, Experiment string
	Page              int // from 1
}

const cellsOnPage = 100

func questionOf(v url.Values) question {
	page, _ := strconv.Atoi(v.Get("page"))
	return question{v.Get("state"), v.Get("experiment"), max(1, page)}
}

// with is the address of the same question with another state, experiment or
// page.
func (q question) address() string {
	v := url.Values{}
	if q.State != "" {
		v.Set("state", q.State)
	}
	if q.Experiment != "" {
		v.Set("experiment", q.Experiment)
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	return "/?" + v.Encode() + "#cells"
}

// pageData is what templates see.
type pageData struct {
	*view
	Ask     question
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

// choice is a link that restricts the cells, or lifts that.
type choice struct {
	State   string // "" stands for all
	Text    string
	Cells   int
	Chosen  bool
	Address string
}

// States are the links to cells of one state.
func (d pageData) States() []choice {
	all := choice{Text: "all", Cells: len(d.Cells), Chosen: d.Ask.State == "", Address: question{Experiment: d.Ask.Experiment}.address()}
	out := []choice{all}
	for _, c := range d.Counts {
		out = append(out, choice{c.State, c.State, c.Cells, d.Ask.State == c.State,
			question{State: c.State, Experiment: d.Ask.Experiment}.address()})
	}
	return out
}

// ByExperiment are the links to cells of one experiment.
func (d pageData) ByExperiment() []choice {
	if !d.Several() {
		return nil
	}
	out := []choice{{Text: "all experiments", Chosen: d.Ask.Experiment == "", Address: question{State: d.Ask.State}.address()}}
	for _, e := range d.Experiments {
		out = append(out, choice{Text: e.Name, Chosen: d.Ask.Experiment == e.Name,
			Address: question{State: d.Ask.State, Experiment: e.Name}.address()})
	}
	return out
}

// cellPage is the cells that are shown.
type cellPage struct {
	Cells           []cell
	First, Last, Of int    // which these are of all that were chosen, from 1
	Before, After   string // addresses of the neighbouring pages, or ""
}

// Shown are the chosen cells, those that need attention first.
func (d pageData) Shown() cellPage {
	var chosen []cell
	for _, c := range d.Cells {
		if (d.Ask.State == "" || c.State == d.Ask.State) && (d.Ask.Experiment == "" || c.Experiment == d.Ask.Experiment) {
			chosen = append(chosen, c)
		}
	}
	sortByAttention(chosen)
	pages := max(1, (len(chosen)+cellsOnPage-1)/cellsOnPage)
	at := min(d.Ask.Page, pages)
	first := (at - 1) * cellsOnPage
	p := cellPage{Cells: chosen[first:min(len(chosen), first+cellsOnPage)], First: first + 1, Of: len(chosen)}
	p.Last = first + len(p.Cells)
	other := d.Ask
	if at > 1 {
		other.Page = at - 1
		p.Before = other.address()
	}
	if at < pages {
		other.Page = at + 1
		p.After = other.address()
	}
	return p
}

// part is a piece of the page that is replaced when it changes.
type part struct {
	ID   string        `json:"id"`
	HTML template.HTML `json:"html"`
}

// partNames are the pieces of the page in their order, each with a template of
// its name. The first is the window's title.
var partNames = []string{"title", "heading", "summary", "problems", "progress", "running", "numbers", "samples", "figures", "cells"}

// parts renders every piece of the page.
func parts(v *view, q question) ([]part, error) {
	d := pageData{view: v, Ask: q, Version: version}
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
	ps, err := parts(v, q)
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
