package embed

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// A weights file is in the safetensors format: the length of a JSON header, the
// header, the numbers. All tensors are F32: conv1.weight [3,3,in,out],
// conv1.scale [out], conv1.shift [out], … conv4.*, head.weight [64,classes],
// head.bias [classes]. __metadata__ carries About as strings.

const weightsFormat = "prabench embedder 1"

type tensor struct {
	name  string
	shape []int
	data  []float32
}

func (n *network) tensors() []tensor {
	var list []tensor
	for i := range n.convs {
		c := &n.convs[i]
		name := fmt.Sprintf("conv%d.", i+1)
		list = append(list,
			tensor{name + "weight", []int{3, 3, c.in, c.out}, c.weight},
			tensor{name + "scale", []int{c.out}, c.scale},
			tensor{name + "shift", []int{c.out}, c.shift})
	}
	return append(list,
		tensor{"head.weight", []int{featureDim, n.classes}, n.headWeight},
		tensor{"head.bias", []int{n.classes}, n.headBias})
}

type tensorHeader struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// encode is deterministic: JSON maps are written in key order.
func encode(n *network, about About) ([]byte, error) {
	header := map[string]any{"__metadata__": map[string]string{
		"format":        weightsFormat,
		"set":           about.Set,
		"command":       about.Command,
		"seed":          strconv.FormatUint(about.Seed, 10),
		"epochs":        strconv.Itoa(about.Epochs),
		"test_accuracy": strconv.FormatFloat(about.Accuracy, 'f', -1, 64),
		"training_hash": about.TrainingHash,
		"size":          strconv.Itoa(about.Size),
		"channels":      strconv.Itoa(about.Channels),
		"classes":       strconv.Itoa(about.Classes),
	}}
	var body []byte
	for _, t := range n.tensors() {
		from := len(body)
		for _, v := range t.data {
			body = binary.LittleEndian.AppendUint32(body, math.Float32bits(v))
		}
		header[t.name] = tensorHeader{"F32", t.shape, [2]int{from, len(body)}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(file, text...), body...), nil
}

func decode(file []byte) (*network, About, error) {
	var about About
	if len(file) < 8 {
		return nil, about, errors.New("the file is too short")
	}
	length := binary.LittleEndian.Uint64(file)
	if length > uint64(len(file)-8) {
		return nil, about, fmt.Errorf("the header claims %d bytes, the file has %d", length, len(file)-8)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(file[8:8+length], &header); err != nil {
		return nil, about, fmt.Errorf("the header is not JSON: %w", err)
	}
	body := file[8+length:]
	var meta map[string]string
	if err := json.Unmarshal(header["__metadata__"], &meta); err != nil {
		return nil, about, fmt.Errorf("the metadata cannot be read: %w", err)
	}
	if meta["format"] != weightsFormat {
		return nil, about, fmt.Errorf("the format is %q, want %q", meta["format"], weightsFormat)
	}
	about = About{Set: meta["set"], Command: meta["command"], TrainingHash: meta["training_hash"]}
	var failed error
	number := func(key string) int {
		v, err := strconv.Atoi(meta[key])
		failed = errors.Join(failed, err)
		return v
	}
	about.Epochs, about.Size, about.Channels, about.Classes = number("epochs"), number("size"), number("channels"), number("classes")
	seed, err1 := strconv.ParseUint(meta["seed"], 10, 64)
	accuracy, err2 := strconv.ParseFloat(meta["test_accuracy"], 64)
	about.Seed, about.Accuracy = seed, accuracy
	if err := errors.Join(failed, err1, err2); err != nil {
		return nil, about, fmt.Errorf("the metadata: %w", err)
	}
	n, err := newNetwork(about.Size, about.Channels, about.Classes)
	if err != nil {
		return nil, about, err
	}
	for _, t := range n.tensors() {
		var h tensorHeader
		if err := json.Unmarshal(header[t.name], &h); err != nil {
			return nil, about, fmt.Errorf("tensor %s: %w", t.name, err)
		}
		lo, hi := h.Offsets[0], h.Offsets[1]
		if h.DType != "F32" || fmt.Sprint(h.Shape) != fmt.Sprint(t.shape) || lo < 0 || hi > len(body) || hi-lo != 4*len(t.data) {
			return nil, about, fmt.Errorf("tensor %s is %s %v at %v of %d bytes, want F32 %v", t.name, h.DType, h.Shape, h.Offsets,
				len(body), t.shape)
		}
		for i := range t.data {
			t.data[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[lo+4*i:]))
		}
	}
	return n, about, nil
}
