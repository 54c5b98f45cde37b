package live

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"prabench/harness/engine"
)

// answered asks a server of the sweep for a table.
func answered(t *testing.T, s *Server, query string) table {
	t.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return s.watch.table(t.Context(), s.watch.look(t.Context()), questionOf(q))
}

// Many cells come in pages, those that need attention first.
func TestPagesOfCells(t *testing.T) {
	w := newWatcher(place(t))
	v := &view{base: &base{}}
	for i := range 250 {
		c := cell{CellStatus: engine.CellStatus{Label: fmt.Sprint("cell ", i), State: done}}
		if i == 200 {
			c.State = failed
		}
		v.Cells = append(v.Cells, c)
	}
	for _, c := range []struct {
		page, rows    int
		first         string
		before, after bool
	}{{1, 100, "cell 200", false, true}, {2, 100, "cell 99", true, true}, {3, 50, "cell 199", true, false}, {9, 50, "cell 199", true, false}} {
		p := w.table(t.Context(), v, question{Page: c.page})
		if len(p.Rows) != c.rows || p.Rows[0].Label != c.first || (p.Before != "") != c.before || (p.After != "") != c.after {
			t.Errorf("page %d: %d cells from %s, before %q, after %q", c.page, len(p.Rows), p.Rows[0].Label, p.Before, p.After)
		}
	}
	if v.Cells[0].Label != "cell 0" {
		t.Error("looking has reordered the view")
	}
}

// The table is filtered by keys and by words, and a mistake is reported with what to do.
func TestFilterOfCells(t *testing.T) {
	src := place(t)
	sweep(t, src)
	s := New(src, Hosts{})
	for _, c := range []struct {
		filter  string
		cells   int
		mistake string
	}{
		{"", 300, ""},
		{"train.rollout_depth=3", 12, ""},
		{"rollout_depth=3,seed=2", 4, ""},
		{"patch=2,patch=3", 60, ""},
		{"patch=2,width=80", 3, ""},
		{"patch=99", 0, ""},
		{"PATCHES", 180, ""},
		{"along until=500", 30, ""},
		{"patch=2 width=80", 3, ""},
		{"patch=2 width=80, seed 2", 1, ""},
		{"along,until=500", 30, ""},
		{"depth=3", 12, ""}, // as names said before
		{"depth=3 until=500, seed 1", 1, ""},
		{"depht=1", 300, "unknown key"},
		{"pach=2", 300, "did you mean"},
		{"=2", 300, "no key before the ="},
		{"width=8 ,  seed = 1", 6, ""},
		{"width=8.0,width=80,seed=1", 12, ""},
		{"sweeps=4", 300, "unknown key"},
		{"until=500,until=250,rollout_depth=3", 6, ""},
		{"nowhere", 0, ""},
	} {
		got := answered(t, s, "filter="+url.QueryEscape(c.filter))
		if c.mistake != "" {
			if !strings.Contains(got.Mistake, c.mistake) || got.Of != 300 {
				t.Errorf("%q: %d cells, %q, want all of them and %q", c.filter, got.Of, got.Mistake, c.mistake)
			}
			continue
		}
		if got.Of != c.cells || got.Mistake != "" {
			t.Errorf("%q: %d cells, want %d; %s", c.filter, got.Of, c.cells, got.Mistake)
		}
	}
	page := pageOf(t, s, "/?filter=pach%3D2&sort=cell")
	wants(t, page, `role="alert">pach: unknown key`, `value="pach=2"`, `name="sort" value="cell"`)
}

