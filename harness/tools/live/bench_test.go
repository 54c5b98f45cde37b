package live

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/results/resultstest"
)

// BenchmarkServe is the page of a database of 100, 1,000 and 10,000 finished cells
// with twenty values each, in processor time: the first load of a server, a look a
// minute later when nothing has changed, and one after something has. Each look
// answers everybody who has the page open.
//
//	go test ./harness/tools/live -run '^$' -bench Serve -benchtime 3x
func BenchmarkServe(b *testing.B) {
	names := []string{"first", "same", "changed"}
	for _, cells := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("cells=%d", cells), func(b *testing.B) {
			db := resultstest.Large(b, 1, cells)
			src := Source{Places: engine.Places{DB: db, Artifacts: filepath.Join(b.TempDir(), "artifacts")}, Figures: b.TempDir()}
			spent := map[string]time.Duration{}
			for b.Loop() {
				s := New(src, Hosts{})
				later := time.Duration(0)
				s.watch.now = func() time.Time { return time.Now().Add(later) }
				for _, name := range names {
					if name == "changed" {
						s.watch.seen = "of something else"
					}
					begin := processorTime(b)
					get(b, s)
					spent[name] += processorTime(b) - begin
					later += 2 * time.Minute
				}
			}
			for _, name := range names {
				b.ReportMetric(1e3*spent[name].Seconds()/float64(b.N), "cpu-ms-"+name)
			}
		})
	}
}

// processorTime is what this process has used.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// get is the bytes of the page.
func get(tb testing.TB, s *Server) int {
	tb.Helper()
	r := httptest.NewRequestWithContext(context.Background(), "GET", "http://localhost/", nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.Len() == 0 {
		tb.Fatalf("status %d, %d bytes: %s", w.Code, w.Body.Len(), w.Body.String())
	}
	return w.Body.Len()
}
