//go:build cuda

package main

import (
	"prabench/models/cuda"
	"prabench/models/device"
)

func init() {
	openCUDA = func(q request) (device.Backend, error) {
		at, err := cuda.Ordinal(q.Device)
		if err != nil {
			return nil, err
		}
		return cuda.New(at, cuda.Options{Precision: q.Precision, NoBLAS: q.NoBLAS, NoGraphs: q.NoGraphs})
	}
}
