package experiments

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/dataset"
	_ "prabench/models/families" // whose keys a file may have
)

// Settings is every key that a cell depends on. It is comparable.
type Settings struct {
	Data    Data          `toml:"data" json:"data"`
	Model   Model         `toml:"model" json:"model"`
	Params  models.Params `toml:"-" json:"-"` // the keys of [model], [train] and [sample] that are the family's
	Train   Train         `toml:"train" json:"train"`
	Sample  Sample        `toml:"sample" json:"sample"`
	Metrics Metrics       `toml:"metrics" json:"metrics"`
	Tune    Tune          `toml:"tune" json:"tune"`
	Search  Search        `toml:"search" json:"search"`
	Measure Measure       `toml:"measure" json:"measure"`
	Check   Check         `toml:"check" json:"check"`
}

// Model is what of the [model] table every family has.
type Model struct {
	Family string `toml:"family" json:"family" absent:"pra"` // one of [models.Names]
}

// Data is the [data] table. In a cell Size and Channels are never 0 and Fit is
// never "".
type Data dataset.Spec

// Spec is the table as the data sets read it.
func (d Data) Spec() dataset.Spec { return dataset.Spec(d) }

// Train is what of the [train] table every family has: how far a training goes.
type Train struct {
	Until    int   `toml:"until" json:"until" absent:"0"`      // steps after which it is looked at; 0 is all of them
	Evaluate Steps `toml:"evaluate" json:"evaluate,omitempty"` // steps that become an axis of until
	Keep     Steps `toml:"keep" json:"keep,omitempty"`         // steps whose state stays beside the model
}

// Sample is what of the [sample] table every family has: how many images are drawn.
type Sample struct {
	Count int `toml:"count" json:"count"` // images drawn and scored
	Batch int `toml:"batch" json:"batch"` // images drawn at once
}

// Metrics is the [metrics] table: what samples are compared with, and how.
type Metrics struct {
	Embedder  string `toml:"embedder" json:"embedder"`   // "auto", "classifier", "ternary" or "onnx:PATH"
	Samples   int    `toml:"samples" json:"samples"`     // real images on the reference side; 0 is all
	Reference string `toml:"reference" json:"reference"` // split they come from: "train" or "test"

	quantity.Extras

	Also Names `toml:"also" json:"also,omitempty"` // scores that came later, by their kinds of stage
}

// Measure is the [measure] table: how speed and memory are measured.
type Measure struct {
	Device     string   `toml:"device" json:"device"`               // "cpu", "cuda" or "cuda:0"
	Precision  string   `toml:"precision" json:"precision"`         // "fp32" or "bf16"
	Batch      int      `toml:"batch" json:"batch"`                 // images a timed call
	Warmup     int      `toml:"warmup" json:"warmup"`               // calls before the first timed one
	Rounds     int      `toml:"rounds" json:"rounds"`               // timed rounds over all cells; 0 times nothing
	Interval   float64  `toml:"interval" json:"interval"`           // half of an interval over its value that rounds go on for; 0: none
	Budget     Duration `toml:"budget" json:"budget"`               // of the rounds of one timing that go on for an interval
	Threads    int      `toml:"threads" json:"threads"`             // while timing; 0 is all cores
	TrainSteps int      `toml:"train_steps" json:"train_steps"`     // training steps per round; 0 measures no training
	Timeout    Duration `toml:"timeout" json:"timeout"`             // of one attempt of a stage, but of a training
	Timeouts   Names    `toml:"timeouts" json:"timeouts,omitempty"` // of kinds of stages apart: "train=72h", "sample=none"

	MemoryLimit     Bytes `toml:"memory_limit" json:"memory_limit"`         // of one worker; 0 is "auto", what the machine can spare
	Retries         int   `toml:"retries" json:"retries"`                   // further tries of an attempt that was ended from outside
	RepeatDisturbed int   `toml:"repeat_disturbed" json:"repeat_disturbed"` // further tries of a round that something else disturbed
	CheckpointSteps int   `toml:"checkpoint_steps" json:"checkpoint_steps"` // training steps between checkpoints; 0 is about one a minute

	Devices int `toml:"devices" json:"devices" absent:"1"` // that train or sample one cell together
}

// Defaults of the keys at the top of a file.
const (
	defaultRepeats = 1
	defaultSeed    = 1
)

// Defaults is the settings of an empty file: the one place where defaults of
// [data], [metrics], [measure] and the counts of [sample] live; those of the
// model and the recipe are the model core's own.
func Defaults() Settings {
	family, err := models.Named(models.Default)
	if err != nil {
		panic("experiments: " + err.Error())
	}
	return Settings{
		Data:    Data{Set: dataset.MNIST, Fit: "auto", Seed: 1, Decoder: "go"},
		Model:   Model{Family: models.Default},
		Params:  family.Defaults(),
		Sample:  Sample{Count: 2000, Batch: 250},
		Metrics: Metrics{Embedder: "auto", Samples: 2000, Reference: "train"},
		Tune:    defaultTune,
		Search:  Search{Metric: NoSearch, Keep: 1. / 3, Least: 1, Points: AllPoints, Seed: 1},
		Measure: Measure{Device: "cpu", Precision: "fp32", Batch: 64, Warmup: 1, Rounds: 3, Budget: Duration(2 * time.Minute), TrainSteps: 10,
			Timeout: Duration(2 * time.Hour), Retries: 2, RepeatDisturbed: 2, Devices: 1},
		Check: Check{Metrics: "throughput, latency, memory_peak", Throughput: 0.03, Latency: 0.05, Memory: 0.01,
			Rounds: 40, Budget: Duration(3 * time.Minute)},
	}
}

// Duration is a time span that is written "90s" or "1h30m".
type Duration time.Duration

// String writes whole hours and minutes without their zero rest: "2h".
func (d Duration) String() string {
	s := time.Duration(d).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(s) > len(zero) && s[len(s)-len(zero):] == zero {
			s = s[:len(s)-len(zero)+1]
		}
	}
	return s
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText accepts what [time.ParseDuration] accepts.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time span", text)
	}
	*d = Duration(v)
	return nil
}

// Bytes is an amount of memory that is written "4GiB", "512MiB" or "auto".
type Bytes int64

var byteUnits = []struct {
	name string
	size Bytes
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// String writes whole units: "4GiB", "1536MiB"; 0 is "auto".
func (b Bytes) String() string {
	if b == 0 {
		return "auto"
	}
	for _, u := range byteUnits {
		if b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return ""
}

// MarshalText is String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText accepts a number above 0 with a unit, or "auto".
func (b *Bytes) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "auto" {
		*b = 0
		return nil
	}
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if n := x * float64(u.size); err == nil && n >= 1 && n < math.MaxInt64 {
			*b = Bytes(n)
			return nil
		}
		break
	}
	return fmt.Errorf("%q is no amount of memory", s)
}
