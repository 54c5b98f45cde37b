package live

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// contentTypes are the kinds of files that are served, by extension.
var contentTypes = map[string]string{
	".png": "image/png",
	".svg": "image/svg+xml",
	".pdf": "application/pdf",
	".md":  "text/plain; charset=utf-8",
	".tex": "text/plain; charset=utf-8",
}

// figureFolder is the figures of one experiment.
type figureFolder struct {
	Experiment string
	Pictures   []figure // with a PNG
	Texts      []figure // tables
}

// figure is one figure in all its formats.
type figure struct {
	Name  string
	Image string // address of the PNG, or ""
	Files []figureFile
	Drawn time.Time
}

type figureFile struct {
	Format, URL string // png, svg, …
}

// findFigures lists the figures of experiments in the order in which they were
// drawn, which is that of the experiment file.
func findFigures(root string, experiments []string) []figureFolder {
	var out []figureFolder
	for _, e := range experiments {
		if e == "" || path.Base(e) != e || strings.HasPrefix(e, ".") {
			continue
		}
		entries, err := os.ReadDir(root + "/" + e)
		if err != nil {
			continue
		}
		by := map[string]*figure{}
		for _, entry := range entries {
			extension := path.Ext(entry.Name())
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() || contentTypes[extension] == "" || strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			name := strings.TrimSuffix(entry.Name(), extension)
			f := by[name]
			if f == nil {
				f = &figure{Name: name, Drawn: info.ModTime()}
				by[name] = f
			}
			if info.ModTime().After(f.Drawn) {
				f.Drawn = info.ModTime()
			}
			// The time makes it another address when the figure is drawn again.
			address := "/figures/" + url.PathEscape(e) + "/" + url.PathEscape(entry.Name()) + "?drawn=" +
				info.ModTime().UTC().Format("20060102T150405.000")
			if extension == ".png" {
				f.Image = address
			}
			f.Files = append(f.Files, figureFile{extension[1:], address})
		}
		folder := figureFolder{Experiment: e}
		for _, f := range by {
			if f.Image != "" {
				folder.Pictures = append(folder.Pictures, *f)
			} else {
				folder.Texts = append(folder.Texts, *f)
			}
		}
		for _, list := range [][]figure{folder.Pictures, folder.Texts} {
			slices.SortFunc(list, func(a, b figure) int {
				if c := a.Drawn.Compare(b.Drawn); c != 0 {
					return c
				}
				return strings.Compare(a.Name, b.Name)
			})
		}
		if len(by) > 0 {
			out = append(out, folder)
		}
	}
	return out
}

// figure serves a file from an experiment's folder of figures. The folder is
// opened as a root that no name and no link leads out of.
func (s *Server) figure(w http.ResponseWriter, r *http.Request) {
	experiment, file := r.PathValue("experiment"), r.PathValue("file")
	extension := path.Ext(file)
	if contentTypes[extension] == "" || strings.HasPrefix(experiment, ".") || strings.HasPrefix(file, ".") ||
		path.Base(experiment) != experiment || path.Base(file) != file {
		http.NotFound(w, r)
		return
	}
	root, err := os.OpenRoot(s.watch.src.Figures)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	f, err := root.OpenFile(experiment+"/"+file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe must not hold us
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	if extension == ".svg" {
		// A picture looked at by itself is a document, which could have scripts.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	serveFile(w, r, f, extension)
}
