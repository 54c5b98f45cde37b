package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go"
)

// parquetShards are pictures in Parquet files as Hugging Face writes them: a column
// image with the fields bytes and path, and a column label with numbers, whose
// names are in the metadata.
type parquetShards struct {
	root    string
	shards  []shard
	open    []*parquetFile
	classes []string
	all     []item
	left    []string // shards of further test splits
}

// parquetFile is a shard that is open as long as the process runs.
type parquetFile struct {
	f            *os.File
	p            *parquet.File
	image, label int     // columns
	begins       []int64 // first row of each group, and the number of rows

	mu     sync.Mutex
	pages  map[int64][]parquet.Value // rows of pages that were read, by their first one
	recent []int64
}

const pagesKept = 4 // of a shard

var parquetFiles sync.Map // by tarName

// Columns that hold pictures and classes, by the names that are in use.
var (
	imageColumns = []string{"image", "img", "jpg", "jpeg", "png", "webp", "picture"}
	labelColumns = []string{"label", "labels", "cls", "class", "fine_label", "class_label", "target"}
)

func openParquets(root string, shards []shard, left []string) (container, error) {
	t := &parquetShards{root: root, shards: shards, left: left}
	for i, s := range shards {
		p, err := openParquet(filepath.Join(root, filepath.FromSlash(s.rel)), s)
		if err != nil {
			return nil, err
		}
		t.open = append(t.open, p)
		labels, err := p.labels()
		if err != nil {
			return nil, fmt.Errorf("reading images: %s: %w", t.path(i), err)
		}
		for row, l := range labels {
			t.all = append(t.all, item{rel: fmt.Sprintf("%s/%09d", s.rel, row), class: int(l), file: i, at: int64(row)})
		}
	}
	if len(t.all) == 0 {
		return nil, problem("data.root", "the Parquet files of %s have no rows", root)
	}
	names := make([]string, len(t.all))
	for i, it := range t.all {
		names[i] = strconv.Itoa(it.class)
	}
	var err error
	if t.classes, err = numbered(root, names, func(i, class int) { t.all[i].class = class }); err != nil {
		return nil, err
	}
	if named := t.open[0].classNames(); len(named) >= len(t.classes) {
		t.classes = named
	}
	return t, nil
}

func (t *parquetShards) path(i int) string {
	return filepath.Join(t.root, filepath.FromSlash(t.shards[i].rel))
}

func openParquet(path string, s shard) (*parquetFile, error) {
	name := tarName{path, s.size, s.time}
	if p, known := parquetFiles.Load(name); known {
		return p.(*parquetFile), nil
	}
	f, size, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("reading images: %w", err)
	}
	p, err := parquet.OpenFile(f, size, parquet.SkipBloomFilters(true))
	if err != nil {
		f.Close()
		return nil, problem("data.root", "%s is not a readable Parquet file: %v", path, err)
	}
	x := &parquetFile{f: f, p: p, image: -1, label: -1, pages: map[int64][]parquet.Value{}}
	for _, c := range p.Root().Columns() {
		name := strings.ToLower(c.Name())
		leaf := c
		if !c.Leaf() {
			leaf = c.Column("bytes")
		}
		switch {
		case leaf == nil || !leaf.Leaf() || leaf.Repeated():
		case x.image < 0 && slices.Contains(imageColumns, name) && leaf.Type().Kind() == parquet.ByteArray:
			x.image = leaf.Index()
		case x.label < 0 && slices.Contains(labelColumns, name) && (leaf.Type().Kind() == parquet.Int64 || leaf.Type().Kind() == parquet.Int32):
			x.label = leaf.Index()
		}
	}
	if x.image < 0 || x.label < 0 {
		f.Close()
		return nil, problem("data.root", "%s has the columns %s; a column with pictures (%s, of bytes or with a field bytes) and one with class "+
			"numbers (%s) are needed",
			path, columnNames(p), strings.Join(imageColumns, ", "), strings.Join(labelColumns, ", "))
	}
	at := int64(0)
	for _, g := range p.RowGroups() {
		x.begins = append(x.begins, at)
		at += g.NumRows()
	}
	x.begins = append(x.begins, at)
	parquetFiles.Store(name, x)
	return x, nil
}

