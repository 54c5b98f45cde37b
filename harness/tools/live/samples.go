package live

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/work"
)

// shownSamples is how many sample grids the page has: the latest.
const shownSamples = 12

// sample is the grid of images that a cell's model drew, one row per class.
type sample struct {
	Key, Label string
	Made       time.Time
}

// address is where the grid is served; it changes when the grid does.
func (s sample) address() string {
	return fmt.Sprintf("/samples/%s.png?made=%d", s.Key, s.Made.UnixNano())
}

// findSamples looks which drawn images are in the store.
func (b *base) findSamples(store artifact.Store) {
	b.sampleOf = map[string]int{}
	for _, s := range b.drawn() {
		info, err := os.Stat(store.Dir(s.ref()) + "/" + work.GridFile)
		if err == nil && info.Mode().IsRegular() {
			b.samples = append(b.samples, sample{s.key, s.label, info.ModTime()})
			b.sampleOf[s.key] = len(b.samples) - 1
		}
	}
}

// latest are the samples made last, in the order of the plan, and how many
// others there are.
func latest(all []sample) ([]sample, int) {
	if len(all) <= shownSamples {
		return all, 0
	}
	byAge := slices.Clone(all)
	slices.SortStableFunc(byAge, func(a, b sample) int { return b.Made.Compare(a.Made) })
	oldest := byAge[shownSamples-1].Made
	var out []sample
	for _, s := range all {
		if !s.Made.Before(oldest) && len(out) < shownSamples {
			out = append(out, s)
		}
	}
	return out, len(all) - len(out)
}

// sampleGrid serves a grid that the page shows; no other name is a file's.
func (s *Server) sampleGrid(w http.ResponseWriter, r *http.Request) {
	key, ok := strings.CutSuffix(r.PathValue("file"), ".png")
	if _, shown := s.watch.look(r.Context()).base.sampleOf[key]; !ok || !shown {
		http.NotFound(w, r)
		return
	}
	store := s.watch.src.Places.Store()
	f, err := os.Open(store.Dir(work.Sample.Ref(key)) + "/" + work.GridFile)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	serveFile(w, r, f, ".png")
}

// serveFile answers with a file of a known kind. The browser may keep it: the
// page asks for another address when the file has changed.
func serveFile(w http.ResponseWriter, r *http.Request, f *os.File, extension string) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentTypes[extension])
	w.Header().Set("Cache-Control", "private, max-age=3600")
	http.ServeContent(w, r, "", info.ModTime(), io.NewSectionReader(f, 0, info.Size()))
}
