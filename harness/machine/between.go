package machine

import "time"

// Moment is a look at what the processors have done since boot.
type Moment struct{ r reading }

// Now looks; ok is false where the system does not say.
func Now() (m Moment, ok bool) {
	m.r, ok = look(false)
	return m, ok
}

// Since is what else ran since an earlier moment. Time of this process's
// children counts as its own once they have ended: ask when all have.
func (m Moment) Since(earlier Moment) Load {
	l := Load{Wall: m.r.at.Sub(earlier.r.at), Foreign: foreign(earlier.r, m.r)}
	l.Worst = l.Foreign
	if s := l.Wall.Seconds(); s > 0 {
		l.Steal = max(0, (m.r.stolen-earlier.r.stolen)/s)
	}
	l.Frequency = frequency("/sys/devices/system/cpu")
	return l
}

// Rounding is by how many processors ticks of the system's clock can blur a
// load over so short a time, two ticks each way.
func Rounding(wall time.Duration) float64 { return 4. / ticks / max(0.01, wall.Seconds()) }
