//go:build !linux

package ranks

import "errors"

// Supported says that processes of this system can share memory as a group does.
const Supported = false

var errSystem = errors.New("several ranks need Linux")

// Meet is of Linux alone.
func Meet(int) (string, error) { return "", errSystem }

// Join is of Linux alone.
func Join(string, int) (Group, error) { return nil, errSystem }
