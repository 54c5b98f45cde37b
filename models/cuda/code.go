//go:build cuda

package cuda

import "reflect"

// codeOf is the driver's number of an error of package cu, whose type is not
// exported.
func codeOf(err error) (int, bool) {
	v := reflect.ValueOf(err)
	if !v.IsValid() || v.Kind() != reflect.Int {
		return 0, false
	}
	return int(v.Int()), true
}
