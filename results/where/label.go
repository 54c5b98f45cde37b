package where

import "strings"

// Labels once called train.rollout_depth "depth", which is also the end of
// model.depth. Databases, experiment files, baselines and scripts have those labels,
// so both spellings mean the same cell.
const olderDepth, depth = "depth=", "rollout_depth="

// Label is a label, or a text that may be one, in today's spelling.
func Label(text string) string { return respell(text, olderDepth, depth) }

// Older is a label in the spelling that earlier programs know, and that this one
// accepts too.
func Older(text string) string { return respell(text, depth, olderDepth) }

// SameLabel says whether two labels are one.
func SameLabel(a, b string) bool { return a == b || Label(a) == Label(b) }

// isLabel says of a key that its values are labels: "cell" in figures is the whole one.
func isLabel(key string) bool { return key == "label" || key == "cell" }

// spelled is a label, or several, in today's spelling.
func spelled(v any) any {
	switch v := v.(type) {
	case string:
		return Label(v)
	case Names:
		return Names(spelled([]any(v)).([]any))
	case []string:
		return spelled(Values(v))
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = spelled(v[i])
		}
		return out
	}
	return v
}

// respell replaces the beginning of words.
func respell(text, from, to string) string {
	if !strings.Contains(text, from) {
		return text
	}
	words := strings.Split(text, " ")
	for i, w := range words {
		if value, begins := strings.CutPrefix(w, from); begins {
			words[i] = to + value
		}
	}
	return strings.Join(words, " ")
}