func columnNames(p *parquet.File) string {
	var names []string
	for _, c := range p.Root().Columns() {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}

// labels reads the class of each row.
func (p *parquetFile) labels() ([]int64, error) {
	var out []int64
	for _, g := range p.p.RowGroups() {
		pages := g.ColumnChunks()[p.label].Pages()
		for {
			page, err := pages.ReadPage()
			if err == io.EOF {
				break
			}
			if err != nil {
				pages.Close()
				return nil, err
			}
			values := make([]parquet.Value, page.NumValues())
			n, err := page.Values().ReadValues(values)
			if err != nil && err != io.EOF {
				pages.Close()
				return nil, err
			}
			for _, v := range values[:n] {
				if v.IsNull() || v.Int64() < 0 || v.Int64() >= mostClasses {
					pages.Close()
					return nil, fmt.Errorf("row %d has no class, or one that is no number from 0 on: write one, or leave the row out", len(out))
				}
				out = append(out, v.Int64())
			}
		}
		pages.Close()
	}
	if int64(len(out)) != p.begins[len(p.begins)-1] {
		return nil, fmt.Errorf("%d rows have a class, of %d: give the others one, or leave them out", len(out), p.begins[len(p.begins)-1])
	}
	return out, nil
}

// classNames are those that Hugging Face writes into the metadata.
func (p *parquetFile) classNames() []string {
	text, ok := p.p.Lookup("huggingface")
	if !ok {
		return nil
	}
	var about struct {
		Info struct {
			Features map[string]struct {
				Names []string `json:"names"`
			} `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(text), &about) != nil {
		return nil
	}
	for _, c := range p.p.Root().Columns() {
		if f, ok := about.Info.Features[c.Name()]; ok && len(f.Names) > 0 && slices.Contains(labelColumns, strings.ToLower(c.Name())) {
			return f.Names
		}
	}
	return nil
}

// picture is the bytes of a row. Pages that were read last are kept, since rows
// that follow each other lie in one.
func (p *parquetFile) picture(row int64) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for first, values := range p.pages {
		if row >= first && row < first+int64(len(values)) {
			return bytesOf(values[row-first])
		}
	}
	group, _ := slices.BinarySearch(p.begins, row+1)
	group--
	pages := p.p.RowGroups()[group].ColumnChunks()[p.image].Pages()
	defer pages.Close()
	if err := pages.SeekToRow(row - p.begins[group]); err != nil {
		return nil, err
	}
	page, err := pages.ReadPage()
	if err != nil {
		return nil, err
	}
	values := make([]parquet.Value, page.NumValues())
	n, err := page.Values().ReadValues(values)
	if err != nil && err != io.EOF || n == 0 {
		return nil, fmt.Errorf("its page cannot be read: %w", err)
	}
	if len(p.recent) == pagesKept {
		delete(p.pages, p.recent[0])
		p.recent = p.recent[1:]
	}
	p.pages[row], p.recent = values[:n], append(p.recent, row)
	return bytesOf(values[0])
}

func bytesOf(v parquet.Value) ([]byte, error) {
	if v.IsNull() || len(v.ByteArray()) == 0 {
		return nil, fmt.Errorf("it has no picture")
	}
	return v.ByteArray(), nil
}

func (t *parquetShards) classNames() []string { return t.classes }

func (t *parquetShards) list() (train, test []item, found *survey, err error) {
	train, test = divide(slices.Clone(t.all), t.shards)
	if len(train) == 0 {
		return nil, nil, nil, problem("data.root", "the Parquet files of %s hold no training image", t.root)
	}
	found = &survey{}
	found.secondTest(t.left)
	return train, test, found, nil
}

func (t *parquetShards) name(it item) string {
	return fmt.Sprintf("%s: row %d", t.path(it.file), it.at)
}

func (t *parquetShards) read(it item) (f io.ReadSeeker, length int64, closing func(), err error) {
	b, err := t.open[it.file].picture(it.at)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("%s cannot be read: %w", t.name(it), err)
	}
	return bytes.NewReader(b), int64(len(b)), func() {}, nil
}

func (t *parquetShards) stamp(w io.Writer, all []item) error { return stampShards(w, t.shards, all) }
