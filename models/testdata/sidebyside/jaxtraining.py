"""A training step in JAX, as in models/README.md, for rollout depths 0 and 1: one
compiled program of loss, gradients, clipping, AdamW and average, which updates the
arrays where they are."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import jaxmodel as model
import recipe

B1, B2 = 0.9, 0.95


def batch(c, train, step, images, labels):
    """What a step reads, on the device."""
    return {n: x if x is None else jnp.array(x) for n, x in recipe.batch(c, train, step, images, labels).items()}


def loss(c, train, p, b):
    """L_flow + λ·L_rec, and both parts."""
    x = b["x"]
    z = model.encode(c, p, x)
    decoded = z + b["noise"]
    rec = jnp.zeros(())
    if c.state:
        decoded = model.decode(c, p, decoded)
        rec = jnp.square(decoded - x).mean()
    z = jax.lax.stop_gradient(z)
    h = model.trunk(c, p, jax.lax.stop_gradient(decoded) if train["rollout_depth"] == 1 else x, b["labels"])
    t = b["t"][..., None]
    m = model.modulate(c, p, model.time(p, b["t"]), model.linear(p, "head.cond", h))
    o = model.head(c, p, b["eps"] + t * (z - b["eps"]), m)
    error = (o - z) * b["weight"] if c.target == "x" else o - (z - b["eps"])
    flow = jnp.square(error).mean()
    return flow + train["rec_weight"] * rec, (flow, rec)


def step(c, train, state, b, rate, keep, done):
    """The state after a step, the loss, its parts and the gradient's norm before clipping."""
    (total, (flow, rec)), grads = jax.value_and_grad(partial(loss, c, train), has_aux=True)(state["weights"], b)
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in grads.values()))
    scale = jnp.minimum(1, train["clip"] / norm) if train["clip"] else 1
    one, two = 1 / (1 - B1 ** (done + 1)), 1 / (1 - B2 ** (done + 1))
    new = {kind: {} for kind in state}
    for n, g in grads.items():
        g = g * scale
        w, m, v = state["weights"][n], B1 * state["first"][n] + (1 - B1) * g, B2 * state["second"][n] + (1 - B2) * g * g
        decay = train["weight_decay"] if n.endswith(".weight") else 0
        w = w - rate * (m * one / (jnp.sqrt(v * two) + 1e-8) + decay * w)
        e = state["average"][n]
        new["weights"][n], new["first"][n], new["second"][n], new["average"][n] = w, m, v, e + (1 - keep) * (w - e)
    return new, (total, flow, rec, norm)


class Training:
    """A training that goes on from a checkpoint."""

    def __init__(self, checkpoint):
        c, self.train, self.done = checkpoint.config, checkpoint.train, checkpoint.steps
        kinds = dict(weights="raw.", average="ema.", first="adam.m.", second="adam.v.")
        self.state = {kind: model.load(c, checkpoint.named(prefix)) for kind, prefix in kinds.items()}
        self.compiled = jax.jit(partial(step, c, self.train), donate_argnums=0)

    def step(self, b):
        at = np.float32(recipe.rate(self.train, self.done)), np.float32(recipe.kept(self.train, self.done)), np.float32(self.done)
        self.state, out = self.compiled(self.state, b, *at)
        self.done += 1
        jax.block_until_ready((self.state, out))
        return out

    def named(self, kind):
        """Arrays with our names."""
        return {n: np.asarray(a) for n, a in self.state[kind].items()}
