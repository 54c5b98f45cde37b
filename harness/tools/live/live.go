// Package live shows a run in a browser while it goes on: how far it is, where
// every cell stands and why, the numbers, samples, figures and training losses.
//
// Its principle is that anyone who looks must not disturb what is being measured. It
// reads only: the database is opened read-only for each look and closed again,
// because a reader that stays keeps SQLite's log from being folded into the
// file; nothing is looked at while nobody watches; what is costly is looked at
// only after something changed, and seldom while a timing runs. The page is
// plain HTML that works without a script. With one, the parts that changed
// arrive as server-sent events and are merged in place, so that focus and
// scrolling stay; and cells that are chosen in the table, of one experiment or of
// several, are drawn together: losses, quality and samples along training. What is
// sent of them is bounded and does not grow with the sweep. Nothing comes from anywhere but this server, and it answers
// only to names that cannot be another site's (see [Hosts]).
package live

import (
	"context"
	"net/http"
	"time"

	"prabench/harness/engine"
)

// Source is what the page shows.
type Source struct {
	Places  engine.Places
	Figures string // the folder of figures, one folder per experiment

	// Files are experiment files that are shown; without any, the experiments
	// in the database are. Load reads them again and gives their plan, not yet
	// inspected, and notes about it. It is called again when a file changed.
	Files []string
	Load  func(context.Context) (*engine.Plan, []string, error)

	// Cluster asks what a cluster does about what was sent to it; nil, or a nil
	// Queue, when nothing ever was.
	Cluster func(context.Context) (Queue, error)
}

// Queue is what a cluster does about stages that were sent to it.
type Queue interface {
	// Tell gives the state of a cell that waits for the stage, and why. Of a
	// cell's stages that with the highest rank says most about the cell.
	Tell(key string) (rank int, state, why string, sent bool)
}

// Server answers requests about one source.
type Server struct {
	watch *watcher
	shelf shelf
	mux   http.ServeMux
	hosts Hosts
	pace  time.Duration // between looks for a page that is open
}

// New makes a server. hosts are the names that it answers to.
func New(src Source, hosts Hosts) *Server {
	s := &Server{watch: newWatcher(src), hosts: hosts, pace: time.Second}
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /events", s.events)
	s.mux.HandleFunc("GET /chosen", s.chosen)
	s.mux.HandleFunc("GET /figures/{experiment}/{file}", s.figure)
	s.mux.HandleFunc("GET /samples/{file}", s.sampleGrid)
	s.mux.HandleFunc("GET /assets/{file...}", s.asset)
	return s
}

// ServeHTTP answers only reading requests to one of the server's names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if guard(w, r, s.hosts) {
		s.mux.ServeHTTP(w, r)
	}
}
