package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"prabench/internal/gitenv"
)

// addresses are the published places of the packed files, the last resort.
var addresses = map[string][]string{
	MNIST: {
		"https://storage.googleapis.com/cvdf-datasets/mnist/",
		"https://ossci-datasets.s3.amazonaws.com/mnist/",
	},
	FashionMNIST: {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
}

// originsOf lists where to look, nearest first.
func originsOf(set string) []origin {
	var all []origin
	for _, dir := range localFolders(set) {
		all = append(all, folderOrigin(dir))
	}
	if set == MNIST {
		all = append(all, &moduleOrigin{})
	}
	for _, base := range addresses[set] {
		all = append(all, webOrigin{base: base, client: webClient})
	}
	return all
}

// folderOrigin is a folder on this machine.
type folderOrigin string

func (o folderOrigin) String() string { return "folder " + string(o) }

func (o folderOrigin) open(_ context.Context, name string, _ Progress) (io.ReadCloser, int64, error) {
	if _, err := os.Stat(string(o)); err != nil {
		return nil, 0, errors.New("not there")
	}
	for _, n := range []string{name, name + ".gz"} {
		f, err := os.Open(filepath.Join(string(o), n))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		size := int64(-1)
		if st, err := f.Stat(); err == nil {
			size = st.Size()
		}
		return f, size, nil
	}
	return nil, 0, fmt.Errorf("has no file %s", name)
}

// moduleOrigin is the Go module in which MNIST travels; the go command brings
// it from a module proxy into its own cache.
type moduleOrigin struct{ dir string }

func (o *moduleOrigin) String() string { return "Go module " + mnistModule }

func (o *moduleOrigin) open(ctx context.Context, name string, p Progress) (io.ReadCloser, int64, error) {
	if o.dir == "" {
		dir, err := downloadModule(ctx, mnistModule, p)
		if err != nil {
			return nil, 0, err
		}
		o.dir = filepath.Join(dir, "data")
	}
	return folderOrigin(o.dir).open(ctx, name, p)
}

func downloadModule(ctx context.Context, module string, p Progress) (string, error) {
	gobin, err := exec.LookPath("go")
	if err != nil {
		return "", errors.New("the go command is not installed or not in PATH")
	}
	// An empty folder, so that no go.mod of the user's is read or changed.
	dir, err := os.MkdirTemp("", "prabench-fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	p.report("downloading Go module "+module, 0, -1)
	cmd := exec.CommandContext(ctx, gobin, "mod", "download", "-json", module)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	name, _, _ := strings.Cut(module, "@")
	// The files are checked against our own sums, so the checksum database,
	// which is out of reach on many clusters, is not asked.
	cmd.Env = gitenv.Clean("GO111MODULE=on", "GOWORK=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GONOSUMDB="+name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, runErr := cmd.Output()
	var answer struct{ Dir, Error string }
	if err := json.Unmarshal(out, &answer); err == nil && answer.Error != "" {
		return "", errors.New(answer.Error)
	}
	if runErr != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("go mod download did not finish: %w", ctx.Err())
		}
		return "", fmt.Errorf("go mod download failed: %w: %s", runErr, strings.TrimSpace(stderr.String()))
	}
	if answer.Dir == "" {
		return "", errors.New("go mod download named no folder")
	}
	return answer.Dir, nil
}

// webOrigin is a folder on a web server.
type webOrigin struct {
	base   string
	client *http.Client
}

// webClient gives up on a silent server soon, but lets a slow one go on.
var webClient = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	TLSHandshakeTimeout:   10 * time.Second,
	ResponseHeaderTimeout: 20 * time.Second,
	DisableCompression:    true, // the files are packed already
}}

func (o webOrigin) String() string { return o.base }

func (o webOrigin) open(ctx context.Context, name string, _ Progress) (io.ReadCloser, int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.base+name+".gz", nil)
	if err != nil {
		return nil, 0, err
	}
	res, err := o.client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot be reached: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, 0, fmt.Errorf("answers %q for %s.gz", res.Status, name)
	}
	return res.Body, res.ContentLength, nil
}
