"""What a training step and a sampling call are given from outside, as NumPy arrays:
the batch, all random numbers, the learning rate, the average's share. All of it is
drawn before, so the opponents have less to do than ours, which draws it inside.
"""

import math

import numpy as np

import philox


def chosen(c, train, step, images, labels, dropout, order):
    """The numbers of a step's images, those themselves, and their labels, some of them dropped."""
    key, B = train["seed"], train["batch"]
    a = step * B + np.arange(B)
    orders = np.concatenate([philox.shuffled(key, e, len(images), order) for e in range(a[-1] // len(images) + 1)])
    at = orders[a]
    dropped = philox.uniforms(key, dropout, a, 1)[:, 0] < train["class_dropout"]
    return a, images[at], np.where(dropped, c.classes, labels[at]).astype(np.int64)


def batch(c, train, step, images, labels):
    """Everything that a step reads: tokens, labels, noise. t, eps and weight have an
    axis of flow samples in front, in the family pra; weight is None for the v-target."""
    return {"pra": pra, "jit": jit}[c.family](c, train, step, images, labels)


def made(c, labels, **arrays):
    return {n: x if x is None else np.ascontiguousarray(x, np.float32) for n, x in arrays.items()} | dict(labels=labels)


def pra(c, train, step, images, labels):
    key, N = train["seed"], c.N
    if train["input_noise"] or train["rollout_depth"] not in (0, 1):
        raise SystemExit("the other side trains with rollout depth 0 or 1 and no input noise")
    a, pixels, kept = chosen(c, train, step, images, labels, philox.DROPOUT, philox.ORDER)
    draws = range(train["flow_samples"])
    t = 1 / (1 + np.exp(-np.stack([philox.normals(key, philox.TIME + s, a, N, 1)[..., 0] for s in draws])))
    eps = np.stack([philox.normals(key, philox.FLOW + s, a, N, c.D) for s in draws])
    strength = train["state_noise"] * philox.uniforms(key, philox.STATE_SIZE, a, N)[..., None]
    weight = (1 / np.maximum(1 - t, 0.05))[..., None] if c.target == "x" else None
    return made(c, kept, x=c.patchify(pixels), t=t, eps=eps, noise=strength * philox.normals(key, philox.STATE, a, N, c.D), weight=weight)


def jit(c, train, step, images, labels):
    """t is of an image."""
    key = train["seed"]
    a, pixels, kept = chosen(c, train, step, images, labels, dropout=3, order=4)
    t = 1 / (1 + np.exp(-train["time_mean"] - train["time_std"] * philox.normals(key, 2, a, 1, 1)[:, 0, 0]))
    weight = 1 / np.maximum(1 - t, 0.05)[:, None, None] if c.target == "x" else None
    return made(c, kept, x=c.patchify(pixels), t=t, eps=philox.normals(key, 1, a, c.N, c.P), noise=None, weight=weight)


def bytes_of(c, x):
    """Bytes [A, size, size, C] of tokens [A, N, P], a PyTorch tensor."""
    if c.order != "contiguous":
        x = x[:, np.argsort(c.raster)]
    x = ((x.clamp(-1, 1) + 1) * 127.5 + 0.5).byte()
    x = x.view(-1, c.grid, c.grid, c.patch, c.patch, c.channels).transpose(2, 3)
    return x.reshape(-1, c.size, c.size, c.channels)


def omega(c, seed, images):
    """ω [images, N, D]."""
    return philox.normals(seed, philox.SAMPLE, np.arange(images), c.N, c.D).astype(np.float32)


def rate(train, step):
    """The learning rate of a step."""
    warm = math.ceil(train["warmup"] * train["steps"])
    if step < warm:
        return train["lr"] * (step + 1) / warm
    return train["lr"] * 0.5 * (1 + math.cos(math.pi * min(1, (step - warm) / max(1, train["steps"] - warm))))


def kept(train, step):
    """The share of the averaged weights that a step keeps."""
    return min(train["ema"], (1 + step) / (10 + step))
