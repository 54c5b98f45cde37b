package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// events sends the parts of the page that have changed, as server-sent events,
// until the page is closed. The first time it sends all of them: the page may
// be older than the connection.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	q := questionOf(r.URL.Query())
	if _, err := fmt.Fprintf(w, "retry: 2000\nevent: version\ndata: %s\n\n", version); err != nil {
		return
	}
	sent := map[string]part{}
	tick := time.NewTicker(s.pace)
	defer tick.Stop()
	for quiet := 0; ; quiet++ {
		v := s.watch.look(r.Context())
		ps, err := parts(v, q, s.watch.table(r.Context(), v, q))
		if r.Context().Err() != nil {
			return
		}
		if err != nil {
			return // a template is wrong: the page says so when it is loaded
		}
		for _, p := range ps {
			if sent[p.ID] == p {
				continue
			}
			sent[p.ID] = p
			raw, err := json.Marshal(p)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "event: part\ndata: %s\n\n", raw); err != nil {
				return
			}
			quiet = 0
		}
		if quiet%10 == 9 { // a word now and then, so that a lost connection is noticed
			if _, err := fmt.Fprint(w, "event: quiet\ndata:\n\n"); err != nil {
				return
			}
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
