package outside

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // a format that folders may hold
	_ "image/png"  // a format that folders may hold
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// largestPicture bounds a file of a single image: this tool's are small.
const largestPicture = 64 << 20

// picture is a file with an image; name is its path with forward slashes.
type picture struct {
	name string
	raw  []byte
}

func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return !strings.HasPrefix(path.Base(name), ".")
	}
	return false
}

func (s *Set) folder(root string) error {
	var names []string
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && file != root && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		if rel, _ := filepath.Rel(root, file); !e.IsDir() && isPicture(filepath.ToSlash(rel)) {
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(names)
	files := make([]picture, len(names))
	h := sha256.New()
	for i, name := range names {
		raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		files[i] = picture{name, raw}
		fmt.Fprintf(h, "%s  %s\n", sumOf(raw), name) // as sha256sum writes it
	}
	s.SHA256 = hex.EncodeToString(h.Sum(nil))
	return s.decode(root, files)
}

func (s *Set) tar(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	in := io.TeeReader(f, h)
	var files []picture
	for r := tar.NewReader(in); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: not a whole tar file: %w", file, err)
		}
		name := path.Clean(e.Name)
		if e.Typeflag != tar.TypeReg || !isPicture(name) {
			continue
		}
		if e.Size > largestPicture {
			return fmt.Errorf("%s: %s has %d bytes, an image here has at most %d: leave it out, or save it smaller", file,
				name, e.Size, largestPicture)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", file, name, err)
		}
		files = append(files, picture{name, raw})
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	s.SHA256 = hex.EncodeToString(h.Sum(nil))
	slices.SortStableFunc(files, func(a, b picture) int { return strings.Compare(a.name, b.name) })
	return s.decode(file, files)
}

// decode turns files into images. Their folders are their classes, where each
// file lies in one and there are several.
func (s *Set) decode(from string, files []picture) error {
	var folders []string
	for _, f := range files {
		if dir := path.Dir(f.name); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	slices.Sort(folders)
	if len(folders) > 1 && slices.Contains(folders, ".") {
		return fmt.Errorf("%s has images beside class folders: put every image into the folder of its class, or all into one folder", from)
	}
	for _, f := range files {
		pixels, err := s.one(path.Join(filepath.ToSlash(from), f.name), f.raw)
		if err != nil {
			return err
		}
		s.Pixels = append(s.Pixels, pixels...)
		s.N++
		if len(folders) > 1 {
			s.Labels = append(s.Labels, int32(slices.Index(folders, path.Dir(f.name))))
		}
	}
	if len(folders) > 1 {
		for _, f := range folders {
			s.Classes = append(s.Classes, path.Base(f))
		}
	}
	return nil
}

// one decodes a single image, whose size is known before its pixels are.
func (s *Set) one(name string, raw []byte) ([]uint8, error) {
	about, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s is no PNG or JPEG image: %w", name, err)
	}
	if about.Width != s.size || about.Height != s.size {
		return nil, wrongSize(name, about.Width, about.Height, s.size)
	}
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", name, err)
	}
	switch src.ColorModel() {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return nil, fmt.Errorf("%s has 16 bits per channel: save it with 8, by the rounding that you publish with", name)
	}
	if o, ok := src.(interface{ Opaque() bool }); ok && !o.Opaque() {
		return nil, fmt.Errorf("%s is transparent (RGBA): put it on the background that you publish with and save it as RGB", name)
	}
	b := src.Bounds()
	out := make([]uint8, 0, s.size*s.size*s.channels)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(src.At(x, y)).(color.NRGBA)
			if s.channels == 3 {
				out = append(out, c.R, c.G, c.B)
				continue
			}
			if c.R != c.G || c.G != c.B {
				return nil, fmt.Errorf("%s has colours, the experiment's images are grey: convert it as you publish it", name)
			}
			out = append(out, c.R)
		}
	}
	return out, nil
}
