package stat

// A Method says what an interval is over and how it was made. Its text is what
// is stored with a value and printed by machine-readable output.
type Method string

// The methods. Only None has no interval.
const (
	None      Method = ""
	Jackknife Method = "jackknife" // images: groups of them left out in turn
	Wilson    Method = "wilson"    // images: score interval of a proportion
	Rounds    Method = "rounds"    // rounds of measuring: sign test, or Student below six
	Seeds     Method = "seeds"     // training seeds: Student, Welch
	Pairs     Method = "pairs"     // training seeds, in pairs
	Processes Method = "processes" // measurements in processes of their own
	Points    Method = "points"    // points about a fitted curve
	// ImagePairs is over images of the same noise, in pairs: jackknife of the difference.
	ImagePairs Method = "image_pairs"
	// Variance is that of a component of variance: mean squares or likelihood.
	Variance Method = "variance"
	Unstated Method = "unstated" // there is an interval, its source does not say over what
)

// described is what is said of a method: what varies, and the words of a figure's
// foot and of a longer note, without the level.
var described = map[Method]struct{ over, short, long string }{
	None:       {},
	Jackknife:  {"images", "jackknife", "over images (jackknife)"},
	Wilson:     {"images", "Wilson", "over images (Wilson)"},
	Rounds:     {"rounds", "over rounds", "over rounds of timing"},
	Seeds:      {"training seeds", "over seeds", "over training seeds (Student)"},
	Pairs:      {"training seeds", "over pairs of seeds", "over pairs of training seeds (Student)"},
	Processes:  {"processes", "over processes", "over processes"},
	Points:     {"points", "over points", "over the points of a fit (Student)"},
	ImagePairs: {"images", "over pairs of images", "over pairs of images of the same noise (jackknife)"},
	Variance:   {"levels", "of a variance", "of a component of variance"},
	Unstated:   {"", "interval", "interval; its source does not say over what"},
}

// Known says whether m is one of the methods of this package.
func (m Method) Known() bool {
	_, ok := described[m]
	return ok
}

// String is the method's word, "none" where there is no interval.
func (m Method) String() string {
	if m == None {
		return "none"
	}
	return string(m)
}

// Over is what varies: images, rounds, training seeds, processes or points;
// empty where there is no interval or its source does not say.
func (m Method) Over() string { return described[m].over }

// Short is how a figure's foot names the interval, "95 % over seeds"; empty
// where there is none.
func (m Method) Short() string { return m.level(described[m].short) }

// Long is how a note names the interval, "95 % over images (jackknife)"; empty
// where there is none.
func (m Method) Long() string { return m.level(described[m].long) }

func (m Method) level(words string) string {
	switch {
	case m == None:
		return ""
	case words == "": // of a newer program
		words = string(m)
	}
	return "95 % " + words
}
