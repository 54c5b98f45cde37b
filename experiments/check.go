package experiments

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"prabench/models"
	"prabench/models/dataset"
)

// related lists, for keys whose validity hangs on others, what they hang on.
var related = map[string][]string{
	"model.patch":          {"data.size", "data.set"},
	"model.block":          {"model.patch", "data.size", "data.set"},
	"model.heads":          {"model.width"},
	"train.rollout_depth":  {"model.block", "model.patch", "data.size", "data.set"},
	"sample.rollout_depth": {"model.block", "model.patch", "data.size", "data.set"},
	"data.set":             {"data.root"},
	"data.size":            {"data.set", "data.fit"},
	"data.channels":        {"data.set"},
	"data.fit":             {"data.size", "data.set"},
	"data.root":            {"data.set"},
}

// invalid is a key with a value that is not allowed in one point.
type invalid struct {
	key, problem string
	cause        error
}

// describing remembers what the data sets said.
type describing struct {
	ask   func(Data) (dataset.Info, error)
	known map[Data]described
}

type described struct {
	info dataset.Info
	err  error
}

func (d *describing) describe(data Data) (dataset.Info, error) {
	k, ok := d.known[data]
	if !ok {
		k.info, k.err = d.ask(data)
		d.known[data] = k
	}
	return k.info, k.err
}

// resolve fills in what the data set knows and replaces depths "exact" by K.
// The result is empty when every key is valid; else the settings are not to be
// used. tainted keys were reported before and are not said again, nor is what
// hangs on them.
func resolve(s *Settings, data *describing, tainted map[string]bool) []invalid {
	info, err := data.describe(s.Data)
	if err == nil {
		s.Data.Size, s.Data.Channels = info.Size, info.Channels
		s.Model.Size, s.Model.Channels, s.Model.Classes = info.Size, info.Channels, info.Classes
		if s.Data.Fit == "" {
			s.Data.Fit = "auto"
		}
		if s.Model.Validate() == nil && s.Train.Validate() == nil && s.Sample.Validate() == nil && s.rest() == nil {
			if bad := s.depths(); bad == nil {
				k := s.Model.ARSteps()
				s.Train.RolloutDepth = s.Train.RolloutDepth.Resolve(k)
				s.Sample.RolloutDepth = s.Sample.RolloutDepth.Resolve(k)
				return nil
			}
		}
	}
	return explain(*s, err, tainted)
}

// explain finds all that is wrong in invalid settings. The validators name one
// key at a time: each key that they name gets a value that is valid by itself,
// and they are asked again.
func explain(s Settings, dataErr error, tainted map[string]bool) []invalid {
	var found []invalid
	bad := map[string]bool{}
	for k := range tainted {
		bad[k] = true
	}
	report := func(key, problem string, cause error) {
		hidden := bad[key] || slices.ContainsFunc(related[key], func(k string) bool { return bad[k] })
		bad[key] = true
		if !hidden {
			found = append(found, invalid{key, problem, cause})
		}
	}
	if dataErr != nil {
		key, problem := "data.set", dataErr.Error()
		var de *dataset.Error
		if errors.As(dataErr, &de) {
			key, problem = de.Key, de.Problem
		}
		report(key, problem, dataErr)
		bad["data.size"], bad["data.set"] = true, true // the model's size is not known
		s.Model.Size, s.Model.Channels, s.Model.Classes = 28, 1, 10
	}
	v := reflect.ValueOf(&s).Elem()
	defaults := reflect.ValueOf(Defaults())
	repair := func(key string) bool {
		switch key {
		case "model.patch":
			s.Model.Patch = 1
		case "model.block":
			s.Model.Block = 1
		case "model.heads":
			s.Model.Heads = 1
		default:
			f := byName[key]
			if f == nil {
				return false
			}
			v.FieldByIndex(f.index).Set(defaults.FieldByIndex(f.index))
		}
		return true
	}
	for _, validate := range []func() error{
		func() error { return s.Model.Validate() }, func() error { return s.Train.Validate() },
		func() error { return s.Sample.Validate() }, func() error { return s.rest() }, func() error { return s.depths() },
	} {
		for range len(fields) { // each key is repaired at most once
			err := validate()
			if err == nil {
				break
			}
			var ke *models.KeyError
			if !errors.As(err, &ke) {
				report("", err.Error(), err)
				break
			}
			report(ke.Key, ke.Problem, nil)
			if !repair(ke.Key) {
				break
			}
		}
	}
	return found
}

