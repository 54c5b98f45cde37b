"""Sequential sampling in PyTorch: block by block with a static cache of keys
and values, Euler steps, no guidance.

What does not depend on the states is computed once: the time embeddings for
all calls, and the modulations of all flow steps of a token in one product,
with the 1 of 1 + scale in its bias.
The noise is drawn before, so a call has less to do than ours, which draws it.
"""

import torch
import torch.nn.functional as F

import recipe
from network import Network


def noise(c, seed, images):
    """ω [images, N, D]."""
    return torch.from_numpy(recipe.omega(c, seed, images))


class Sampler:
    """Draws batches of one size. how: compile (inductor's options, None for
    eager), bf16 (autocast), masked (attention over the whole cache under a mask, so that all steps have
    the same shapes; otherwise over what is filled)."""

    def __init__(self, checkpoint, batch, steps, *, compile=None, bf16=False, masked=None):
        c = self.c = checkpoint.config
        self.net = Network(c).load(checkpoint.named("ema.")).eval().requires_grad_(False)
        self.batch, self.steps, self.bf16 = batch, steps, bf16
        self.masked = compile is not None if masked is None else masked
        size = c.width // c.heads
        dtype = torch.bfloat16 if bf16 else torch.float32
        self.cache = [torch.zeros(2, batch, c.heads, c.N, size, dtype=dtype) for _ in range(c.depth)]
        self.tokens = torch.zeros(batch, c.N, c.P)
        with torch.inference_mode(False), torch.no_grad():
            self.net.scales_to_factors()
            self.times = self.net.time(torch.arange(steps) / steps)[:, None].clone()  # [S, 1, H]
            self.positions = self.net.positions().clone()
        self.rows = [torch.arange(k * c.block, (k + 1) * c.block) for k in range(c.K)]
        self.masks = [self.net.bias[r] for r in self.rows]
        self.inverse = [1 / max(1 - i / steps, 0.05) for i in range(steps)]
        self.none = torch.zeros(batch, c.block, c.width)  # in the place of the first block's inputs
        self.step = self.block
        if compile is not None:
            self.step = torch.compile(self.block, options=compile, fullgraph=True, dynamic=False)

    def attend(self, layer, cache, u, k, rows, mask):
        q, key, value = layer.split(u)
        if self.masked:
            cache[0].index_copy_(2, rows, key)
            cache[1].index_copy_(2, rows, value)
            return F.scaled_dot_product_attention(q, cache[0], cache[1], attn_mask=mask)
        B = self.c.block
        cache[0, :, :, k * B:(k + 1) * B], cache[1, :, :, k * B:(k + 1) * B] = key, value
        return F.scaled_dot_product_attention(q, cache[0, :, :, :(k + 1) * B], cache[1, :, :, :(k + 1) * B])

    def block(self, u, omega, k, rows, mask):
        """The tokens of one AR step from the trunk's input u [batch, B, W] and ω
        [batch, B, D], and their projection, the next step's input."""
        net = self.net
        for layer, cache in zip(net.layers, self.cache):
            u = layer.finish(u, self.attend(layer, cache, u, k, rows, mask))
        z = omega.reshape(-1, self.c.D)
        h = net.norm(u).view(-1, self.c.width)
        for i, m in enumerate(net.modulate(self.times, net.cond(h)).unbind(0)):
            o = net.head(z, m.unbind(1), one=0)
            if self.c.target == "x":
                # z + (o − z)·f is lerp(z, o, f)
                z = torch.lerp(z.to(o.dtype), o, self.inverse[i] / self.steps)
            else:
                z = torch.add(z, o, alpha=1 / self.steps)
        x = net.decode(z)
        return x.view(-1, self.c.block, self.c.P), net.project(x).view_as(u)

    @torch.inference_mode()
    def draw(self, labels, omega):
        """Unclipped tokens [batch, N, P]; the sampler's, good until the next call."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            B, label, projected = self.c.block, self.net.label(labels)[:, None], self.none
            at = label + self.positions
            for k in range(self.c.K):
                s = slice(k * B, (k + 1) * B)
                # k as a number would make a graph of each step
                x, projected = self.step(projected + at[:, s], omega[:, s], 0 if self.masked else k, self.rows[k], self.masks[k])
                self.tokens[:, s] = x
            return self.tokens

    @torch.inference_mode()
    def images(self, labels, omega):
        """Bytes [batch, size, size, C]."""
        return recipe.bytes_of(self.c, self.draw(labels, omega))
