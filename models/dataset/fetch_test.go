package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// toySet is a set of four small files and a server that has them.
func toySet(t *testing.T) (files [4]idxFile, content map[string][]byte) {
	content = map[string][]byte{}
	for i, f := range idxSets[MNIST] {
		b := idxBytes(3 + i)
		sum := sha256.Sum256(b)
		files[i] = idxFile{f.name, int64(len(b)), hex.EncodeToString(sum[:])}
		content[f.name] = b
	}
	return files, content
}

func serve(t *testing.T, content map[string][]byte, change func(name string, b []byte) []byte) (origin, *int) {
	hits := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".gz")
		b, ok := content[name]
		if !ok || !strings.HasSuffix(r.URL.Path, ".gz") {
			http.NotFound(w, r)
			return
		}
		b = packed(b)
		if change != nil {
			b = change(name, b)
		}
		w.Write(b)
	}))
	t.Cleanup(s.Close)
	return webOrigin{base: s.URL + "/", client: s.Client()}, &hits
}

func TestFetchIsCompleteAndIdempotent(t *testing.T) {
	files, content := toySet(t)
	o, hits := serve(t, content, nil)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	reports := 0
	p := func(what string, done, total int64) { reports++ }
	if err := fetchFiles(context.Background(), MNIST, dir, files, []origin{folderOrigin(dir + "-none"), o}, p); err != nil {
		t.Fatal(err)
	}
	if *hits != 4 || reports < 5 {
		t.Errorf("%d requests and %d reports", *hits, reports)
	}
	wantFolder(t, dir, content)
	if err := fetchFiles(context.Background(), MNIST, dir, files, []origin{o}, nil); err != nil || *hits != 4 {
		t.Errorf("a second fetch made %d requests (%v)", *hits-4, err)
	}
	os.WriteFile(filepath.Join(dir, files[2].name), []byte("spoiled"), 0o666)
	if err := fetchFiles(context.Background(), MNIST, dir, files, []origin{o}, nil); err != nil || *hits != 5 {
		t.Errorf("mending one file made %d requests (%v)", *hits-4, err)
	}
	wantFolder(t, dir, content)
}

func wantFolder(t *testing.T, dir string, content map[string][]byte) {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	if len(entries) != len(content) {
		t.Errorf("folder has %v, want %d files", entries, len(content))
	}
	for name, want := range content {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %d bytes, want %d (%v)", name, len(got), len(want), err)
		}
	}
}

func TestFetchRefusesWrongFiles(t *testing.T) {
	files, content := toySet(t)
	first := files[0].name
	for name, c := range map[string]struct {
		change func(string, []byte) []byte
		want   string
	}{
		"other content": {func(_ string, b []byte) []byte { return packed(append(content[first][:8:8], 9, 9, 9)) }, "SHA-256"},
		"cut":           {func(_ string, b []byte) []byte { return b[:len(b)-9] }, "breaks off"},
		"too long":      {func(_ string, b []byte) []byte { return packed(make([]byte, 1<<20)) }, "unpacks to 12 bytes or more, expected 11"},
		"a web page":    {func(_ string, b []byte) []byte { return []byte("<html>please log in</html>") }, "is not the published file"},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := serve(t, content, c.change)
			dir := t.TempDir()
			err := fetchFiles(context.Background(), MNIST, dir, files, []origin{o}, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), first) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			wantFolder(t, dir, nil) // nothing is left behind
		})
	}
}

func TestFetchGoesOnToTheNextOrigin(t *testing.T) {
	files, content := toySet(t)
	bad, _ := serve(t, content, func(name string, b []byte) []byte {
		if name == files[2].name {
			return []byte("oops")
		}
		return b
	})
	good, hits := serve(t, content, nil)
	dir := t.TempDir()
	if err := fetchFiles(context.Background(), MNIST, dir, files, []origin{bad, good}, nil); err != nil {
		t.Fatal(err)
	}
	if *hits != 2 {
		t.Errorf("the second origin gave %d files, want the 2 still missing", *hits)
	}
	wantFolder(t, dir, content)
}

func TestFetchWithNothingReachable(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no go command
	files, _ := toySet(t)
	dead := webOrigin{base: "http://127.0.0.1:1/", client: &http.Client{Timeout: time.Second}}
	err := fetchFiles(context.Background(), MNIST, t.TempDir(), files, []origin{&moduleOrigin{}, dead}, nil)
	if err == nil {
		t.Fatal("fetched from nowhere")
	}
	for _, want := range []string{"go command is not installed", "127.0.0.1:1", "go mod download -json", "train-images-idx3-ubyte.gz",
		files[0].sum} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestFetchStops(t *testing.T) {
	files, content := toySet(t)
	o, _ := serve(t, content, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := fetchFiles(ctx, MNIST, t.TempDir(), files, []origin{o}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFetchNamesTheFolderItCannotWrite(t *testing.T) {
	files, content := toySet(t)
	o, _ := serve(t, content, nil)
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o666)
	err := fetchFiles(context.Background(), MNIST, filepath.Join(file, "sub"), files, []origin{o}, nil)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "PRABENCH_DATA") {
		t.Errorf("got %v", err)
	}
}

func TestFetchOfSetsThatAreNotFetched(t *testing.T) {
	for set, want := range map[string]string{CIFAR10: "unpack", Folder: "of your own", ImageNet: "of your own", "mnits": "allowed: mnist"} {
		t.Setenv("PRABENCH_DATA", t.TempDir())
		wantError(t, Fetch(context.Background(), set, "", nil), "data.set", want)
	}
	if err := Fetch(context.Background(), Shapes, "", nil); err != nil {
		t.Errorf("shapes: %v", err)
	}
}
