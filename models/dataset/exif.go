package dataset

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
)

// maxMeta bounds how far into a file its orientation is looked for. Cameras
// write it first; a JPEG segment has at most 64 KiB.
const maxMeta = 1 << 20

// orientation is the EXIF orientation of a picture, 1 to 8, by the beginning of
// its file; 1 when none is given or what is given cannot be read. 1 is upright,
// 2 to 8 say how the stored pixels are turned and mirrored.
func orientation(format string, head []byte) int {
	var tiff []byte
	switch format {
	case "jpeg":
		tiff = exifOfJPEG(head)
	case "png":
		tiff = exifOfPNG(head)
	case "webp":
		tiff = exifOfWebP(head)
	}
	return orientationOf(tiff)
}

var exifMark = []byte("Exif\x00\x00")

func exifOfJPEG(b []byte) []byte {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		marker := b[i+1]
		if marker == 0xff { // fill
			i++
			continue
		}
		if marker == 0xda || marker == 0xd9 { // the scan, the end
			return nil
		}
		length := int(binary.BigEndian.Uint16(b[i+2:]))
		if length < 2 || i+2+length > len(b) {
			return nil
		}
		if content := b[i+4 : i+2+length]; marker == 0xe1 && bytes.HasPrefix(content, exifMark) {
			return content[len(exifMark):]
		}
		i += 2 + length
	}
	return nil
}

func exifOfPNG(b []byte) []byte {
	for i := 8; i+12 <= len(b); {
		length := int(binary.BigEndian.Uint32(b[i:]))
		if length < 0 || length > len(b)-i-12 || string(b[i+4:i+8]) == "IDAT" {
			return nil
		}
		if string(b[i+4:i+8]) == "eXIf" {
			return b[i+8 : i+8+length]
		}
		i += 12 + length
	}
	return nil
}

// exifOfWebP finds the chunk that follows the pixels.
func exifOfWebP(b []byte) []byte {
	for i := 12; i+8 <= len(b); {
		length := int(binary.LittleEndian.Uint32(b[i+4:]))
		if length < 0 || length > len(b)-i-8 {
			return nil
		}
		if string(b[i:i+4]) == "EXIF" {
			return bytes.TrimPrefix(b[i+8:i+8+length], exifMark)
		}
		i += 8 + length + length%2
	}
	return nil
}

// orientationOf reads tag 0x0112 of the first directory of a TIFF block.
func orientationOf(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	for i, n := at+2, int(order.Uint16(b[at:])); n > 0 && i+12 <= int64(len(b)); i, n = i+12, n-1 {
		if order.Uint16(b[i:]) != 0x0112 {
			continue
		}
		if o := int(order.Uint16(b[i+8:])); order.Uint16(b[i+2:]) == 3 && o >= 1 && o <= 8 { // type: short
			return o
		}
		return 1
	}
	return 1
}

// turned shows a picture upright whose pixels are stored with an orientation.
type turned struct {
	image.Image
	how int
}

func (t turned) Bounds() image.Rectangle {
	b := t.Image.Bounds()
	if t.how >= 5 {
		return image.Rect(0, 0, b.Dy(), b.Dx())
	}
	return image.Rect(0, 0, b.Dx(), b.Dy())
}

// from is where the pixel of the upright picture is stored.
func (t turned) from(x, y int) (int, int) {
	b := t.Image.Bounds()
	w, h := b.Dx()-1, b.Dy()-1
	switch t.how {
	case 2:
		x = w - x
	case 3:
		x, y = w-x, h-y
	case 4:
		y = h - y
	case 5:
		x, y = y, x
	case 6:
		x, y = y, h-x
	case 7:
		x, y = w-y, h-x
	case 8:
		x, y = w-y, x
	}
	return b.Min.X + x, b.Min.Y + y
}

func (t turned) At(x, y int) color.Color { return t.Image.At(t.from(x, y)) }

func (t turned) RGBA64At(x, y int) color.RGBA64 {
	x, y = t.from(x, y)
	if m, ok := t.Image.(image.RGBA64Image); ok {
		return m.RGBA64At(x, y)
	}
	r, g, b, a := t.Image.At(x, y).RGBA()
	return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
}
