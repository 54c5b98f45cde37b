package dataset

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
)

// maxPictureBytes bounds the memory for decoding one picture. The largest
// pictures of ImageNet, of 61 million pixels, need less.
const maxPictureBytes = 500 << 20

// A decoder allocates what the header claims before it reads the data, so the
// claim is compared with what a file of this size can hold. PNG: DEFLATE
// shrinks at most maxInflate times. JPEG: 64 samples take one bit at least.
// BMP: a pixel takes one bit at least. WebP has no such limit, a file of one
// colour is as small as one likes: this one leaves room for any photograph.
const (
	jpegPixelsPerByte = 64 * 8
	bmpPixelsPerByte  = 8
	webpPixelsPerByte = 1 << 14
)

// boundPicture reads the header of a picture's file of the given size in
// bytes, gives its format and refuses what is neither, cannot be true, or would take more than
// maxPictureBytes to decode and to fit into a square of side pixels. The errors
// continue a sentence that starts with the file.
func boundPicture(r io.ReadSeeker, size int64, side int) (format string, err error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	var head bytes.Buffer
	c, format, err := image.DecodeConfig(io.TeeReader(bufio.NewReader(r), &head))
	if err != nil {
		return format, fmt.Errorf("is not a readable PNG, JPEG, WebP or BMP file: %w", err)
	}
	pixels := int64(c.Width) * int64(c.Height) // both below 2³¹
	if c.Width <= 0 || c.Height <= 0 {
		return format, fmt.Errorf("claims %d×%d pixels", c.Width, c.Height)
	}
	holds := size * map[string]int64{"png": maxInflate * 8, "jpeg": jpegPixelsPerByte, "bmp": bmpPixelsPerByte,
		"webp": webpPixelsPerByte}[format]
	if pixels > holds {
		return format, fmt.Errorf("is damaged: it claims %d×%d pixels, a file of %d bytes holds at most %d", c.Width, c.Height, size, holds)
	}
	need := pixels
	if pixels <= maxPictureBytes { // what follows cannot overflow
		switch format {
		case "jpeg":
			need = jpegBytes(head.Bytes(), pixels)
		case "webp":
			need = 8 * pixels // planes and coefficients, or four bytes and what predicts them
		case "bmp":
			need = 4 * pixels
		default:
			// An interlaced picture is decoded in passes beside the whole, the
			// largest of half its size.
			need = pixels * pngBytes(c.ColorModel) * 3 / 2
		}
		// Scaling goes over the rows first, in four floats a pixel, with weights
		// for every row and column.
		need += 32*int64(side)*int64(c.Height) + 64*int64(c.Width+c.Height)
	}
	if need > maxPictureBytes {
		return format, fmt.Errorf("has %d×%d pixels, too many to decode and scale in %d MiB; make it smaller",
			c.Width, c.Height, maxPictureBytes>>20)
	}
	return format, nil
}

// pngBytes is the size of a decoded pixel.
func pngBytes(m color.Model) int64 {
	switch m {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBAModel, color.NRGBAModel:
		return 4
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	return 1 // a palette
}

// jpegBytes is what decoding takes: a byte for each sample and, when the file
// is progressive, four more for its coefficient. Head is the file up to its
// frame header or further: what a decoder reads for the size.
func jpegBytes(head []byte, pixels int64) int64 {
	samples := 4 * pixels // what cannot be told apart is taken for the worst
	progressive := true
	for i := 2; i+4 <= len(head); {
		if head[i] != 0xff {
			break
		}
		marker := head[i+1]
		if marker == 0xff || marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8 { // fill, or no content
			i++
			if marker != 0xff {
				i++
			}
			continue
		}
		length := int(binary.BigEndian.Uint16(head[i+2:]))
		if marker >= 0xc0 && marker <= 0xc2 && length >= 8+3 && i+2+length <= len(head) {
			frame := head[i+4 : i+2+length]
			progressive = marker == 0xc2
			samples = jpegSamples(frame, pixels)
			break
		}
		i += 2 + max(2, length)
	}
	if progressive {
		return 5 * samples
	}
	return samples
}

// jpegSamples counts samples by the content of a frame header: colour planes
// may be smaller than the picture.
func jpegSamples(frame []byte, pixels int64) int64 {
	n := int(frame[5]) // a frame header has eight bytes or more
	if n < 1 || n > 4 || len(frame) < 6+3*n {
		return 4 * pixels
	}
	var most, sum int64
	for i := range n {
		across, down := int64(frame[7+3*i]>>4), int64(frame[7+3*i]&15)
		most, sum = max(most, across*down), sum+across*down
	}
	if most == 0 {
		return 4 * pixels
	}
	return pixels * sum / most
}
