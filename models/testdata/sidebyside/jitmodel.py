"""The family jit in PyTorch, written for speed: the functions of models/jit/README.md.

One projection makes queries, keys and values, all modulations of an image are one
product, and in sampling those of all steps are made before the first.
"""

import torch
import torch.nn.functional as F
from torch import nn

import recipe
from network import FEATURES, FREQUENCIES, Named, attend, silu


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        W = c.width
        self.heads, self.qkv, self.out = c.heads, nn.Linear(W, 3 * W), nn.Linear(W, W)
        self.up, self.down = nn.Linear(W, c.mlp * W), nn.Linear(c.mlp * W, W)

    def forward(self, x, m, bias):
        """x [A, N, W] under six modulations [A, 1, W], whose scales have their 1."""
        A, N, W = x.shape
        y = torch.addcmul(m[0], F.layer_norm(x, (W,)), m[1])
        q, k, v = self.qkv(y).view(A, N, 3, self.heads, W // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = torch.addcmul(x, m[2], self.out(attend(q, k, v, bias).transpose(1, 2).flatten(2)))
        y = torch.addcmul(m[3], F.layer_norm(x, (W,)), m[4])
        return torch.addcmul(x, m[5], self.down(F.gelu(self.up(y), approximate="tanh")))


class Network(Named):
    def __init__(self, c):
        super().__init__()
        self.c = c
        W = c.width
        self.shrink = nn.Linear(c.P, c.bottleneck, bias=False) if c.bottleneck else nn.Identity()
        self.enter, self.pos, self.label = nn.Linear(c.bottleneck or c.P, W), nn.Parameter(torch.empty(c.N, W)), nn.Embedding(c.classes + 1, W)
        self.time1, self.time2 = nn.Linear(FEATURES, W), nn.Linear(W, W)
        self.mod, self.leave = nn.Linear(W, (6 * c.depth + 2) * W), nn.Linear(W, c.P)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.depth))
        self.register_buffer("frequencies", FREQUENCIES.float(), persistent=False)
        self.register_buffer("bias", torch.zeros(c.N, c.N), persistent=False)  # every token sees every other
        one = torch.zeros(6 * c.depth + 2, 1)
        one[[1, *(6 * i + j for i in range(c.depth) for j in (1, 4)), 6 * c.depth + 1]] = 1
        self.register_buffer("one", one, persistent=False)

    def time(self, t):
        """The time embedding [..., W] of t [...]."""
        e = t[..., None] * self.frequencies
        return self.time2(silu(self.time1(torch.cat([e.cos(), e.sin()], -1))))

    def modulate(self, time, labels):
        """All modulations [..., 6D+2, W] of images from their times' embeddings, with the 1 of 1 + scale."""
        return self.mod(silu(time + self.label(labels))).unflatten(-1, (-1, self.c.width)) + self.one

    def forward(self, z, m):
        """[A, N, P] of z [A, N, P] under modulations [A, 6D+2, W]."""
        m = m[:, :, None].unbind(1)
        x = self.enter(self.shrink(z)) + self.pos
        for i, layer in enumerate(self.layers):
            x = layer(x, m[6 * i:6 * i + 6], self.bias)
        return self.leave(torch.addcmul(m[-2], F.layer_norm(x, (self.c.width,)), m[-1]))

    def tensors(self):
        """Parameters by the name in our files."""
        p = {"in.pos": self.pos, "trunk.class": self.label.weight}

        def put(name, m):
            p[name + ".weight"] = m.weight
            if m.bias is not None:
                p[name + ".bias"] = m.bias

        if self.c.bottleneck:
            put("in.down", self.shrink)
        for name, m in (("in.up", self.enter), ("trunk.time1", self.time1), ("trunk.time2", self.time2), ("trunk.mod", self.mod),
                        ("trunk.out", self.leave)):
            put(name, m)
        for i, layer in enumerate(self.layers):
            for part in ("qkv", "out", "up", "down"):
                put(f"trunk.{i}.{part}", getattr(layer, part))
        return p


class Loss(nn.Module):
    def __init__(self, net, train):
        super().__init__()
        self.net = net

    def forward(self, x, labels, t, eps, noise, weight):
        """The mean square of the velocity's error; there is no other part."""
        net, at = self.net, t[:, None, None]
        o = net(torch.lerp(eps, x, at), net.modulate(net.time(t), labels))
        error = (o - x) * weight if net.c.target == "x" else o - (x - eps)
        loss = error.square().mean()
        return loss, loss.detach(), x.new_zeros(())


class Sampler:
    """Draws batches of one size by Euler's steps, without guidance. how: compile
    (inductor's options, None for eager), bf16 (autocast)."""

    def __init__(self, checkpoint, batch, steps, *, compile=None, bf16=False):
        c = self.c = checkpoint.config
        self.net = Network(c).load(checkpoint.named("ema.")).eval().requires_grad_(False)
        self.batch, self.steps, self.bf16 = batch, steps, bf16
        with torch.no_grad():
            self.times = self.net.time(torch.arange(steps) / steps)[:, None].clone()  # [S, 1, W]
        self.inverse = [1 / max(1 - i / steps, 0.05) / steps for i in range(steps)]
        self.step = self.net if compile is None else torch.compile(self.net, options=compile, fullgraph=True, dynamic=False)

    @torch.inference_mode()
    def draw(self, labels, omega):
        """Unclipped tokens [batch, N, P]."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            z = omega
            for i, m in enumerate(self.net.modulate(self.times, labels[None].expand(self.steps, -1))):
                o = self.step(z, m).to(z.dtype)
                z = torch.lerp(z, o, self.inverse[i]) if self.c.target == "x" else torch.add(z, o, alpha=1 / self.steps)
            return z

    @torch.inference_mode()
    def images(self, labels, omega):
        """Bytes [batch, size, size, C]."""
        return recipe.bytes_of(self.c, self.draw(labels, omega))