// depths holds that no rollout is deeper than K: after K sweeps nothing
// changes any more, and a cell that pays for more would be mistaken for another
// one.
func (s *Settings) depths() error {
	k := s.Model.ARSteps()
	for _, d := range []struct {
		key   string
		depth models.Depth
	}{{"train.rollout_depth", s.Train.RolloutDepth}, {"sample.rollout_depth", s.Sample.RolloutDepth}} {
		if int(d.depth) > k {
			return &models.KeyError{Key: d.key,
				Problem: fmt.Sprintf("%d is more than K = %d AR steps (size %d, patch %d, block %d), after which nothing changes; allowed: 0 to "+
					"%d, or \"exact\"",
					d.depth, k, s.Model.Size, s.Model.Patch, s.Model.Block, k)}
		}
	}
	return nil
}

var devicePattern = regexp.MustCompile(`^(cpu|cuda|cuda:[0-9]{1,3}(,cuda:[0-9]{1,3})*)$`)

// rest checks the tables that belong to this package.
func (s *Settings) rest() error {
	keys, images := s.Metrics.Each()
	for i, key := range keys {
		if images[i] < 0 {
			return &models.KeyError{Key: key, Problem: fmt.Sprintf("must be 0 or more, not %d", images[i])}
		}
	}
	for _, n := range []struct {
		key    string
		v, min int
	}{
		{"sample.count", s.Sample.Count, 1}, {"sample.batch", s.Sample.Batch, 1}, {"metrics.samples", s.Metrics.Samples, 0},
		{"measure.batch", s.Measure.Batch, 1}, {"measure.warmup", s.Measure.Warmup, 0}, {"measure.rounds", s.Measure.Rounds, 0},
		{"measure.threads", s.Measure.Threads, 0}, {"measure.train_steps", s.Measure.TrainSteps, 0},
		{"measure.retries", s.Measure.Retries, 0}, {"measure.repeat_disturbed", s.Measure.RepeatDisturbed, 0},
		{"measure.checkpoint_steps", s.Measure.CheckpointSteps, 0},
	} {
		if n.v < n.min {
			return &models.KeyError{Key: n.key, Problem: fmt.Sprintf("must be %d or more, not %d", n.min, n.v)}
		}
	}
	for _, w := range []struct {
		key, v  string
		allowed []string
	}{
		{"metrics.embedder", s.Metrics.Embedder, []string{"auto", "classifier", "ternary"}},
		{"metrics.reference", s.Metrics.Reference, []string{"train", "test"}},
		{"measure.precision", s.Measure.Precision, []string{"fp32", "bf16"}},
	} {
		if !slices.Contains(w.allowed, w.v) {
			return &models.KeyError{Key: w.key, Problem: fmt.Sprintf("must be one of %q, not %q", w.allowed, w.v)}
		}
	}
	if !isDevice(s.Measure.Device) {
		return &models.KeyError{Key: "measure.device", Problem: fmt.Sprintf("%q is no device; allowed: cpu, cuda or cuda:0", s.Measure.Device)}
	}
	if s.Measure.Timeout <= 0 {
		return &models.KeyError{Key: "measure.timeout", Problem: fmt.Sprintf("%v is no time; allowed: more than 0s, for example \"2h\"",
			s.Measure.Timeout)}
	}
	if err := s.Metrics.valid(); err != nil {
		return err
	}
	return s.Check.valid()
}

// isDevice spares the common case the pattern.
func isDevice(name string) bool { return name == "cpu" || devicePattern.MatchString(name) }
