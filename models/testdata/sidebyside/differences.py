"""How far numbers are from others, in float64, and the files of our side that they
are held against. NumPy alone: every opponent uses it.
"""

import os
import sys

import numpy as np

import recipe
from checkpoint import Checkpoint, array

HERE = os.path.dirname(os.path.abspath(__file__))
for at in ("..", "../../pra/testdata"):  # where the oracle is, in a bundle and in the repository
    sys.path.insert(0, os.path.join(HERE, at))

TOLERANCE = 1e-4
SEED = 1  # of sampling, the default of our side


def double(x):
    """An array of float64; theirs.py puts one on the device in its place."""
    return np.asarray(x, np.float64)


def norm(x):
    return float((x * x).sum()) ** 0.5


def off(got, want):
    """‖got − want‖ / ‖want‖."""
    got, want = double(got), double(want)
    return norm(got - want) / max(norm(want), 1e-30)


def worst(got, want):
    """The largest error of the named arrays, each against its norm."""
    errors = {name: off(got[name], want[name]) for name in want}
    name = max(errors, key=lambda n: (errors[n] != errors[n], errors[n]))  # what is no number is the worst
    return errors[name], name


def movement(got, want, start):
    """The error of how far all arrays together moved from start. The last digit of
    their float32 is no error: after a few steps of warm-up it is a part of the way."""
    apart = moved = size = 0.0
    for n in start:
        g, w, s = double(got[n]), double(want[n]), double(start[n])
        apart, moved, size = apart + norm(g - w) ** 2, moved + norm(w - s) ** 2, size + norm(s) ** 2
    return max(0.0, apart**0.5 - size**0.5 * 2.0**-23) / moved**0.5


def data(folder, c):
    """Images and labels of the training set."""
    labels = array(folder, "labels", np.int32, -1)
    return array(folder, "images", np.uint8, len(labels), c.size, c.size, c.channels), labels


def around(folder):
    """The training checkpoints before and after one step."""
    return [Checkpoint(os.path.join(folder, n + ".safetensors")) for n in ("before", "after")]


def losses(total, flow, rec, grad_norm, ours):
    """The losses of a step against ours."""
    found = {"loss": (total, "total"), "flow loss": (flow, "flow"), "reconstruction loss": (rec, "rec"), "gradient norm": (grad_norm, "grad_norm")}
    return {what: (off(x, ours[name]), "") for what, (x, name) in found.items() if name in ours}  # some families have no coder


def arrays(before, after, weights, first, second, average):
    """All arrays after the step, each a dictionary with our names, against those of our checkpoint."""
    # Ours wrote m = 0.9·m + 0.1·g of the clipped g: what was added is g. v = 0.95·v + 0.05·g².
    added = lambda to, keep, name: {n: a - keep * before.named(name)[n] for n, a in to.items()}
    return {
        "gradient": worst(added(first, 0.9, "adam.m."), added(after.named("adam.m."), 0.9, "adam.m.")),
        "second moments": worst(second, after.named("adam.v.")),
        "weights": worst(weights, after.named("raw.")),
        "averaged weights": worst(average, after.named("ema.")),
        "movement of all weights": (movement(weights, after.named("raw."), before.named("raw.")), ""),
        "movement of all averages": (movement(average, after.named("ema."), before.named("ema.")), ""),
    }


def tokens(folder, c, got):
    """Tokens of a whole sampling call."""
    return {"sampled tokens": (off(got, array(folder, "tokens", np.float32, -1, c.N, c.P)), "")}


def parts(folder, compute, images=4):
    """Trunk and head on the first images against the float64 oracle, which the Go tests compare
    the core with. compute gives h, and the head's output for the first flow sample, from a
    checkpoint and the arrays of recipe.batch."""
    import oracle

    model = Checkpoint(os.path.join(folder, "before.safetensors"))
    c = model.config
    b = recipe.batch(c, model.train | dict(batch=images), model.steps, *data(folder, c))
    h, out = compute(model, b)
    o = oracle.Model(c.keys, {n: a.astype(np.float64) for n, a in model.named("raw.").items()})
    oh = o.trunk(b["x"].astype(np.float64), b["labels"]).v
    oo = o.head(oh, b["eps"][0].astype(np.float64), b["t"][0].astype(np.float64)).v
    return {"trunk h (oracle)": (off(h, oh), ""), "head output (oracle)": (off(out, oo), "")}
