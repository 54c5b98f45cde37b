package device

// Recorder keeps a sequence of operations and does it again at less cost than by
// asking for each.
type Recorder interface {
	// Record keeps the operations that f asks for, without doing them; ok is
	// false where it could not, and f's operations are then not done either. f
	// asks for nothing that the host takes part in (Alloc, Upload, Download,
	// SumSquares, Sync); what it names stays allocated until the recording is
	// closed, and scalars are kept as they were.
	Record(f func()) (r Recording, ok bool)
}

// Recording is what a Recorder kept.
type Recording interface {
	Play() // does the operations, in their place among the others
	Close()
}

// RecordedAfter is how many calls of something come before those that tell its
// speed on a device that records: one is done plainly, one is recorded.
const RecordedAfter = 2
