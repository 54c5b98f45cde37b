package live

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"prabench/experiments"
	"prabench/metrics/quantity"
	"prabench/results/where"
)

// question is what a reader chose to see of the cells.
type question struct {
	State, Experiment string
	Filter            string // as it was typed
	Sort              string // byState, byCell, bySeed or a metric; a minus before it turns it round
	Page              int    // from 1
}

// What cells are sorted by, beside metrics.
const (
	byState = ""
	byCell  = "cell"
	bySeed  = "seed"
)

const cellsOnPage = 100

func questionOf(v url.Values) question {
	page, _ := strconv.Atoi(v.Get("page"))
	return question{v.Get("state"), v.Get("experiment"), strings.TrimSpace(v.Get("filter")), v.Get("sort"), max(1, page)}
}

// address is that of the page that answers the question.
func (q question) address() string {
	v := url.Values{}
	for key, value := range map[string]string{"state": q.State, "experiment": q.Experiment, "filter": q.Filter, "sort": q.Sort} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	return "/?" + v.Encode() + "#cells"
}

// sorted is what to sort by, and whether from the end.
func (q question) sorted() (by string, down bool) {
	by, down = strings.CutPrefix(q.Sort, "-")
	return by, down
}

// next is the question after a click on a column's heading: sorted by it from
// its better end, or the other way round where it is sorted so already.
func (q question) next(column string) question {
	first, second := column, "-"+column
	if m := quantity.Find(column); m != nil && m.Better > 0 {
		first, second = second, first
	}
	if q.Sort == first {
		first = second
	}
	q.Sort, q.Page = first, 1
	return q
}

// condition says which cells a typed filter means. Parts with = are those of
// --only; the others are words, each of which stands in what the table says of a
// cell.
type condition struct {
	keys  where.Filter
	says  where.Filter // keys that names have and experiments do not, such as depth
	words []string
}

// conditionOf reads a typed filter; the error says what is wrong with it. Beside the
// keys of --only it knows those that names of cells have, such as width for
// model.width: says tells which.
func conditionOf(text string, says func(key string) bool) (condition, error) {
	var c condition
	if text == "" {
		return c, nil
	}
	var keyed []string
	c.says = where.Filter{}
	for _, pair := range typed(text) {
		if !says(pair.Key) {
			pair = where.Pairs(where.Label(pair.Part))[0]
		}
		switch {
		case pair.Key != "" && says(pair.Key) && unknown(pair.Part):
			c.says.Add(pair.Key, where.Bare(pair.Value))
		case pair.Key != "":
			keyed = append(keyed, pair.Part)
		case strings.Contains(pair.Part, "="):
			return condition{}, errors.New("there is no key before the =; write for example patch=7, or a word of a cell's name")
		default:
			c.words = append(c.words, strings.Fields(strings.ToLower(where.Bare(pair.Part)))...)
		}
	}
	var err error
	if len(keyed) > 0 {
		c.keys, err = experiments.Choices(strings.Join(keyed, ","))
	}
	if e := (*experiments.Error)(nil); errors.As(err, &e) {
		err = errors.New(e.Key + ": " + e.Problem)
		if e.Hint != "" {
			err = errors.New(err.Error() + "; " + e.Hint)
		}
	}
	if err != nil {
		c = condition{} // half a filter would look like an answer
	}
	return c, err
}

// typed are the conditions of a typed filter. The name of a cell, which has blanks, stands for
// its words.
func typed(text string) (out []where.Pair) {
	for _, pair := range where.Pairs(text) {
		words := strings.Fields(pair.Part)
		quoted := strings.ContainsAny(pair.Part, `"'`)
		switch {
		case !quoted && (strings.Contains(pair.Key, " ") || strings.Contains(pair.Value, "=")):
			for _, w := range words {
				out = append(out, where.Pairs(w)...)
			}
		default:
			out = append(out, pair)
		}
	}
	return out
}

// unknown says that a condition has no key of --only.
func unknown(part string) bool {
	_, err := experiments.Choices(part)
	return err != nil
}

// accepts says whether a cell is meant.
func (c condition) accepts(x *cell, p params) bool {
	if len(c.words) > 0 {
		said := strings.ToLower(x.Experiment + " " + x.Label + " " + x.Cell + " " + x.State + " " + x.Stage + " " + x.Reason)
		for _, word := range c.words {
			if !strings.Contains(said, word) {
				return false
			}
		}
	}
	if !c.says.Accepts(func(key string) (any, bool) {
		for word := range strings.FieldsSeq(x.Label) {
			if k, v, ok := strings.Cut(word, "="); ok && k == key {
				return v, true
			}
		}
		return nil, false
	}) {
		return false
	}
	return c.keys.Accepts(func(key string) (any, bool) {
		switch key {
		case "seed":
			return x.Seed, true
		case "label":
			if v, ok := p.swept[key]; ok {
				return where.Names{x.Label, v}, true
			}
			return x.Label, true
		}
		if p.of == nil {
			return nil, false
		}
		return p.of(key)
	})
}
