"""What of PyTorch's side belongs to a family of models: network, loss, sampler."""

import importlib


def of(c):
    """The modules with the network, the loss and the sampler of a configuration's family."""
    names = ("jitmodel",) * 3 if c.family == "jit" else ("network", "training", "sampling")
    return map(importlib.import_module, names)


def network(c):
    """An empty network."""
    at, _, _ = of(c)
    return at.Network(c)


def loss(net, train):
    _, at, _ = of(net.c)
    return at.Loss(net, train)


def sampler(checkpoint, batch, steps, **how):
    _, _, at = of(checkpoint.config)
    return at.Sampler(checkpoint, batch, steps, **how)
