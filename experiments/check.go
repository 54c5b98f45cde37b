package experiments

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"prabench/models"
	"prabench/models/dataset"
)

// related lists, for keys whose validity depends on others, what they depend on.
var related = func() map[string][]string {
	all := map[string][]string{
		"data.set":      {"data.root"},
		"data.size":     {"data.set", "data.fit"},
		"data.channels": {"data.set"},
		"data.fit":      {"data.size", "data.set"},
		"data.root":     {"data.set"},
		"train.until":   {"train.steps"},
	}
	for _, f := range models.Families() {
		for key, on := range f.Related() {
			for _, k := range on {
				if !slices.Contains(all[key], k) {
					all[key] = append(all[key], k)
				}
			}
		}
	}
	return all
}()

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

// resolve fills in what the data set knows and replaces what stands for a number.
// The result is empty when every key is valid; else the settings are not to be
// used. tainted keys were reported before and are not said again, nor is what
// depends on them.
func resolve(s *Settings, data *describing, tainted map[string]bool) []invalid {
	if !s.Tune.on() || s.Tune.Grid != "" && len(models.Grid(s.Tune.Grid).Of(s.Params)) == 0 { // what is not read names no cell
		s.Tune = defaultTune
	}
	info, err := data.describe(s.Data)
	if err == nil {
		s.Data.Size, s.Data.Channels = info.Size, info.Channels
		s.Params = s.Params.For(models.Shape{Size: info.Size, Channels: info.Channels, Classes: info.Classes})
		if s.Data.Fit == "" {
			s.Data.Fit = "auto"
		}
		if s.Params.Validate() == nil && s.rest() == nil {
			s.Params = s.Params.Resolved()
			if s.Train.Until == s.Params.Training().Steps { // the end, and the cell that every file has
				s.Train.Until = 0
			}
			s.Train.Evaluate = "" // its steps are an axis by now
			return nil
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
		s.Params = s.Params.For(models.Shape{Size: 28, Channels: 1, Classes: 10})
	}
	repaired := map[string]int{}
	for _, validate := range []func() error{func() error { return s.Params.Validate() }, func() error { return s.rest() }} {
		for range 2 * len(fields) { // each key is repaired at most twice
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
			if repaired[ke.Key]++; !s.repair(ke.Key, repaired[ke.Key]) {
				break
			}
		}
	}
	return found
}

// repair gives a key a value that is valid by itself: 1, which divides whatever
// others have to be divided by, else its default. It is false where neither helps.
func (s *Settings) repair(key string, try int) bool {
	f := byName[key]
	switch {
	case f == nil || try > 2:
		return false
	case f.in == nil:
		v := reflect.ValueOf(s).Elem()
		v.FieldByIndex(f.index).Set(reflect.ValueOf(Defaults()).FieldByIndex(f.index))
	case try == 1 && f.typ.Kind() == reflect.Int && f.Type != "depth":
		s.Params, _ = models.Set(s.Params, key, 1)
	default:
		usual, _ := models.Get(s.Params.Family().Defaults(), key)
		s.Params, _ = models.Set(s.Params, key, usual)
	}
	return true
}

var devicePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(cpu|cuda|cuda:[0-9]{1,3}(,cuda:[0-9]{1,3})*)$`)
})

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
		{"measure.checkpoint_steps", s.Measure.CheckpointSteps, 0}, {models.DevicesKey, s.Measure.Devices, 1},
	} {
		if n.v < n.min {
			return &models.KeyError{Key: n.key, Problem: fmt.Sprintf("must be %d or more, not %d", n.min, n.v)}
		}
	}
	for _, w := range []struct {
		key, v  string
		allowed []string
	}{
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
	if n := len(strings.Split(s.Measure.Device, ",")); strings.Contains(s.Measure.Device, ":") && n < s.Measure.Devices {
		return models.BadKey(models.DevicesKey, "%d devices, and measure.device = %q names %d: name more, or \"cuda\" for all that there are",
			s.Measure.Devices, s.Measure.Device, n)
	}
	if err := models.CheckRanks(s.Params, s.Measure.Devices); err != nil {
		return err
	}
	if i := s.Measure.Interval; i != 0 && !(i >= 0.001 && i <= 1) {
		return &models.KeyError{Key: "measure.interval", Problem: fmt.Sprintf("%g is no share of a value; allowed: 0 (measure.rounds are all) "+
			"or 0.001 to 1, for example 0.02", i)}
	}
	if s.Measure.Budget <= 0 {
		return &models.KeyError{Key: "measure.budget", Problem: fmt.Sprintf("%v is no time; allowed: more than 0s, for example \"2m\"",
			s.Measure.Budget)}
	}
	if s.Measure.Timeout <= 0 {
		return &models.KeyError{Key: "measure.timeout", Problem: fmt.Sprintf("%v is no time; allowed: more than 0s, for example \"2h\"",
			s.Measure.Timeout)}
	}
	if n, steps := s.Train.Until, s.Params.Training().Steps; n < 0 || n > steps {
		return &models.KeyError{Key: "train.until", Problem: fmt.Sprintf("must be 0 (all) to train.steps = %d, not %d", steps, n)}
	}
	if _, err := s.Train.Kept(s.Params.Training().Steps); err != nil {
		return &models.KeyError{Key: "train.keep", Problem: err.Error()}
	}
	if !slices.Contains([]string{"auto", "classifier", "ternary"}, s.Metrics.Embedder) && !strings.HasPrefix(s.Metrics.Embedder, "onnx:") {
		return &models.KeyError{Key: "metrics.embedder", Problem: fmt.Sprintf(
			`must be "auto", "classifier", "ternary" or "onnx:" and the path of a network, not %q`, s.Metrics.Embedder)}
	}
	if err := s.Metrics.valid(); err != nil {
		return err
	}
	if err := s.Tune.valid(s.Params); err != nil {
		return err
	}
	if err := s.Search.valid(s.Train); err != nil {
		return err
	}
	return s.Check.valid()
}

// isDevice spares the common case the pattern.
func isDevice(name string) bool { return name == "cpu" || devicePattern().MatchString(name) }
