//go:build cuda

// Package selftest is what a person with a GPU runs: `make cuda-selftest`, or
// bin/selftest of a bundle. It checks the device against the CPU, measures what
// the device reaches and writes a report in Markdown that can be posted as it is,
// and the same as JSON beside it. Both are written again after every line, so that
// what stops the program keeps what was found. On the stand-in driver it runs
// too, cut down, and the report says that its times mean nothing.
package selftest

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/models/cuda"
	"prabench/models/cuda/kernels/roofline"
)

var (
	reportPath = flag.String("report", "", "where the report goes, NAME.md, and NAME.json beside it; without it only the log has it")
	ordinal    = flag.Int("device", 0, "number of the CUDA device")
	only       = flag.String("only", "right,speed,ops,models", "which parts are done")
	opsOf      = flag.String("ops", "", "of the part ops alone sampling or training")
	need       = flag.String("need", "", "what must be there: cublas; where it is not, that is a failure")
	budget     = flag.Duration("budget", 0, "no row of models is begun after so long; 0: all are")
	revision   = flag.String("revision", "", "what the program was built from, where it does not know")
)

// begun is when the program started.
var begun = time.Now()

func TestSelftest(t *testing.T) {
	parts := strings.Split(*only, ",")
	for _, p := range parts {
		if !slices.Contains([]string{"right", "speed", "ops", "models"}, p) {
			t.Fatalf("-only %s: the parts are right, speed, ops and models", *only)
		}
	}
	if *need != "" && *need != "cublas" {
		t.Fatalf("-need %s: cublas can be asked for", *need)
	}
	r := &report{t: t, path: *reportPath}
	r.doc.Parts = parts
	if !t.Run("device", func(t *testing.T) { r.head(open(t, cuda.Options{})) }) {
		r.doc.Failed = append(r.doc.Failed, "the device cannot be opened")
		r.save()
		return
	}
	if !r.doc.StandIn {
		release, err := cuda.Keep(*ordinal)
		must(t, err)
		defer release()
	}
	var reached roofline.Device
	for _, part := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"right", r.right},
		{"speed", func(t *testing.T) { reached = r.speed(t) }},
		{"ops", r.ops},
		{"models", func(t *testing.T) { r.models(t, reached) }},
	} {
		if slices.Contains(parts, part.name) && !t.Run(part.name, part.do) {
			r.failed(part.name)
		}
	}
	r.doc.Ended = true
	r.save()
	t.Log("\n" + r.doc.markdown())
	fmt.Printf("%d checks, %d figures, %d rows of models; %d failures %s\n", len(r.doc.Checks), len(r.doc.Figures), len(r.doc.Models),
		len(r.doc.Failed), *reportPath)
}

// open opens the device, and closes it when the test ends.
func open(t *testing.T, o cuda.Options) *cuda.Backend {
	t.Helper()
	be, err := cuda.New(*ordinal, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := be.Close(); err != nil {
			t.Error(err)
		}
	})
	return be
}
