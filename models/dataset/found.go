package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// survey collects what a listing of pictures found and what it passed over.
type survey struct {
	out map[string][]string // names by the reason they are left out for
}

func (s *survey) leave(why, name string) {
	if s.out == nil {
		s.out = map[string][]string{}
	}
	s.out[why] = append(s.out[why], name)
}

// Reasons for which something in a folder of pictures is left out.
const (
	otherEnding = "with other endings than .png, .jpg, .jpeg, .webp and .bmp"
	inClass     = "folders inside class folders"
	beside      = "beside the class folders, so without a class"
	hidden      = "hidden"
	noSuchClass = "of classes that train does not have"
	byPrograms  = "folders that programs make"
	otherTest   = "of further test splits, of which one is read"
)

// uprightRecord is in the hash of a set of which pictures were turned upright, and turnedUpright
// ends the sentence that says how many.
const (
	uprightRecord = "turned upright by EXIF"
	turnedUpright = "turned upright as their EXIF orientation says"
)

// secondTest notes what lies in further test splits.
func (s *survey) secondTest(names []string) {
	for _, n := range names {
		s.leave(otherTest, n)
	}
}

// madeByPrograms are folders that are no class: archives made on a Mac,
// thumbnails of network storage, bins and what a repaired disk has found.
var madeByPrograms = []string{"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}

// sentences say what was found: how many images, what was left out and why,
// and which classes are empty, for people to read.
func (s *survey) sentences(classes []string, train, test []item) []string {
	lines := []string{fmt.Sprintf("%d training and %d test images of %d classes", len(train), len(test), len(classes))}
	for _, why := range slices.SortedFunc(maps.Keys(s.out), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s.out[b]), len(s.out[a])), cmp.Compare(a, b))
	}) {
		line := fmt.Sprintf("left out: %d %s", len(s.out[why]), why)
		if why == otherEnding {
			line += " (" + endings(s.out[why]) + ")"
		}
		lines = append(lines, line+": "+few(s.out[why]))
	}
	for _, part := range []struct {
		what, so string
		items    []item
	}{{"no training image", "no model has seen them, yet they are %.0f %% of the samples: take their folders away to leave them out", train},
		{"no test image", "", test}} {
		if len(part.items) == 0 {
			continue // said by the count
		}
		has := make([]bool, len(classes))
		for _, it := range part.items {
			has[it.class] = true
		}
		var without []string
		for i, ok := range has {
			if !ok {
				without = append(without, classes[i])
			}
		}
		if len(without) > 0 {
			line := fmt.Sprintf("%d classes have %s: %s", len(without), part.what, few(without))
			if part.so != "" {
				line += "; " + fmt.Sprintf(part.so, 100*float64(len(without))/float64(len(classes)))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

// endings counts the endings of files, the most frequent first.
func endings(names []string) string {
	n := map[string]int{}
	for _, name := range names {
		end := strings.ToLower(path.Ext(name))
		if end == "" {
			end = "no ending"
		}
		n[end]++
	}
	byNumber := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	var out []string
	for _, end := range byNumber[:min(len(byNumber), 5)] {
		out = append(out, fmt.Sprintf("%d %s", n[end], end))
	}
	if len(byNumber) > 5 {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// damages are the pictures that cannot be read.
type damages struct {
	at  []int // where each is in the list
	why []error
}

// err names all of them, the first twenty with the reason.
func (d *damages) err(total int) error {
	if len(d.at) == 0 {
		return nil
	}
	order := make([]int, len(d.at))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(d.at[a], d.at[b]) })
	if len(order) == 1 {
		return fmt.Errorf("reading images: %w; mend it or take it out", d.why[0])
	}
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "reading images: %d of %d cannot be read; mend them or take them out:", len(order), total)
	for _, i := range order[:min(most, len(order))] {
		fmt.Fprintf(&b, "\n  %v", d.why[i])
	}
	if len(order) > most {
		fmt.Fprintf(&b, "\n  and %d more", len(order)-most)
	}
	return fmt.Errorf("%s", b.String())
}
