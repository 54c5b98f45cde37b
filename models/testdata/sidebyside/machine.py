"""How busy the machine is with anything but the programs that are timed."""

import os

HZ = os.sysconf("SC_CLK_TCK")


def busy():
    """CPU seconds of the whole machine, stolen ones with them (Linux)."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, soft, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / HZ


def used(pid):
    """CPU seconds of a process."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HZ


class Watch:
    """The share of the machine's CPU time that others took since the last look."""

    def __init__(self, pids):
        self.pids, self.cores = pids, os.cpu_count()
        self.last = None

    def look(self, seconds):
        total, own = busy(), sum(map(used, self.pids))
        last, self.last = self.last, (total, own)
        if last is None:
            return None
        return max(0.0, (total - last[0]) - (own - last[1])) / (seconds * self.cores)
