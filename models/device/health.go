package device

// Health is what a device's management library says of it at a moment. What it
// does not tell is 0.
type Health struct {
	Clock        float64 // of its processors, Hz
	DefaultClock float64 // what they run at unless told otherwise, Hz
	Throttled    string  // why the clock is held down, in words
	Temperature  float64 // °C
	Power        float64 // W
	Energy       float64 // since the driver was loaded, J
	Others       int     // other processes that compute on it
}

// Monitor tells a device's health. It may be asked from any goroutine at any time.
type Monitor interface {
	Health() (Health, error)
}
