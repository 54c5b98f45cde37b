// Package turbo decodes JPEG files with libjpeg-turbo where the machine has it.
//
// Its principle is that a second decoder is a matter of speed and must be asked for: its
// pixels differ from those of Go's decoder in the last bits, since both round the
// cosine transform and the chroma in their own way. What it does not decode without
// any complaint it leaves to its caller.
package turbo

// #cgo LDFLAGS: -ldl
// #include "turbo.h"
import "C"

import "unsafe"

// Package is what Debian and Ubuntu call the library.
const Package = "libturbojpeg0"

// Here says whether the library is on this machine.
func Here() bool { return C.pra_turbo_here() != 0 }

// Size is that of a picture in a JPEG file; false where the library would not decode
// it: other colours than grey, YCbCr and RGB, or a damaged head.
func Size(jpeg []byte) (width, height int, ok bool) {
	if len(jpeg) == 0 {
		return 0, 0, false
	}
	var w, h C.int
	ok = C.pra_turbo_header((*C.uchar)(unsafe.Pointer(&jpeg[0])), C.ulong(len(jpeg)), &w, &h) == 0
	return int(w), int(h), ok && w > 0 && h > 0
}

// Decode writes the pixels of a JPEG file of that size into rgb [height, width, 3];
// false where the library finds any fault.
func Decode(jpeg, rgb []byte, width, height int) bool {
	if len(jpeg) == 0 || width < 1 || height < 1 || len(rgb) != width*height*3 {
		return false
	}
	return C.pra_turbo_decode((*C.uchar)(unsafe.Pointer(&jpeg[0])), C.ulong(len(jpeg)), (*C.uchar)(unsafe.Pointer(&rgb[0])), C.int(width),
		C.int(height)) == 0
}
