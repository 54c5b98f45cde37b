"""Both sides in turn: rounds in which every program runs a block of a fraction of
a second, in an order that rotates, so that what the machine does otherwise
meets all of them alike. The result of a round is a ratio. A round during which
others took more than a little of the machine is repeated: threads that wait
actively, as PyTorch's do, suffer from company far more than their share.
"""

import statistics
import time

from machine import Watch

REST = 0.05  # seconds between blocks: threads that wait actively come to rest
QUIET = 0.05  # the share of CPU time that others may take in a round


class Program:
    """Something to time: run(n) gives the seconds of n runs of it."""

    def __init__(self, name, run):
        self.name, self.run, self.block, self.seconds = name, run, 1, []

    def prepare(self, spend):
        """Warms up and chooses how many runs fill a block of spend seconds."""
        self.run(2)
        self.block = max(1, round(spend / min(self.run(2))))

    def turn(self):
        time.sleep(REST)
        self.seconds.append(statistics.median(self.run(self.block)))


def run_in_turn(programs, rounds, spend, pids, patience=3):
    """Until so many rounds were quiet, patience times as many at most. The share
    of others in every round; programs keep the seconds of all rounds."""
    for p in programs:
        p.prepare(spend)
    watch, shares = Watch(pids), []
    while sum(s <= QUIET for s in shares) < rounds and len(shares) < patience * rounds:
        start = time.perf_counter()
        watch.look(1)
        for i in range(len(programs)):
            programs[(len(shares) + i) % len(programs)].turn()
        shares.append(watch.look(time.perf_counter() - start))
    return shares


def quiet(record):
    """The record with its quiet rounds alone."""
    keep = [s <= QUIET for s in record["others"]]
    pick = lambda seconds: [x for x, k in zip(seconds, keep) if k]
    return record | {"ours": pick(record["ours"]), "ours_bf16": pick(record.get("ours_bf16", [])),
                     "theirs": {n: pick(s) for n, s in record["theirs"].items()}}


def ratios(theirs, ours):
    """How many times longer theirs took, a round each."""
    return [t / o for t, o in zip(theirs, ours)]
