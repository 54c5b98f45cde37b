package work

import (
	"fmt"
	"slices"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/models/dataset"
	"prabench/results/record"
)

// Place keeps images of another program as the artifact of a sample stage, with
// the attempt that a run takes over. Without labels all images are of one class.
func Place(store artifact.Store, key string, p metrics.Pictures, classes []string) error {
	ref := Sample.Ref(key)
	if _, err := store.Stat(ref); err == nil {
		return nil
	}
	drawn := Drawn{Count: p.N, Size: p.Size, Channels: p.Channels, Classes: 1, Labels: p.Labels}
	labels := p.Labels
	if labels == nil {
		labels = EvenLabels(p.N, 1)
	} else {
		drawn.Classes, drawn.ClassNames = len(classes), classes
	}
	a := record.Attempt{ID: record.NewAttemptID(), Stage: key, Kind: Sample.Name, Outcome: record.OK, Device: "cpu", Started: time.Now(),
		Environment: machine.Environment(0)}
	t := &task{job: worker.Job{Kind: Sample.Name, Stage: key}, store: store, attempt: &a}
	return t.keep(func(d *artifact.Draft) error { return drawn.write(d, p.Pixels, labels) })
}

// Evenly takes n images, spread evenly over the classes: the same n of the same
// set, always, as a reference is taken.
func Evenly(p metrics.Pictures, n int) (metrics.Pictures, error) {
	return choose(&dataset.Data{Size: p.Size, Channels: p.Channels}, dataset.Split{N: p.N, Pixels: p.Pixels, Labels: p.Labels}, n)
}

// Numbered gives labels by the names of a data set's classes, where they were
// counted by names of the files' own.
func Numbered(labels []int32, names, classes []string) ([]int32, error) {
	if slices.Equal(names, classes) {
		return labels, nil
	}
	to := make([]int32, len(names))
	for i, name := range names {
		at := slices.Index(classes, name)
		if at < 0 {
			return nil, fmt.Errorf("the folder %q is none of the classes of the data set (%.200q): name the folders as the classes, or put all "+
				"images into one folder to score them without classes", name, classes)
		}
		to[i] = int32(at)
	}
	out := make([]int32, len(labels))
	for i, l := range labels {
		out[i] = to[l]
	}
	return out, nil
}
