package device

// Timer is a backend that has a clock of its own, which runs with its work and
// not with the host's.
type Timer interface {
	Backend
	// Time is the seconds from when the device begins what f asks for until it
	// has done it. It waits for the device before and after.
	Time(f func() error) (seconds float64, err error)
}
