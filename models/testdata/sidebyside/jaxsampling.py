"""Sequential sampling in JAX: one compiled program scans over the AR steps with a
static cache of keys and values; Euler steps, no guidance.

What does not depend on the states is computed once: the time embeddings for all
calls, and the modulations of all flow steps of a token in one product, with the 1
of 1 + scale in its bias. The noise is drawn before.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import jaxmodel as model


def numpy_bytes(c, tokens):
    """Bytes [A, size, size, C] of tokens [A, N, P], in NumPy: the rule that images are held to."""
    x = ((np.clip(tokens[:, np.argsort(c.raster)], -1, 1) + 1) * np.float32(127.5) + np.float32(0.5)).astype(np.uint8)
    x = x.reshape(-1, c.grid, c.grid, c.patch, c.patch, c.channels).swapaxes(2, 3)
    return x.reshape(-1, c.size, c.size, c.channels).astype(int)


class Sampler:
    """Draws batches of one size. how: segments, parts of the scan, each of which reads
    only so much of the cache as its last step fills."""

    def __init__(self, checkpoint, batch, steps, *, segments=1):
        c = self.c = checkpoint.config
        self.batch, self.steps, self.segments = batch, steps, segments
        p = model.scales_to_factors(c, model.load(c, checkpoint.named("ema.")))
        self.weights = p | {"times": model.time(p, jnp.arange(steps) / steps)[:, None], "positions": model.positions(c, p)}
        self.compiled = jax.jit(self.call)

    def flow(self, p, h, omega):
        """States [rows, D] of h [rows, W] and ω."""
        c, z = self.c, omega
        every = model.modulate(c, p, p["times"], model.linear(p, "head.cond", h))
        for i in range(self.steps):
            o = model.head(c, p, z, [m[i] for m in every], one=0)
            if c.target == "x":
                z = z + (o - z) * np.float32(1 / max(1 - i / self.steps, 0.05) / self.steps)
            else:
                z = z + o * np.float32(1 / self.steps)
        return z

    def block(self, p, label, filled, carry, x):
        """One AR step: the carry is the caches and the projection of the tokens before."""
        c = self.c
        caches, projected = carry
        k, positions, omega = x
        u = projected + positions + label
        visible = np.arange(filled) < (k + 1) * c.block
        new = []
        for i, (keys, values) in enumerate(caches):
            at = f"trunk.{i}."
            q, key, value = model.split(c, p, at, u)
            q, key, value = (x.swapaxes(1, 2) for x in (q, key, value))
            keys = jax.lax.dynamic_update_slice_in_dim(keys, key, k * c.block, 2)
            values = jax.lax.dynamic_update_slice_in_dim(values, value, k * c.block, 2)
            new.append((keys, values))
            scores = jnp.where(visible, jnp.einsum("ahis,ahjs->ahij", q, keys[:, :, :filled]), -jnp.inf)
            attended = jnp.einsum("ahij,ahjs->aihs", jax.nn.softmax(scores), values[:, :, :filled])
            u = model.finish(p, at, u, attended)
        h = model.normed(p, "trunk.norm", u).reshape(-1, c.width)
        x = model.decode(c, p, self.flow(p, h, omega.reshape(-1, c.D)))
        return (new, (x @ p["in.weight"]).reshape(u.shape)), x.reshape(-1, c.block, c.P)

    def call(self, p, labels, omega):
        """Bytes [batch, size, size, C], and the unclipped tokens [batch, N, P] that they are of."""
        c, n, B = self.c, self.batch, self.c.block
        label = p["in.class"][labels][:, None]
        empty = jnp.zeros((n, c.heads, c.N, c.width // c.heads))
        carry, made = ([(empty, empty)] * c.depth, jnp.zeros((n, B, c.width))), []
        steps = (jnp.arange(c.K), p["positions"].reshape(c.K, B, c.width), omega.reshape(n, c.K, B, c.D).swapaxes(0, 1))
        for part in np.array_split(np.arange(c.K), self.segments):
            here = jax.tree.map(lambda x: x[part[0]:part[-1] + 1], steps)
            carry, x = jax.lax.scan(partial(self.block, p, label, (part[-1] + 1) * B), carry, here)
            made.append(x)
        tokens = jnp.concatenate(made).swapaxes(0, 1).reshape(n, c.N, c.P)
        x = tokens if c.order == "contiguous" else tokens[:, np.argsort(c.raster)]
        x = ((jnp.clip(x, -1, 1) + 1) * 127.5 + 0.5).astype(jnp.uint8)
        x = x.reshape(n, c.grid, c.grid, c.patch, c.patch, c.channels).swapaxes(2, 3)
        return x.reshape(n, c.size, c.size, c.channels), tokens

    def images(self, labels, omega):
        return jax.block_until_ready(self.compiled(self.weights, labels, omega))
