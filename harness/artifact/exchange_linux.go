package artifact

import "golang.org/x/sys/unix"

// exchange lets two paths change places in one step. A variable, since tests do
// without it.
var exchange = func(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}
