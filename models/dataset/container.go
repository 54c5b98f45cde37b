package dataset

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// container is where encoded pictures lie: a folder of class folders, tar shards,
// or Parquet files.
type container interface {
	classNames() []string // by label
	// list names the pictures of both splits, and says what was found. Classes take
	// turns, each in the order of its names, so that the first n are as balanced as
	// the container is.
	list() (train, test []item, found *survey, err error)
	// read gives a picture to decode, which is open until close is called.
	read(it item) (f io.ReadSeeker, length int64, closing func(), err error)
	name(it item) string // for people
	// stamp writes what changes when a picture is replaced, without reading any.
	stamp(w io.Writer, all []item) error
}

// item is one picture of a set.
type item struct {
	rel   string // its path under root with forward slashes
	class int
	turn  int // position within its class

	file int   // in shards: which of them
	at   int64 // its first byte, or its row
	size int64 // its bytes
}

func byTurn(a, b item) int { return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.class, b.class)) }

// byPlace is the order in which pictures are read best.
func byPlace(a, b item) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.at, b.at)) }

// openContainer looks at what lies under root. Class folders that hold pictures
// count for more than shards beside them.
func openContainer(root string) (container, error) {
	folder, err := listClasses(root)
	for _, kind := range []struct {
		ending string
		open   func(root string, shards []shard, left []string) (container, error)
	}{{".tar", openTars}, {".parquet", openParquets}} {
		shards, left, failed := shardsIn(root, kind.ending)
		if failed != nil {
			return nil, failed
		}
		if len(shards) > 0 && (err != nil || !folder.holdsPictures()) {
			return kind.open(root, shards, left)
		}
	}
	if err != nil {
		return nil, err
	}
	return folder, nil
}

func (l classList) holdsPictures() bool {
	for _, class := range l.classes {
		if in, err := pictures(l.root, path.Join(l.train, class), &survey{}); err == nil && len(in) > 0 {
			return true
		}
	}
	return false
}

// shard is a file of many pictures.
type shard struct {
	rel  string // under root
	size int64
	time int64
	test bool
}

// testNames are the names of test splits, the first that is there is taken.
var testNames = []string{"val", "valid", "validation", "test"}

// shardsIn lists the files with an ending in root, or in its folders data, train
// and those of test splits, in the order of their names. A file belongs to the test
// split when its name, or its folder's, begins so; left are those of further test splits.
func shardsIn(root, ending string) (kept []shard, left []string, err error) {
	var all []shard
	of := map[string]int{} // by the name of the split
	var splits []string
	for _, dir := range append([]string{".", "data", "train"}, testNames...) {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			if dir == "." {
				return nil, nil, problem("data.root", "cannot look into %s: %v", root, err)
			}
			continue
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") || !strings.EqualFold(filepath.Ext(e.Name()), ending) {
				continue
			}
			st, err := os.Stat(filepath.Join(root, dir, e.Name()))
			if err != nil || !st.Mode().IsRegular() {
				continue
			}
			split := splitOf(dir, e.Name())
			of[split]++
			splits = append(splits, split)
			all = append(all, shard{rel: filepath.ToSlash(filepath.Join(dir, e.Name())), size: st.Size(), time: st.ModTime().UnixNano()})
		}
	}
	test := ""
	for _, name := range testNames {
		if of[name] > 0 {
			test = name
			break
		}
	}
	for i, s := range all {
		if splits[i] == "" || splits[i] == "train" || splits[i] == test {
			s.test = splits[i] == test && test != ""
			kept = append(kept, s)
		} else {
			left = append(left, s.rel)
		}
	}
	return kept, left, nil
}

// splitOf is the split that a shard's folder or name begins with.
func splitOf(dir, name string) string {
	if dir != "." && dir != "data" {
		return dir
	}
	lead := strings.ToLower(name)
	if i := strings.IndexAny(lead, "-_."); i >= 0 {
		lead = lead[:i]
	}
	if lead == "train" || slices.Contains(testNames, lead) {
		return lead
	}
	return ""
}

