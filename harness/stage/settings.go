package stage

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"prabench/harness/machine"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/dataset"
	_ "prabench/models/families" // reading settings needs them
)

// Settings is everything that the stages of one cell read; it travels to the
// worker in the job.
type Settings struct {
	Data     dataset.Spec `json:"data"`
	DataHash string       `json:"data_hash"` // what the run found; a worker that finds other data refuses

	Params models.Params `json:"-"` // as JSON: family, model, train and sample, see [models.Written]

	Until    int    `json:"until,omitempty"`    // steps after which the training stops; 0 = its end
	Continue string `json:"continue,omitempty"` // keys of the same training stopped earlier, the latest first, between commas
	Keep     string `json:"keep,omitempty"`     // steps whose state stays beside the model, between commas

	Count int `json:"count"` // images drawn
	Batch int `json:"batch"` // at a time

	Embedder     string `json:"embedder"`      // as asked for: auto, classifier, ternary
	EmbedderHash string `json:"embedder_hash"` // what that came to
	Reference    string `json:"reference"`     // split: train or test
	Samples      int    `json:"samples"`       // images of the reference; 0 = all

	Extras quantity.Extras `json:"extras"`
	Also   string          `json:"also,omitempty"` // names of scores that came later, between commas

	Outside Outside `json:"outside,omitzero"` // images of another program, in place of a model's
	Program Program `json:"program,omitzero"` // a program that draws the images, in place of a model
	Tune    Tune    `json:"tune,omitzero"`
	Measure Measure `json:"measure"`

	SaveEvery time.Duration `json:"save_every"` // between checkpoints of a training
	Beside    int           `json:"beside"`     // stages that may run side by side with this one
}

// Milestones are the steps of the training whose state stays beside the model.
func (s *Settings) Milestones() (steps []int) {
	for text := range strings.FieldsFuncSeq(s.Keep, func(c rune) bool { return c == ',' }) {
		n, err := strconv.Atoi(text)
		if err == nil && n < s.StepsTrained() {
			steps = append(steps, n)
		}
	}
	return steps
}

// traveller is settings as they travel.
type traveller struct {
	*bare
	models.Written
}

type bare Settings

// MarshalJSON writes the tables of the model's parameters beside the rest.
func (s Settings) MarshalJSON() ([]byte, error) {
	w := traveller{bare: (*bare)(&s)}
	if s.Params != nil {
		var err error
		if w.Written, err = models.Write(s.Params); err != nil {
			return nil, err
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote, of this or an earlier version.
func (s *Settings) UnmarshalJSON(raw []byte) error {
	w := traveller{bare: (*bare)(s)}
	err := json.Unmarshal(raw, &w)
	if err == nil && len(w.Model) > 0 {
		s.Params, err = w.Read()
	}
	return err
}

// Training is what the cell's training is to who plans it.
func (s *Settings) Training() models.Training { return s.Params.Training() }

// StepsTrained is the number of steps that the training does.
func (s *Settings) StepsTrained() int {
	if s.Until > 0 {
		return s.Until
	}
	return s.Training().Steps
}

// TrainImages is the number of images that the training reads, over all steps.
func (s *Settings) TrainImages() int {
	t := s.Training()
	if t.Batch > 0 {
		return s.StepsTrained() * t.Batch
	}
	info, err := dataset.Describe(s.Data)
	if err != nil || info.Train < 0 {
		return 0
	}
	if s.Data.Limit > 0 {
		info.Train = min(info.Train, s.Data.Limit)
	}
	return s.StepsTrained() * info.Train
}

// Outside is images of another program. A cell that has them has no model: only
// the stages that look at images.
type Outside struct {
	Name   string `json:"name"`   // of the file or folder
	SHA256 string `json:"sha256"` // of its content
	Range  string `json:"range,omitempty"`
	Count  int    `json:"count"` // images taken from it
	// Classes is the hash of the data set's classes where those of the images are known
	// by their names: how the data set numbers them is part of what is scored.
	Classes string `json:"classes,omitempty"`
}

// Program is a program outside that draws images for a cell without a model.
type Program struct {
	Label    string `json:"label"`
	Command  string `json:"command"`          // the words as a JSON array
	Settings string `json:"settings"`         // what it is given, as canonical JSON
	Files    string `json:"files"`            // SHA-256 of the content of what it is made of
	Floats   string `json:"floats,omitempty"` // which floats are black and white, if it writes floats
	Data     bool   `json:"data,omitempty"`   // it gets the training images
	Timed    bool   `json:"timed,omitempty"`  // it can be asked for images call by call

	// Where it is, which no key knows.
	Dir   string `json:"dir,omitempty"`   // the folder it runs in, of the experiment file
	Paths string `json:"paths,omitempty"` // what Files is of, relative to it, as a JSON array
}

// Is says that there is a program.
func (p Program) Is() bool { return p.Command != "" }

// Identity is the program as it enters keys.
func (p Program) Identity() Program {
	p.Label, p.Dir, p.Paths, p.Timed = "", "", "", false
	return p
}

// Foreign says that the cell's images are not those of a model of this program.
func (s *Settings) Foreign() bool { return s.Outside.SHA256 != "" || s.Program.Is() }

// Tune is how a cell chooses its own sampling; without a metric it does not.
type Tune struct {
	Metric string      `json:"metric"`
	Grid   models.Grid `json:"grid"`
	Images int         `json:"images"`
	Seed   uint64      `json:"seed"` // of the noise that is chosen on
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
	Interval   float64       `json:"interval,omitempty"` // half of an interval over its value that rounds go on for; 0 = they do not
	Budget     time.Duration `json:"budget,omitempty"`   // of all rounds of a timing that go on for an interval
	Timeout    time.Duration `json:"timeout"`
	Timeouts   string        `json:"timeouts,omitempty"` // of kinds apart, see [TimeoutsOf]

	MemoryLimit     int64 `json:"memory_limit"`     // bytes of one worker; 0 = what the machine can spare
	Retries         int   `json:"retries"`          // further tries of an attempt that was ended from outside
	RepeatDisturbed int   `json:"repeat_disturbed"` // further tries of a disturbed round
	CheckpointSteps int   `json:"checkpoint_steps"` // of a training; 0 = by time alone

	Devices int `json:"devices,omitempty"` // processes that train or sample together, one per device; 0 = 1
}

// Ranks is how many processes do a stage together that several can.
func (m Measure) Ranks() int { return max(1, m.Devices) }

// Lowered is the precision as it enters keys: absent for fp32, since rounding of
// a lower one changes a model, where the device of the same precision does not
// matter.
func (m Measure) Lowered() string {
	if m.Precision == "fp32" {
		return ""
	}
	return m.Precision
}

// ThreadsHere is the number of threads of a timing on this machine.
func (m Measure) ThreadsHere() int {
	if m.Threads > 0 {
		return m.Threads
	}
	return machine.Processors()
}

// CountPart is what enters the key of a kind that reads nothing else than how
// many images it takes.
type CountPart struct {
	Count int `json:"count"`
}
