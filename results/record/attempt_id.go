package record

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// NewAttemptID returns an id for a new attempt, as 20260102T150405123Z-9f8a3c21b4d0e6f7:
// ids sort by the time they were made (to the millisecond, UTC) and 64 random
// bits keep machines that never met apart.
func NewAttemptID() string { return NewAttemptIDAt(time.Now()) }

// NewAttemptIDAt is [NewAttemptID] at a given time.
func NewAttemptIDAt(now time.Time) string {
	var b [8]byte
	rand.Read(b[:]) // never fails, it ends the program instead
	stamp := strings.Replace(now.UTC().Format("20060102T150405.000Z"), ".", "", 1)
	return stamp + "-" + hex.EncodeToString(b[:])
}

// SharedAttemptID is a new id for an attempt that has the readings of another: that
// one's, a dot, and some letters of its own. [MeasuredBy] gives the other's.
func SharedAttemptID(measured string) string {
	id := NewAttemptID()
	return MeasuredBy(measured) + "." + id[len(id)-8:]
}

// MeasuredBy is the id of the attempt that measured what an attempt has: its own, or
// that of the one it shares with.
func MeasuredBy(id string) string {
	measured, _, _ := strings.Cut(id, ".")
	return measured
}
