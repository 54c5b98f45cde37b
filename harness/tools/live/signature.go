package live

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// unsettled is how long after a write another may have the same time stamp.
const unsettled = 100 * time.Millisecond

// signature tells two states of some files apart: by which file it is, its size
// and the time of its last write. It is "" when a file was written just now,
// since the next write might look the same. A file replaced by another has
// another signature, as has one that went or came.
func signature(now time.Time, paths ...string) string {
	var b strings.Builder
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			b.WriteString("none\n")
			continue
		}
		if age := now.Sub(info.ModTime()); age < unsettled && age > -unsettled {
			return ""
		}
		var device, inode uint64
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			device, inode = uint64(st.Dev), st.Ino
		}
		fmt.Fprintf(&b, "%d %d %d %d\n", device, inode, info.Size(), info.ModTime().UnixNano())
	}
	return b.String()
}
