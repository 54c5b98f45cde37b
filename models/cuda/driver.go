//go:build cuda

package cuda

import (
	"os"

	"prabench/models/device"
)

// OnlyVariable says by 1 that this process sees the one device that is meant,
// whatever its number is elsewhere.
const OnlyVariable = "PRABENCH_CUDA_ONLY"

var _ = device.Register(device.Driver{
	Name: "cuda", Refuse: Refuse,
	Open: func(o device.Options) (device.Backend, error) {
		ordinal, err := Ordinal(o.Device)
		if err != nil {
			return nil, err
		}
		if os.Getenv(OnlyVariable) == "1" {
			ordinal = 0
		}
		return New(ordinal, Options{Precision: o.Precision})
	},
})
