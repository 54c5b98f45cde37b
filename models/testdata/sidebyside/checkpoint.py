"""What the other process wrote: configuration, weights, images, tokens."""

import json
import os

import numpy as np
from safetensors import safe_open


class Config:
    """The keys of the checkpoint's config, with the derived sizes of models/README.md."""

    def __init__(self, keys):
        self.__dict__.update(keys)
        self.keys = keys
        self.grid = self.size // self.patch
        self.N = self.grid**2
        self.P = self.patch**2 * self.channels
        self.block, self.order = keys.get("block", 1), keys.get("order", "contiguous")  # a family without them has neither
        self.K = self.N // self.block
        self.D = keys.get("state") or self.P
        i = np.arange(self.N)
        self.raster = i if self.order == "contiguous" else i // self.block + i % self.block * self.K

    def patchify(self, images):
        """Tokens [A, N, P] in [−1, 1] of bytes [A, size, size, C]."""
        g, p, c = self.grid, self.patch, self.channels
        x = images.reshape(-1, g, p, g, p, c).transpose(0, 1, 3, 2, 4, 5).reshape(-1, self.N, self.P)
        return (x[:, self.raster] / 127.5 - 1).astype(np.float32)


class Checkpoint:
    """One safetensors file: config, train (its keys), steps, and arrays by name."""

    def __init__(self, path):
        with safe_open(path, "np") as f:
            meta = f.metadata()
            self.arrays = {name: f.get_tensor(name) for name in f.keys()}
        self.config, self.train, self.steps = Config(json.loads(meta["config"])), json.loads(meta["train"]), int(meta["steps"])
        self.config.family = meta.get("family", "pra")

    def named(self, prefix):
        return {n[len(prefix):]: a for n, a in self.arrays.items() if n.startswith(prefix)}


def array(folder, name, dtype, *shape):
    return np.fromfile(os.path.join(folder, name), dtype).reshape(shape)
