package device

// Timer is a clock that runs with a device's work and not with the host's.
type Timer interface {
	// Time is the seconds from when the device begins what f asks for until it
	// has done it. It waits for the device before and after.
	Time(f func() error) (seconds float64, err error)
}
