package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/harness/stage"
	"prabench/harness/work"
)

// A training has no timeout unless it is named, other kinds have the general one, and
// what names no kind or no time is refused before anything starts.
func TestTimeoutsOfKinds(t *testing.T) {
	for _, tt := range []struct {
		timeouts      string
		train, sample time.Duration
		wrong         string
	}{
		{timeouts: ``, train: 0, sample: 3 * time.Hour},
		{timeouts: `["train=72h", "sample = none"]`, train: 72 * time.Hour},
		{timeouts: `"sample=90m"`, sample: 90 * time.Minute},
		{timeouts: `"trian=72h"`, wrong: "names no kind of stage; allowed: "},
		{timeouts: `"train=72"`, wrong: `"72" is no time`},
		{timeouts: `"train=-1h"`, wrong: `"-1h" is no time`},
		{timeouts: `"train"`, wrong: `"" is no time`},
	} {
		file := filepath.Join(t.TempDir(), "e.toml")
		text := "name = \"e\"\n[data]\nset = \"mnist\"\n[measure]\ntimeout = \"3h\"\n"
		if tt.timeouts != "" {
			text += "timeouts = " + tt.timeouts + "\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		ls, err := Load([]string{file}, LoadOptions{})
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s: got %v, want %s", tt.timeouts, err, tt.wrong)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.timeouts, err)
		}
		m := ls[0].Exp.Cells[0].Settings.Measure
		for k, want := range map[*stage.Kind]time.Duration{work.Train: tt.train, work.Sample: tt.sample, work.Score: 3 * time.Hour} {
			if got := m.TimeoutOf(k); got != want {
				t.Errorf("%s: %s may take %v, want %v", tt.timeouts, k.Name, got, want)
			}
		}
	}
}
