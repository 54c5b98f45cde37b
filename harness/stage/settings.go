package stage

import (
	"time"

	"prabench/models"
	"prabench/models/dataset"
)

// Settings is everything that the stages of one cell read; it travels to the
// worker in the job.
type Settings struct {
	Data     dataset.Spec `json:"data"`
	DataHash string       `json:"data_hash"` // what the run found; a worker that finds other data refuses

	Model models.Config      `json:"model"`
	Train models.TrainConfig `json:"train"`

	Sample models.SampleConfig `json:"sample"`
	Count  int                 `json:"count"` // images drawn
	Batch  int                 `json:"batch"` // at a time

	Embedder     string `json:"embedder"`      // as asked for: auto, classifier, ternary
	EmbedderHash string `json:"embedder_hash"` // what that came to
	Reference    string `json:"reference"`     // split: train or test
	Samples      int    `json:"samples"`       // images of the reference; 0 = all

	Extras Extras `json:"extras"`

	Measure Measure `json:"measure"`

	SaveEvery time.Duration `json:"save_every"` // between checkpoints of a training
	Beside    int           `json:"beside"`     // stages that may run side by side with this one
}

// Extras are measurements that a cell need not have, each by the number of
// images it takes; 0 is none.
type Extras struct {
	Probe    int `json:"probe"`    // training images of the linear probe
	Exposure int `json:"exposure"` // held-out images whose prefixes are continued
	Seam     int `json:"seam"`     // drawn images whose seams are compared
	Nearest  int `json:"nearest"`  // drawn images whose nearest training images are sought
}

// Measure is the [measure] table as the worker needs it.
type Measure struct {
	Device     string        `json:"device"`
	Precision  string        `json:"precision"`
	Batch      int           `json:"batch"`
	Warmup     int           `json:"warmup"`
	Rounds     int           `json:"rounds"`
	Threads    int           `json:"threads"` // resolved: at least 1
	TrainSteps int           `json:"train_steps"`
	Timeout    time.Duration `json:"timeout"`

	MemoryLimit     int64 `json:"memory_limit"`     // bytes of one worker; 0 = what the machine can spare
	Retries         int   `json:"retries"`          // further tries of an attempt that was ended from outside
	RepeatDisturbed int   `json:"repeat_disturbed"` // further tries of a disturbed round
	CheckpointSteps int   `json:"checkpoint_steps"` // of a training; 0 = by time alone
}

// The parts of the settings that each kind of stage reads, as they enter keys.

type referencePart struct {
	Data     string `json:"data"`     // hash
	Embedder string `json:"embedder"` // hash
	Split    string `json:"split"`
	Samples  int    `json:"samples"`
	Count    int    `json:"count"` // of the floor
}

type trainPart struct {
	Data  string             `json:"data"` // hash
	Model models.Config      `json:"model"`
	Train models.TrainConfig `json:"train"` // with the seed
	// Precision is absent for fp32: rounding of a lower one changes the model,
	// where the device of the same precision does not matter.
	Precision string `json:"precision,omitempty"`
}

type samplePart struct {
	Sample models.SampleConfig `json:"sample"`
	Count  int                 `json:"count"`
	// Precision as for a training.
	Precision string `json:"precision,omitempty"`
}

type probePart struct {
	Count     int    `json:"count"`
	Weights   string `json:"weights"`
	Precision string `json:"precision,omitempty"`
}

type exposurePart struct {
	Sample    models.SampleConfig `json:"sample"` // without its rollout depth: prefixes are continued one step after another
	Count     int                 `json:"count"`
	Precision string              `json:"precision,omitempty"`
}

type countPart struct {
	Count int `json:"count"`
}

type timePart struct {
	Sample     models.SampleConfig `json:"sample"`
	Device     string              `json:"device"`
	Precision  string              `json:"precision"`
	Batch      int                 `json:"batch"`
	Warmup     int                 `json:"warmup"`
	Rounds     int                 `json:"rounds"`
	Threads    int                 `json:"threads"`
	TrainSteps int                 `json:"train_steps"`
}
