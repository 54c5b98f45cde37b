package device

// ReduceID is how many bytes name a meeting of devices.
const ReduceID = 128

// Reducer adds up memory over the devices of several processes, from device to device,
// where a library for that is there.
type Reducer interface {
	// Reduces is the version of that library; an error says why there is none.
	Reduces() (version int, err error)
	// NewID names a meeting, for one of the processes to tell the others: ReduceID bytes.
	NewID() ([]byte, error)
	// Join waits until all processes are there. Where lost gives an error, which is
	// asked beside everything else until Close, nothing that waits for another process
	// goes on waiting, and that is its error.
	Join(id []byte, rank, size int, lost func() error) (Reduction, error)
	// Without notes in Details why sums do not go from device to device.
	Without(why string)
}

// Reduction is a meeting of devices. All of them send buffers of the same sizes in the
// same order.
type Reduction interface {
	// Send replaces b by its sum over all devices, as it is after all that was asked
	// for, beside what is asked for next: nobody else may use b until Wait.
	Send(b Buffer)
	// Wait waits for all that was sent. After an error the buffers hold anything, and
	// nothing more can be sent.
	Wait() error
	Close()
}
