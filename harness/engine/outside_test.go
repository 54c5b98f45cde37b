package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/outside"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models/dataset"
	"prabench/models/pra"
)

// classFolders writes n images, class by class in turn, into folders of these names.
func classFolders(t *testing.T, n int, names ...string) string {
	t.Helper()
	const size = 8
	m := outside.Images{Size: size, Channels: 3, Classes: len(names), Pixels: make([]uint8, n*size*size*3), Labels: make([]int32, n)}
	for i := range m.Pixels {
		m.Pixels[i] = uint8(i * i >> 5 * (1 + i/(size*size*3)%len(names)))
	}
	for i := range m.Labels {
		m.Labels[i] = int32(i % len(names))
	}
	root := filepath.Join(t.TempDir(), "images")
	save(t, root, m)
	for i, name := range names {
		if err := os.Rename(filepath.Join(root, fmt.Sprint(i)), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Other images under the same label and seed take the place of those before.
func TestOutsideIsReplaced(t *testing.T) {
	b := newBench(t)
	const count = 120
	e := tiny(func(s *stage.Settings) { s.Measure.Rounds, s.Count = 0, count })
	for i, classes := range [][]string{{"circle", "square"}, {"circle", "square", "triangle"}, {"circle", "square", "triangle"}} {
		b.out.Reset()
		r := &engine.Run{Places: b.places, Jobs: 2, Command: selfCommand, Name: "test", Out: &b.out}
		o := engine.Outside{Path: classFolders(t, count, classes...), Label: "theirs", Seed: 1}
		if sum, err := r.Score(context.Background(), e, o); err != nil || sum.Failed > 0 {
			t.Fatalf("%+v, %v\n%s", sum, err, b.out.String())
		}
		said := strings.Contains(b.out.String(), "note: theirs (outside), seed 1 were other images so far (outside-")
		if said != (i == 1) {
			t.Errorf("%d: replaced is %v:\n%s", i, said, b.out.String())
		}
	}
}

// The same folders of classes are numbered as each data set numbers them: images that
// were scored beside one data set do not keep its labels beside another.
func TestOutsideLabelsAreThoseOfTheDataSet(t *testing.T) {
	b := newBench(t)
	const count = 120
	theirs := classFolders(t, count, "cat", "dog")
	for _, classes := range [][]string{{"cat", "dog"}, {"bird", "cat", "dog"}} {
		root := classFolders(t, 300, classes...)
		e := tiny(func(s *stage.Settings) {
			s.Measure.Rounds, s.Count, s.Samples = 0, count, 0
			s.Data = dataset.Spec{Set: dataset.Folder, Root: root, Size: 8}
			edit(s, func(p *pra.Params) { p.Model.Classes = len(classes) })
		})
		e.Name = classes[0]
		r := &engine.Run{Places: b.places, Jobs: 2, Command: selfCommand, Name: "test", Out: &b.out}
		if sum, err := r.Score(context.Background(), e, engine.Outside{Path: theirs, Label: "theirs"}); err != nil || sum.Failed > 0 {
			t.Fatalf("%+v, %v\n%s", sum, err, b.out.String())
		}
	}
	refs, err := b.places.Store().List(work.Sample.Name)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]int32
	for _, ref := range refs {
		d, _, err := work.ReadDrawn(b.places.Store(), ref.Key)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(d.Labels)
		got = append(got, slices.Compact(d.Labels))
	}
	slices.SortFunc(got, slices.Compare)
	if !slices.EqualFunc(got, [][]int32{{0, 1}, {1, 2}}, slices.Equal) {
		t.Errorf("cat and dog are numbered %v, want [0 1] beside one data set and [1 2] beside the other", got)
	}
}
