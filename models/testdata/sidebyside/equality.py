"""Whether both sides compute the same: a training step, sampled tokens, and (against
the float64 oracle beside this folder, which the Go tests compare the core with)
trunk and head."""

import os
import sys

import numpy as np
import torch

from checkpoint import Checkpoint, array
from training import Batch, Training
from sampling import noise

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("..", "../../pra/testdata"):  # in a bundle, in the repository
    sys.path.insert(0, os.path.join(HERE, folder))

TOLERANCE = 1e-4
SEED = 1  # of sampling, the default of our side


DEVICE = "cpu"  # where differences are computed; those of a published size take a CPU a minute


def double(x):
    return torch.as_tensor(np.ascontiguousarray(x)).to(DEVICE).double()


def off(got, want):
    """‖got − want‖ / ‖want‖."""
    got, want = double(got), double(want)
    return float((got - want).norm() / max(float(want.norm()), 1e-30))


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
        apart, moved, size = apart + float((g - w).square().sum()), moved + float((w - s).square().sum()), size + float(s.square().sum())
    return max(0.0, apart**0.5 - size**0.5 * 2.0**-23) / moved**0.5


def data(folder, c):
    labels = array(folder, "labels", np.int32, -1)
    return array(folder, "images", np.uint8, len(labels), c.size, c.size, c.channels), labels


def losses(folder, ours, t, before=None):
    """The losses of the first step of t, which goes on from before, against ours."""
    before = before or Checkpoint(os.path.join(folder, "before.safetensors"))
    images, labels = data(folder, before.config)
    (total, flow, rec), norm = t.step(Batch(before.config, before.train, before.steps, images, labels, t.device))
    return {
        "loss": (off(total.item(), ours["total"]), ""), "flow loss": (off(flow.item(), ours["flow"]), ""),
        "reconstruction loss": (off(rec.item(), ours["rec"]), ""), "gradient norm": (off(norm.item(), ours["grad_norm"]), ""),
    }


def training_step(folder, ours, t):
    """The first step of t against all arrays of the checkpoint after, and the losses."""
    before, after = (Checkpoint(os.path.join(folder, n + ".safetensors")) for n in ("before", "after"))
    found = losses(folder, ours, t, before)
    # Ours wrote m = 0.9·m + 0.1·g of the clipped g: what was added is g.
    added = lambda to, b, name: {n: a - b * before.named(name)[n] for n, a in to.items()}
    state = lambda key: t.net.named(t.adam.state[p][key] for p in t.params)
    weights, average = before.named("raw."), before.named("ema.")
    return found | {
        "gradient": worst(added(state("exp_avg"), 0.9, "adam.m."), added(after.named("adam.m."), 0.9, "adam.m.")),
        "weights": worst(t.net.named(t.params), after.named("raw.")),
        "averaged weights": worst(t.net.named(t.average), after.named("ema.")),
        "movement of all weights": (movement(t.net.named(t.params), after.named("raw."), weights), ""),
        "movement of all averages": (movement(t.net.named(t.average), after.named("ema."), average), ""),
    }


def tokens(folder, sampler):
    """A whole sampling call."""
    c, n = sampler.c, sampler.batch
    got = sampler.draw(torch.arange(n) % c.classes, noise(c, SEED, n))
    return {"sampled tokens": (off(got, array(folder, "tokens", np.float32, -1, c.N, c.P)), "")}


def parts(folder, images=4):
    """Trunk and head on the first images."""
    import oracle  # beside this folder

    model = Checkpoint(os.path.join(folder, "before.safetensors"))
    c = model.config
    t = Training(model)
    pixels, labels = data(folder, c)
    b = Batch(c, model.train | dict(batch=images), model.steps, pixels, labels)
    o = oracle.Model(c.keys, {n: a.astype(np.float64) for n, a in model.named("raw.").items()})
    with torch.no_grad():
        h = t.net.trunk(b.x, b.labels)
        eps, time = b.eps[0], b.t[0]  # of the first flow sample
        out = t.net.head(eps, t.net.modulate(t.net.time(time), t.net.cond(h)).unbind(-2))
    oh = o.trunk(b.x.numpy().astype(np.float64), b.labels.numpy()).v
    oo = o.head(oh, eps.numpy().astype(np.float64), time.numpy().astype(np.float64)).v
    return {"trunk h (oracle)": (off(h, oh), ""), "head output (oracle)": (off(out, oo), "")}
