// Package tensorboard writes event files, which TensorBoard and what reads its logs
// show: numbers by name and step.
package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Scalar is a number at a step. An event file keeps it as float32.
type Scalar struct {
	Name  string // a slash makes a group of names
	Step  int64
	Value float64
	Time  time.Time
}

// Fields of the messages Event, Summary and Summary.Value in TensorFlow's
// event.proto and summary.proto.
const (
	eventTime    = 1
	eventStep    = 2
	eventVersion = 3
	eventSummary = 5
	summaryValue = 1
	valueTag     = 1
	valueSimple  = 2
)

// Version is what an event file begins with.
const Version = "brain.Event:2"

// Write writes an event file.
func Write(w io.Writer, scalars []Scalar) error {
	var first time.Time
	if len(scalars) > 0 {
		first = scalars[0].Time
	}
	head := protowire.AppendTag(event(first, 0), eventVersion, protowire.BytesType)
	if err := record(w, protowire.AppendString(head, Version)); err != nil {
		return err
	}
	for _, s := range scalars {
		v := protowire.AppendTag(nil, valueTag, protowire.BytesType)
		v = protowire.AppendString(v, s.Name)
		v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
		v = protowire.AppendFixed32(v, math.Float32bits(float32(s.Value)))
		summary := protowire.AppendTag(nil, summaryValue, protowire.BytesType)
		summary = protowire.AppendBytes(summary, v)
		e := protowire.AppendTag(event(s.Time, s.Step), eventSummary, protowire.BytesType)
		if err := record(w, protowire.AppendBytes(e, summary)); err != nil {
			return err
		}
	}
	return nil
}

// event is the beginning of an Event; a step of 0 is left out, as proto3 does.
func event(at time.Time, step int64) []byte {
	b := protowire.AppendTag(nil, eventTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(float64(at.UnixMicro())/1e6))
	if step != 0 {
		b = protowire.AppendTag(b, eventStep, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(step))
	}
	return b
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record writes a TFRecord: length, data, and a masked checksum of each.
func record(w io.Writer, data []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	_, err := w.Write(binary.LittleEndian.AppendUint32(b, masked(data)))
	return err
}

func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
