"""The model core in JAX, written for XLA on a CPU: the functions of models/README.md
on a dictionary of weights by our names.

One projection makes queries, keys and values; all adaLN modulations of a token are
one product; position embeddings are added to each other before they meet the batch.
"""

import jax
import jax.numpy as jnp
import numpy as np

FEATURES = 64  # of the flow time
FREQUENCIES = (100.0 * 1000.0 ** (-np.arange(FEATURES // 2) / (FEATURES // 2))).astype(np.float32)


def names(c):
    """The tensors that these functions read."""
    linear = lambda *of: [f"{n}.{part}" for n in of for part in ("weight", "bias")]
    normed = lambda *of: [f"{n}.{part}" for n in of for part in ("gain", "bias")]
    out = ["in.weight", "in.start", "in.inpos", "in.pos", "in.class"] + normed("trunk.norm")
    for i in range(c.depth):
        at = f"trunk.{i}."
        out += normed(at + "norm1", at + "norm2") + linear(at + "qkv", at + "out", at + "up", at + "down")
    out += linear(*("head." + n for n in ("cond", "time1", "time2", "in", "mod", "out")))
    out += linear(*(f"head.{j}.{part}" for j in range(c.head_depth) for part in ("up", "down")))
    return out + (linear("enc.1", "enc.2", "dec.1", "dec.2", "dec.3") if c.state else [])


def load(c, arrays):
    """The weights of a checkpoint, which must be those of this model."""
    if set(names(c)) != set(arrays):
        raise SystemExit(f"the checkpoint has other tensors: {sorted(set(names(c)) ^ set(arrays))}")
    return {n: jnp.array(a) for n, a in arrays.items()}


def linear(p, name, x):
    return x @ p[name + ".weight"] + p[name + ".bias"]


def norm(x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)


def normed(p, name, x):
    return norm(x) * p[name + ".gain"] + p[name + ".bias"]


# coder

def encode(c, p, x):
    if not c.state:
        return x
    e = linear(p, "enc.2", jax.nn.silu(linear(p, "enc.1", x)))
    if c.state_norm == "sphere":
        return e * jax.lax.rsqrt((e * e).mean(-1, keepdims=True) + 1e-5)
    return norm(e)


def decode(c, p, z):
    if not c.state:
        return z
    return linear(p, "dec.3", jax.nn.silu(linear(p, "dec.2", jax.nn.silu(linear(p, "dec.1", z)))))


# trunk

def positions(c, p):
    """[N, W]: what the first B and the other inputs get beside projection and class."""
    inpos, pos, B = p["in.inpos"], p["in.pos"], c.block
    if c.order != "contiguous":
        inpos, pos = inpos[c.raster], pos[c.raster]
    return jnp.concatenate([p["in.start"] + pos[:B], inpos[:-B] + pos[B:]])


def visible(c):
    """[N, N]: whether a token reads another."""
    block = np.arange(c.N) // c.block
    return block[None, :] <= block[:, None]


def split(c, p, at, u):
    """Queries, keys and values [A, n, heads, size] of the residual stream [A, n, W]."""
    qkv = linear(p, at + "qkv", normed(p, at + "norm1", u))
    q, k, v = jnp.split(qkv, 3, -1)
    return (x.reshape(*u.shape[:2], c.heads, -1) for x in (q * (c.width // c.heads) ** -0.5, k, v))


def attend(q, k, v, visible):
    scores = jnp.einsum("aihs,ajhs->ahij", q, k)
    return jnp.einsum("ahij,ajhs->aihs", jax.nn.softmax(jnp.where(visible, scores, -jnp.inf)), v)


def finish(p, at, u, attended):
    """The rest of a layer, after attention [A, n, heads, size]."""
    u = u + linear(p, at + "out", attended.reshape(u.shape))
    return u + linear(p, at + "down", jax.nn.gelu(linear(p, at + "up", normed(p, at + "norm2", u)), approximate=True))


def trunk(c, p, x, labels):
    """h [A, N, W] of AR inputs x [A, N, P] and labels [A]."""
    B = c.block
    u = jnp.pad(x[:, :-B] @ p["in.weight"], ((0, 0), (B, 0), (0, 0))) + positions(c, p) + p["in.class"][labels][:, None]
    for i in range(c.depth):
        at = f"trunk.{i}."
        u = finish(p, at, u, attend(*split(c, p, at, u), visible(c)))
    return normed(p, "trunk.norm", u)


# head

def time(p, t):
    """The time embedding [..., H] of t [...]."""
    e = t[..., None] * FREQUENCIES
    return linear(p, "head.time2", jax.nn.silu(linear(p, "head.time1", jnp.concatenate([jnp.cos(e), jnp.sin(e)], -1))))


def modulate(c, p, time, cond):
    """All modulations, 3J+2 of [..., H], from the time embedding and W_c·h."""
    return jnp.split(linear(p, "head.mod", jax.nn.silu(time + cond)), 3 * c.head_depth + 2, -1)


def head(c, p, zt, m, one=1):
    """The head at z_t [..., D] under modulations m; one is what the scales lack to factors."""
    y = linear(p, "head.in", zt)
    for j in range(c.head_depth):
        x = norm(y) * (m[3 * j + 1] + one) + m[3 * j]
        y = y + m[3 * j + 2] * linear(p, f"head.{j}.down", jax.nn.silu(linear(p, f"head.{j}.up", x)))
    return linear(p, "head.out", norm(y) * (m[-1] + one) + m[-2])


def scales_to_factors(c, p):
    """The weights with the 1 of 1 + scale in the bias, for head(one=0)."""
    bias = np.array(p["head.mod.bias"]).reshape(-1, c.head_width)
    bias[[3 * j + 1 for j in range(c.head_depth)] + [-1]] += 1
    return p | {"head.mod.bias": jnp.array(bias.reshape(-1))}
