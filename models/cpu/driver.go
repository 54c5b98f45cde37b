package cpu

import "prabench/models/device"

var _ = device.Register(device.Driver{
	Name: "cpu", Host: true, Refuse: Refuse, PeakFLOPS: PeakFlops, CopyBandwidth: CopyBandwidth,
	Open: func(o device.Options) (device.Backend, error) { return NewPrecision(o.Threads, o.Precision) },
})
