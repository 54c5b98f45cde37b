"""Whether PyTorch and ours compute the same: a training step, sampled tokens, and
against the float64 oracle trunk and head."""

import numpy as np
import torch

import differences
from differences import SEED
from training import Batch, Training
from sampling import noise

def differ_on(device):
    """Computes all differences on a device: those of a published size take a CPU a minute."""
    differences.double = lambda x: torch.as_tensor(np.ascontiguousarray(x)).to(device).double()


def losses(folder, ours, t):
    """The losses of the first step of t against ours."""
    before, _ = differences.around(folder)
    images, labels = differences.data(folder, before.config)
    (total, flow, rec), norm = t.step(Batch(before.config, before.train, before.steps, images, labels, t.device))
    return differences.losses(total.item(), flow.item(), rec.item(), norm.item(), ours)


def training_step(folder, ours, t):
    """The first step of t against all arrays of the checkpoint after, and the losses."""
    found = losses(folder, ours, t)
    state = lambda key: t.net.named(t.adam.state[p][key] for p in t.params)
    return found | differences.arrays(*differences.around(folder), t.net.named(t.params), state("exp_avg"), state("exp_avg_sq"),
                                      t.net.named(t.average))


def tokens(folder, sampler):
    """A whole sampling call."""
    c, n = sampler.c, sampler.batch
    return differences.tokens(folder, c, sampler.draw(torch.arange(n) % c.classes, noise(c, SEED, n)))


def parts(folder):
    """Trunk and head against the oracle."""
    def compute(model, b):
        net, (x, labels, eps, t) = Training(model).net, (torch.from_numpy(b[n]) for n in ("x", "labels", "eps", "t"))
        with torch.no_grad():
            h = net.trunk(x, labels)
            return h, net.head(eps[0], net.modulate(net.time(t[0]), net.cond(h)).unbind(-2))

    return differences.parts(folder, compute)
