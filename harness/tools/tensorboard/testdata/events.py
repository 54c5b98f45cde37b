"""Writes events.tfevents by TensorBoard's own writer (pip install tensorboard), for the test
that compares it byte by byte; with a file as argument, prints its scalars, read by TensorBoard.

    python3 events.py [FILE]
"""
import os
import sys

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

if len(sys.argv) > 1:
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    for e in LegacyEventFileLoader(sys.argv[1]).Load():
        for v in e.summary.value:
            print(f"{v.tag}\t{e.step}\t{v.simple_value!r}\t{e.wall_time!r}")
    sys.exit()

from tensorboard.summary.writer.record_writer import RecordWriter

scalars = [("train_loss", 1, 2.5, 1772625600.0), ("train_loss", 300, 0.1, 1772625600.25), ("results/fid_proxy", 0, -1e-30, 1772625601.5),
           ("größe/ü", 2**40, 3e38, 1772625601.5), ("results/kid", 20, float("nan"), 1772625601.5)]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "events.tfevents"), "wb") as f:
    w = RecordWriter(f)
    w.write(Event(wall_time=scalars[0][3], file_version="brain.Event:2").SerializeToString())
    for tag, step, value, at in scalars:
        w.write(Event(wall_time=at, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])).SerializeToString())
    w.flush()