// divide gives the pictures of shards their turns, and splits them by the hash of
// their names where no shard is of the test split.
func divide(all []item, shards []shard) (train, test []item) {
	byHash := !slices.ContainsFunc(shards, func(s shard) bool { return s.test })
	slices.SortStableFunc(all, func(a, b item) int { return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.rel, b.rel)) })
	type place struct {
		class int
		test  bool
	}
	turns := map[place]int{}
	for _, it := range all {
		p := place{it.class, shards[it.file].test || byHash && isHeldOut(it.rel)}
		it.turn = turns[p]
		turns[p]++
		if p.test {
			test = append(test, it)
		} else {
			train = append(train, it)
		}
	}
	slices.SortFunc(train, byTurn)
	slices.SortFunc(test, byTurn)
	return train, test
}

// stampShards is the container method of shards.
func stampShards(w io.Writer, shards []shard, all []item) error {
	for _, s := range shards {
		fmt.Fprintf(w, "%q %d %d %v\n", s.rel, s.size, s.time, s.test)
	}
	for _, it := range all {
		fmt.Fprintf(w, "%d %d %d\n", it.file, it.at, it.class)
	}
	return nil
}

// decode reads a picture of a container and fits it into place.
func (r resolved) decode(c container, it item, out []byte) (turn int, err error) {
	f, length, closing, err := c.read(it)
	if err != nil {
		return 1, err
	}
	defer closing()
	return decodePicture(f, c.name(it), length, out, r.form())
}

// form is what becomes of pictures.
func (r resolved) form() form {
	return form{r.info.Size, r.info.Channels, r.fit, r.Decoder == turboDecoder}
}

// loadPictures is the images of a container, decoded, from a file of decoded
// pixels, or to be read later.
func loadPictures(ctx context.Context, r resolved, p Progress) (*Data, error) {
	if r.Root == "" {
		return nil, noImageNet()
	}
	if isPacked(r.Root) {
		return loadPacked(r)
	}
	if err := r.decodable(); err != nil {
		return nil, err
	}
	c, err := openContainer(r.Root)
	if err != nil {
		return nil, err
	}
	train, test, found, err := c.list()
	if err != nil {
		return nil, err
	}
	said := found.sentences(c.classNames(), train, test)
	train, test = train[:limited(len(train), r.Limit)], test[:limited(len(test), r.Limit)]
	s := &pictureSet{r: r, of: c, all: slices.Concat(train, test), train: len(train)}
	d, err := s.load(ctx, p)
	if err != nil {
		return nil, err
	}
	d.Found = append(said, d.Found...)
	return d, nil
}

// pictureSet is the pictures that a set consists of.
type pictureSet struct {
	r     resolved
	of    container
	all   []item // the first train of them are the training split
	train int
}

func (s *pictureSet) each() int { return s.r.info.Size * s.r.info.Size * s.r.info.Channels }

func (s *pictureSet) load(ctx context.Context, p Progress) (*Data, error) {
	n, total := len(s.all), int64(len(s.all))*int64(s.each())
	resident := total <= residentMost()
	key := ""
	if n >= keepFrom || !resident {
		key = s.key()
	}
	if d := s.kept(key, resident); d != nil {
		p.report("reading images", int64(n), int64(n))
		return d, nil
	}
	if !resident {
		return s.stream(ctx, key, p)
	}
	if err := fitsInMemory(n, s.each()); err != nil {
		return nil, err
	}
	pixels := make([]byte, total)
	about, err := s.decodeAll(ctx, p, func(i int, from []byte) error {
		copy(pixels[i*s.each():], from)
		return nil
	})
	if err != nil {
		return nil, err
	}
	cut := s.train * s.each()
	d := &Data{Train: Split{N: s.train, Pixels: pixels[:cut:cut], Labels: about.labels[:s.train:s.train]},
		Test: Split{N: n - s.train, Pixels: pixels[cut:], Labels: about.labels[s.train:]}, Hash: about.Hash, Found: about.Found}
	if key != "" {
		keep(key, s.r.Root, d)
	}
	return d, nil
}

