"""PyTorch's side of compare.py, on a CPU, in its own process."""

import os
import platform
import time

import torch

import differences
import equality
import families
from checkpoint import Checkpoint
from sampling import noise
from training import Batch, Training


class Side:
    """One way, and what runs it."""

    def __init__(self, opponent, flow_steps):
        self.opponent, self.flow_steps, self.run = opponent, flow_steps, None
        self.said = {"torch": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability(), "python": platform.python_version()}
        torch.set_num_threads(opponent.threads)

    def prepared(self, a, folder, losses):
        """Prepares a step or a call; how far its numbers are from ours, where they are to be ours."""
        torch.set_num_threads(self.opponent.threads)
        at, exact = lambda name: Checkpoint(os.path.join(folder, name + ".safetensors")), self.opponent.exact
        if a.what == "train":
            before = at("before")
            t = Training(before, **self.opponent.how)
            images, labels = differences.data(folder, before.config)
            batches = [Batch(before.config, before.train, before.steps + i, images, labels) for i in range(4)]
            self.run = lambda: t.step(batches[t.done % 4])
            return equality.training_step(folder, losses, t) if exact else {}
        s = families.sampler(at("model"), a.batch, self.flow_steps, **self.opponent.how)
        omega, labels = noise(s.c, differences.SEED, a.batch), torch.arange(a.batch) % s.c.classes
        self.run = lambda: s.images(labels, omega)
        return equality.tokens(folder, s) if exact else {}

    def parts(self, folder):
        return equality.parts(folder)

    def times(self, n):
        torch.set_num_threads(self.opponent.threads)
        out = []
        for _ in range(n):
            start = time.perf_counter()
            self.run()
            out.append(time.perf_counter() - start)
        return out