// Sorted by a metric, cells come in its order over all pages, those without a
// value last; the same heading leads to the other order.
func TestSortOfCells(t *testing.T) {
	src := place(t)
	sweep(t, src)
	// A cell without values: its experiment was planned and not run.
	p := plan("waiting", "patch=7")
	fill(t, src, p)
	s := New(src, Hosts{})
	order := func(query string, row func(tableRow) string) (out []string) {
		for page := 1; ; page++ {
			got := answered(t, s, fmt.Sprintf("%s&page=%d", query, page))
			for _, r := range got.Rows {
				out = append(out, row(r))
			}
			if got.After == "" {
				return out
			}
		}
	}
	pick := func(r tableRow) string { return r.Pick() }
	type scored struct {
		pick  string
		score float64
	}
	var want []scored
	for setting := range 10 {
		for seed := 1; seed <= 3; seed++ {
			for _, step := range steps {
				want = append(want, scored{fmt.Sprintf("along/a%d-%d-%d", setting, seed, step), scoreAt(setting, seed, step)})
			}
		}
	}
	for setting := range 60 {
		for seed := 1; seed <= 3; seed++ {
			want = append(want, scored{fmt.Sprintf("patches/p%d-%d", setting, seed), scoreAt(setting, seed, 1000)})
		}
	}
	score := map[string]float64{}
	for _, w := range want {
		score[w.pick] = w.score
	}
	slices.SortFunc(want, func(a, b scored) int {
		return map[bool]int{true: -1, false: 1}[a.score < b.score]
	})
	up, down := order("sort=fid_proxy", pick), order("sort=-fid_proxy", pick)
	if len(up) != 302 || len(down) != 302 {
		t.Fatalf("%d and %d cells, want 302", len(up), len(down))
	}
	for i, w := range want {
		if score[up[i]] != w.score || score[down[299-i]] != w.score {
			t.Fatalf("place %d: %s and %s, want the score %g", i, up[i], down[299-i], w.score)
		}
	}
	for _, list := range [][]string{up, down} {
		if list[300] != "waiting/a" || list[301] != "waiting/b" {
			t.Errorf("last come %v, want those without a value", list[300:])
		}
	}
	if seeds := order("sort=-seed&filter=patches", func(r tableRow) string { return fmt.Sprint(r.Seed) }); seeds[0] != "3" ||
		seeds[179] != "1" {
		t.Errorf("seeds from %s to %s", seeds[0], seeds[179])
	}
	first := answered(t, s, "sort=-cell").Rows[0]
	if first.Pick() != "waiting/b" {
		t.Errorf("the last cell of the plans is %s", first.Pick())
	}

	// fid_proxy is better when it is lower, recall when it is higher: their best end
	// comes first.
	page := html.UnescapeString(pageOf(t, s, "/?sort=fid_proxy"))
	wants(t, page, `aria-sort="ascending"`, `href="/?sort=-fid_proxy#cells"`, "±0.40")
	if regexp.MustCompile(`sort=recall`).MatchString(page) && !strings.Contains(page, "sort=-recall#") {
		t.Error("recall is sorted from its worse end")
	}
}

// What is asked of the table costs one read of the database for each of its states.
func TestValuesAreReadOnce(t *testing.T) {
	src := place(t)
	sweep(t, src)
	s := New(src, Hosts{})
	first := answered(t, s, "sort=fid_proxy")
	if first.Rows[0].Values[0].Value == "" {
		t.Fatal("no values")
	}
	v := s.watch.look(t.Context())
	if a, _ := choose(t, s, "", "along/a1-1-250"); len(a.Stops) != 1 {
		t.Fatalf("%+v", a)
	}
	remove(t, src.Places.DB) // anyone who reads it now fails
	again := s.watch.table(t.Context(), v, question{Sort: "fid_proxy", Page: 1})
	if again.Mistake != "" || again.Rows[0].Values[0] != first.Rows[0].Values[0] {
		t.Errorf("again: %q, %v", again.Mistake, again.Rows[0].Values)
	}
	if a, _ := choose(t, s, "", "along/a1-1-500"); len(a.Stops) != 1 {
		t.Errorf("the stops of the same training are read again: %v", a.Notes)
	}
	if a, _ := choose(t, s, "", "along/a2-1-250"); !strings.Contains(strings.Join(a.Notes, " "), "Values cannot be read") {
		t.Errorf("another training of a lost database: %v", a.Notes)
	}
	other := s.watch.table(t.Context(), v, question{Sort: "fid_proxy", Page: 2})
	if !strings.Contains(other.Mistake, "Values cannot be read") {
		t.Errorf("the second page of a lost database says %q", other.Mistake)
	}
}
