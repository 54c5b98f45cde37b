package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/internal/numeral"
	"prabench/models"
)

func loaded(t *testing.T, file string, set ...string) []engine.Loaded {
	t.Helper()
	ls, err := engine.Load([]string{"../../../experiments/presets/" + file}, engine.LoadOptions{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return ls
}

// The published sizes fit into a card with 80 GiB as their files have them; a larger
// part of a batch is refused with one that fits, and a small card with none.
func TestPresetsFitIntoACard(t *testing.T) {
	card := Room{Memory: 80 << 30, FLOPs: MeasuredFLOPs}
	for file, largest := range map[string]string{"pra-s.toml": "128", "pra-b.toml": "128", "pra-l.toml": "64"} {
		var b bytes.Buffer
		if err := DeviceMemory(&b, loaded(t, file), card); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !strings.Contains(b.String(), "  "+largest+"  ") {
			t.Errorf("%s: no largest micro batch of %s in\n%s", file, largest, b.String())
		}
		b.Reset()
		err := DeviceMemory(&b, loaded(t, file, "train.micro_batch=0"), card)
		if err == nil || !strings.Contains(err.Error(), "train.micro_batch = "+largest+" takes") {
			t.Errorf("%s, whole batches: %v", file, err)
		}
	}
	err := DeviceMemory(&bytes.Buffer{}, loaded(t, "pra-s.toml"), Room{Memory: 2 << 30, FLOPs: 1e12})
	if err == nil || !strings.Contains(err.Error(), "does not fit with one image at a time either") {
		t.Errorf("a card of 2 GiB: %v", err)
	}
}

// Eight devices have an eighth of the batch each, and an eighth of the time.
func TestPresetsOnEightDevices(t *testing.T) {
	card := Room{Memory: 80 << 30, FLOPs: MeasuredFLOPs}
	one := loaded(t, "pra-s.toml")[0].Exp.Cells[0].Settings
	all := *one
	all.Measure.Devices = 8
	alone, _ := deviceRow(one, "", card)
	share, why := deviceRow(&all, "", card)
	own, _ := models.Set(one.Params, "train.batch", one.Params.Training().Batch/8)
	own, _ = models.Set(own, microKey, 32)
	if why != "" || share[3] != int64(8) || alone[3] != int64(1) || share[2] != alone[2] ||
		share[5] != numeral.Bytes(own.TrainMemory().Total()+2*own.Size()) && share[5] != numeral.Bytes(own.TrainMemory().Total()) {
		t.Errorf("%v: %s; one device: %v", share, why, alone)
	}
	days := func(row []any) float64 {
		v, err := strconv.ParseFloat(row[8].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if d := days(alone) / days(share); d < 7.9 || d > 8.1 {
		t.Errorf("%v days, %v on one device", share[8], alone[8])
	}
}

// The part of a batch that is named is the largest that fits.
func TestLargestPartThatFits(t *testing.T) {
	p := loaded(t, "pra-s.toml")[0].Exp.Cells[0].Settings.Params
	for _, room := range []int64{4 << 30, 6 << 30, 20 << 30, 70 << 30, 200 << 30} {
		d := fitting(p, room)
		if d.largest < 1 || d.with > room {
			t.Errorf("%d images take %s of %s", d.largest, numeral.Bytes(d.with), numeral.Bytes(room))
		}
		if more, ok := models.Set(p, microKey, 2*d.largest); ok && d.largest < 256 && more.TrainMemory().Total() <= room {
			t.Errorf("%d images fit into %s as well as %d", 2*d.largest, numeral.Bytes(room), d.largest)
		}
	}
}

// A program outside trains nothing here, so there is nothing of it that has to fit.
func TestProgramsNeedNoDeviceMemory(t *testing.T) {
	raw, err := os.ReadFile("../../../experiments/presets/pra-s.toml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.toml")
	text := string(raw) + "\n[[external]]\nlabel = \"theirs\"\ncommand = [\"sh\", \"x.toml\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ls, err := engine.Load([]string{file}, engine.LoadOptions{Only: "outside=theirs"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := DeviceMemory(&b, ls, Room{Memory: 80 << 30, FLOPs: MeasuredFLOPs}); !engine.IsMistake(err) || b.Len() > 0 {
		t.Errorf("%v\n%s", err, b.String())
	}
}
