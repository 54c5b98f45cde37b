"""What a training step and a sampling call are given from outside, as NumPy arrays:
the batch, all random numbers, the learning rate, the average's share. All of it is
drawn before, so the opponents have less to do than ours, which draws it inside.
"""

import math

import numpy as np

import philox


def batch(c, train, step, images, labels):
    """Everything that a step reads: tokens, labels, noise. t, eps and weight have an
    axis of flow samples in front; weight is None for the v-target."""
    key, B, N = train["seed"], train["batch"], c.N
    if train["input_noise"] or train["rollout_depth"] not in (0, 1):
        raise SystemExit("the other side trains with rollout depth 0 or 1 and no input noise")
    a = step * B + np.arange(B)
    order = np.concatenate([philox.shuffled(key, e, len(images)) for e in range(a[-1] // len(images) + 1)])
    chosen = order[a]
    dropped = philox.uniforms(key, philox.DROPOUT, a, 1)[:, 0] < train["class_dropout"]
    draws = range(train["flow_samples"])
    t = 1 / (1 + np.exp(-np.stack([philox.normals(key, philox.TIME + s, a, N, 1)[..., 0] for s in draws])))
    eps = np.stack([philox.normals(key, philox.FLOW + s, a, N, c.D) for s in draws])
    strength = train["state_noise"] * philox.uniforms(key, philox.STATE_SIZE, a, N)[..., None]
    weight = (1 / np.maximum(1 - t, 0.05))[..., None] if c.target == "x" else None
    made = dict(x=c.patchify(images[chosen]), t=t, eps=eps, noise=strength * philox.normals(key, philox.STATE, a, N, c.D), weight=weight)
    made = {n: x if x is None else np.ascontiguousarray(x, np.float32) for n, x in made.items()}
    return made | dict(labels=np.where(dropped, c.classes, labels[chosen]).astype(np.int64))


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
