package pra

// Streams separate the uses of random numbers under one seed. A number is
// addressed by (seed, stream, image, token, index) and by nothing else.
const (
	streamSample    uint32 = 0       // ω, the flow's starting noise
	streamState     uint32 = 1       // noise on the state in training
	streamInput     uint32 = 2       // noise on the pixel inputs in training
	streamStateSize uint32 = 3       // strength of the state's noise
	streamInputSize uint32 = 4       // strength of the input noise
	streamDropout   uint32 = 5       // class dropout
	streamMix       uint32 = 6       // which images keep depth-1 inputs
	streamOrder     uint32 = 7       // order of the training images
	streamInit      uint32 = 8       // initial parameters
	streamFlow      uint32 = 16      // + s: ε of flow sample s
	streamTime      uint32 = 1 << 16 // + s: t of flow sample s
	streamSolver    uint32 = 1 << 17 // + i: what euler-maruyama adds in step i
)
