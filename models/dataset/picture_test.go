package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"prabench/internal/memcap"
)

// progressiveHeader is a JPEG file's beginning: an application segment, the
// frame header of a picture with planes of the given sampling factors, a scan.
func progressiveHeader(w, h uint16, sampling ...byte) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xe0, 0, 4, 'x', 'x', 0xff, 0xc2, 0, byte(8 + 3*len(sampling)), 8}
	b = binary.BigEndian.AppendUint16(b, h)
	b = binary.BigEndian.AppendUint16(b, w)
	b = append(b, byte(len(sampling)))
	for i, s := range sampling {
		b = append(b, byte(i+1), s, 0)
	}
	return append(b, 0xff, 0xda, 0, 2)
}

// pngHeader16 is a PNG file's beginning, of a picture of 16 bits a sample.
func pngHeader16(w, h uint32) []byte {
	b := packedPNGHeader(w, h)
	b[24], b[25] = 16, 6 // depth, colour type
	return binary.BigEndian.AppendUint32(b[:29], crc32.ChecksumIEEE(b[12:29]))
}

func TestPicturesThatClaimTooMuch(t *testing.T) {
	const large = 40 << 20 // bytes of a file that could be so large
	for _, c := range []struct {
		name string
		head []byte
		size int64
		want string // "" when it is accepted
	}{
		{"small PNG file", packedPNGHeader(60000, 60000), 1000, "holds at most"},
		{"largest PNG", packedPNGHeader(1<<27, 1<<27), 1 << 48, "too many to decode"},
		{"large PNG", packedPNGHeader(9000, 6500), large, ""},
		{"large PNG of 16 bits", pngHeader16(9000, 6500), large, "too many to decode"},
		{"small JPEG file", progressiveHeader(60000, 60000, 0x22, 0x11, 0x11), 1000, "holds at most"},
		{"the largest of ImageNet", progressiveHeader(9331, 6530, 0x22, 0x11, 0x11), large, ""},
		{"the same with whole colour", progressiveHeader(9331, 6530, 0x11, 0x11, 0x11), large, "too many to decode"},
		{"a line", packedPNGHeader(1, 1<<20), large, "too many to decode"},
		{"text", []byte("hello"), 5, "not a readable PNG, JPEG"},
	} {
		_, err := boundPicture(bytes.NewReader(c.head), c.size, 256)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzPicture holds that any bytes are a picture of the size asked for or an
// error that names the file, and that no header makes the program grow.
func FuzzPicture(f *testing.F) {
	add := func(b []byte) { f.Add(b, uint8(8), false, uint8(0)) }
	m := flat(13, 9, color.RGBA{200, 100, 50, 128})
	var b bytes.Buffer
	png.Encode(&b, m)
	add(bytes.Clone(b.Bytes()))
	f.Add(bytes.Clone(b.Bytes()), uint8(20), true, uint8(1))
	b.Reset()
	png.Encode(&b, image.NewPaletted(image.Rect(0, 0, 5, 5), color.Palette{color.Black, color.White, color.Transparent}))
	add(bytes.Clone(b.Bytes()))
	b.Reset()
	png.Encode(&b, image.NewNRGBA64(image.Rect(0, 0, 3, 4)))
	add(bytes.Clone(b.Bytes()))
	b.Reset()
	jpeg.Encode(&b, m, nil)
	f.Add(bytes.Clone(b.Bytes()), uint8(3), false, uint8(2))
	b.Reset()
	jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 10, 10)), nil)
	add(bytes.Clone(b.Bytes()))
	add(packedPNGHeader(1<<31-1, 1<<31-1))
	add(packedPNGHeader(60000, 60000))
	add(pngHeader16(700, 700))
	add(progressiveHeader(65535, 65535, 0x11, 0x11, 0x11))
	add(progressiveHeader(500, 400, 0x44, 0x11))
	add(progressiveHeader(1, 65535, 0x11))
	b.Reset()
	bmp.Encode(&b, m)
	add(bytes.Clone(b.Bytes()))
	add(webpFlat(4, 2, color.RGBA{255, 0, 0, 255}))
	add(webpFlat(9999, 9999, color.RGBA{}))
	add(withEXIF(f, m, 6, binary.BigEndian))
	f.Fuzz(func(t *testing.T, b []byte, size uint8, grey bool, how uint8) {
		if size == 0 {
			return
		}
		channels := 3
		if grey {
			channels = 1
		}
		out := make([]byte, int(size)*int(size)*channels)
		memcap.Hold(t, func() {
			_, err := decodePicture(bytes.NewReader(b), "fuzz", int64(len(b)), out,
				form{int(size), channels, []string{"crop", "resize", "pad"}[how%3], how%2 == 0})
			if err != nil && !strings.HasPrefix(err.Error(), "fuzz ") {
				t.Errorf("error does not name the file: %v", err)
			}
		})
	})
}
