"""Both sides in turn: rounds in which every program runs a block of a fraction of
a second, in an order that rotates, so that what the machine does otherwise
meets all of them alike. The result of a round is a ratio."""

import statistics
import time

REST = 0.05  # seconds between blocks: threads that wait actively come to rest


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


def run_in_turn(programs, rounds, spend):
    for p in programs:
        p.prepare(spend)
    for r in range(rounds):
        for i in range(len(programs)):
            programs[(r + i) % len(programs)].turn()


def ratios(theirs, ours):
    """How many times longer theirs took, a round each."""
    return [t / o for t, o in zip(theirs, ours)]
