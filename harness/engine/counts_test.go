package engine

import (
	"strings"
	"testing"

	"prabench/harness/stage"
	"prabench/models/dataset"
)

// Numbers of images that do not do are said before anything is scored.
func TestCountsThatDoNotDo(t *testing.T) {
	shapes := dataset.Spec{Set: dataset.Shapes, Size: 8, Channels: 3, Limit: 300, Fit: "auto", Seed: 1}
	info, err := dataset.Describe(shapes)
	if err != nil || info.Train != 300 || info.Test < 1 {
		t.Fatal(info, err)
	}
	for _, c := range []struct {
		count     int
		reference string
		features  int
		want      []string
	}{
		{info.Test, "train", 1, nil},
		{info.Test + 1, "train", 1, []string{"all of the test split"}},
		{300, "test", 6, nil},
		{301, "test", 6, []string{"the floors are of 300 held-out images (all of the training split), the scores of 301"}},
		{299, "test", 6, []string{"fewer than 300 (50 per feature)"}},
		{301, "test", 7, []string{"fewer than 350", "floors are of 300"}},
	} {
		got := counts(&stage.Settings{Data: shapes, Count: c.count, Reference: c.reference}, c.features)
		if len(got) != len(c.want) {
			t.Errorf("%+v: %q", c, got)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%+v: %q", c, got)
			}
		}
	}
}