// stream decodes every picture once, which names the set, and keeps the pixels
// where there is room for them. Without room they are decoded whenever they are read.
func (s *pictureSet) stream(ctx context.Context, key string, p Progress) (*Data, error) {
	path, err := keptPath(key)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o777)
	}
	if err != nil || key == "" {
		about, err := s.decodeAll(ctx, p, func(int, []byte) error { return nil })
		if err != nil {
			return nil, err
		}
		return s.later(about), nil
	}
	room := makeRoom(int64(len(s.all)) * int64(s.each()))
	about, err := writePacked(path, s.each(), func(write func(i int, pixels []byte) error) (*decoded, error) {
		if !room {
			write = func(int, []byte) error { return nil }
		}
		about, err := s.decodeAll(ctx, p, write)
		if err == nil {
			about.Root, about.Absent = absolute(s.r.Root), !room
		}
		return about, err
	})
	if err != nil {
		return nil, err
	}
	if d := s.kept(key, false); d != nil {
		return d, nil
	}
	return s.later(about), nil
}

// later is a set whose pictures are decoded whenever they are read.
func (s *pictureSet) later(about *decoded) *Data {
	all := &pictureReader{of: s.of, items: s.all, sums: about.sums, r: s.r}
	return &Data{Hash: about.Hash, Found: about.Found,
		Train: Split{N: s.train, Labels: about.labels[:s.train:s.train], Reader: all},
		Test:  Split{N: len(s.all) - s.train, Labels: about.labels[s.train:], Reader: from{all, s.train}}}
}

// decodeAll decodes every picture, in the order in which they lie, gives the pixels
// to put, from many goroutines, and says what came out.
func (s *pictureSet) decodeAll(ctx context.Context, p Progress, put func(i int, pixels []byte) error) (*decoded, error) {
	n := len(s.all)
	d := &decoded{labels: make([]int32, n), sums: make([]uint32, n)}
	d.Train, d.Test, d.Bytes = s.train, n-s.train, s.each()
	hashes, turns := make([][sha256.Size]byte, n), make([]bool, n)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return byPlace(s.all[a], s.all[b]) })
	var done atomic.Int64
	var mu sync.Mutex
	var damaged damages
	buffers := sync.Pool{New: func() any { b := make([]byte, s.each()); return &b }}
	err := inParallel(ctx, n, func(k int) error {
		i := order[k]
		out := buffers.Get().(*[]byte)
		defer buffers.Put(out)
		clear(*out)
		turn, err := s.r.decode(s.of, s.all[i], *out)
		if err != nil { // the others are read all the same: all that is damaged is said at once
			mu.Lock()
			damaged.at, damaged.why = append(damaged.at, i), append(damaged.why, err)
			mu.Unlock()
		}
		turns[i] = turn != 1
		d.labels[i], hashes[i], d.sums[i] = int32(s.all[i].class), sha256.Sum256(*out), checksum(*out)
		if n := done.Add(1); n%64 == 0 || n == int64(len(s.all)) {
			p.report("reading images", n, int64(len(s.all)))
		}
		return put(i, *out)
	})
	if err == nil {
		err = damaged.err(n)
	}
	if err != nil {
		return nil, err
	}
	h := s.r.newHash(s.train, n-s.train)
	upright := 0
	for i, f := range s.all {
		// Decoders may change with the Go release, so the pixels are what counts.
		h.addImage(int32(f.class), hashes[i])
		if turns[i] {
			upright++
		}
	}
	if upright > 0 {
		h.add(uprightRecord)
		d.Found = append(d.Found, fmt.Sprintf("%d images were %s", upright, turnedUpright))
	}
	d.Hash = h.sum()
	return d, nil
}
