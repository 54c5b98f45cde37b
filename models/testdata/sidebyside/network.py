"""The model core in PyTorch, written for speed: the functions of models/README.md.

One projection makes queries, keys and values; all adaLN modulations of a token
are one product; position embeddings are added to each other before they meet
the batch; the mask of attention is made once and added inside its product.
"""

import torch
import torch.nn.functional as F
from torch import nn

FEATURES = 64  # of the flow time
FREQUENCIES = 100.0 * 1000.0 ** (-torch.arange(FEATURES // 2) / (FEATURES // 2))


def silu(x): return F.silu(x)


def attend(q, k, v, bias):
    """Block-causal attention [A, heads, N, size]. On a GPU the fused one; bias None is
    causal token by token. Batched products on a CPU: forward and backward through
    them take 0.5 to 0.8 of the time of scaled_dot_product_attention at these few
    tokens (causal, masked, and its own composite)."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=None if bias is None else bias.to(q.dtype), is_causal=bias is None)
    A, heads, N, size = q.shape
    q, k, v = (x.reshape(A * heads, N, size) for x in (q, k, v))
    scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=size**-0.5)
    return torch.bmm(scores.softmax(-1), v).view(A, heads, N, size)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        W = c.width
        self.heads, self.size = c.heads, W // c.heads
        self.norm1, self.qkv, self.out = nn.LayerNorm(W), nn.Linear(W, 3 * W), nn.Linear(W, W)
        self.norm2, self.up, self.down = nn.LayerNorm(W), nn.Linear(W, c.mlp * W), nn.Linear(c.mlp * W, W)

    def split(self, u):
        """Queries, keys, values [A, heads, n, W/heads] of the residual stream [A, n, W]."""
        A, n, _ = u.shape
        return self.qkv(self.norm1(u)).view(A, n, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)

    def forward(self, u, bias):
        return self.finish(u, attend(*self.split(u), bias))

    def finish(self, u, attended):
        u = u + self.out(attended.transpose(1, 2).flatten(2))
        return u + self.down(F.gelu(self.up(self.norm2(u)), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, H):
        super().__init__()
        self.up, self.down = nn.Linear(H, H), nn.Linear(H, H)


class Named(nn.Module):
    """A network whose tensors() are its parameters by the name in our files."""

    def load(self, arrays):
        tensors = self.tensors()
        if set(tensors) != set(arrays):
            raise SystemExit(f"the checkpoint has other tensors: {sorted(set(tensors) ^ set(arrays))}")
        with torch.no_grad():
            for name, p in tensors.items():
                a = torch.from_numpy(arrays[name])
                p.copy_(a.T if name.endswith(".weight") else a)
        return self

    def named(self, values):
        """values, one a parameter as in parameters(), as arrays with our names and shapes."""
        by = {id(p): v for p, v in zip(self.parameters(), values)}
        out = {}
        for name, p in self.tensors().items():
            v = by[id(p)].detach()
            out[name] = (v.T if name.endswith(".weight") else v).float().cpu().numpy()
        return out


class Network(Named):
    def __init__(self, c):
        super().__init__()
        self.c = c
        P, W, N, H, J, Cw = c.P, c.width, c.N, c.head_width, c.head_depth, c.coder_width
        self.project = nn.Linear(P, W, bias=False)
        self.start, self.inpos, self.pos = (nn.Parameter(torch.empty(n, W)) for n in (c.block, N, N))
        self.label = nn.Embedding(c.classes + 1, W)
        self.layers, self.norm = nn.ModuleList(Layer(c) for _ in range(c.depth)), nn.LayerNorm(W)
        self.cond, self.time1, self.time2 = nn.Linear(W, H), nn.Linear(FEATURES, H), nn.Linear(H, H)
        self.enter, self.mod, self.leave = nn.Linear(c.D, H), nn.Linear(H, (3 * J + 2) * H), nn.Linear(H, c.D)
        self.blocks = nn.ModuleList(Block(H) for _ in range(J))
        if c.state:
            self.enc1, self.enc2 = nn.Linear(P, Cw), nn.Linear(Cw, c.state)
            self.dec1, self.dec2, self.dec3 = nn.Linear(c.state, Cw), nn.Linear(Cw, Cw), nn.Linear(Cw, P)
        self.register_buffer("frequencies", FREQUENCIES.float(), persistent=False)
        self.register_buffer("raster", torch.as_tensor(c.raster), persistent=False)
        block = torch.arange(N) // c.block
        bias = torch.zeros(N, N).masked_fill(block[None, :] > block[:, None], -torch.inf)
        self.register_buffer("bias", bias, persistent=False)

    # coder

    def encode(self, x):
        if not self.c.state:
            return x
        e = self.enc2(silu(self.enc1(x)))
        if self.c.state_norm == "sphere":
            return e * torch.rsqrt(e.square().mean(-1, keepdim=True) + 1e-5)
        return F.layer_norm(e, (self.c.state,))

    def decode(self, z):
        return self.dec3(silu(self.dec2(silu(self.dec1(z))))) if self.c.state else z

    # trunk

    def positions(self):
        """[N, W]: what the first B and the other inputs get beside projection and class."""
        inpos, pos, B = self.inpos, self.pos, self.c.block
        if self.c.order != "contiguous":
            inpos, pos = inpos[self.raster], pos[self.raster]
        return torch.cat([self.start + pos[:B], inpos[:-B] + pos[B:]])

    def trunk(self, x, labels):
        """h [A, N, W] of AR inputs x [A, N, P] and labels [A]."""
        B = self.c.block
        u = F.pad(self.project(x[:, :-B]), (0, 0, B, 0)) + self.positions() + self.label(labels)[:, None]
        bias = None if u.is_cuda and B == 1 else self.bias
        for layer in self.layers:
            u = layer(u, bias)
        return self.norm(u)

    # head

    def time(self, t):
        """The time embedding [..., H] of t [...]."""
        e = t[..., None] * self.frequencies
        return self.time2(silu(self.time1(torch.cat([e.cos(), e.sin()], -1))))

    def modulate(self, time, cond):
        """All modulations [..., 3J+2, H] from the time embedding and W_c·h."""
        return self.mod(silu(time + cond)).unflatten(-1, (-1, self.c.head_width))

    def head(self, zt, m, one=1):
        """The head at z_t [..., D] under modulations m, 3J+2 of [..., H]; one is what
        the scales lack to factors."""
        H = (self.c.head_width,)
        factor = (lambda scale: scale + one) if one else (lambda scale: scale)
        y = self.enter(zt)
        for j, b in enumerate(self.blocks):
            f = b.down(silu(b.up(torch.addcmul(m[3 * j], F.layer_norm(y, H), factor(m[3 * j + 1])))))
            y = torch.addcmul(y, m[3 * j + 2], f)
        return self.leave(torch.addcmul(m[-2], F.layer_norm(y, H), factor(m[-1])))

    def scales_to_factors(self):
        """Puts the 1 of 1 + scale into the bias, for head(one=0)."""
        bias = self.mod.bias.data.view(-1, self.c.head_width)
        for j in [3 * j + 1 for j in range(len(self.blocks))] + [-1]:
            bias[j] += 1

    # names of models/README.md

    def tensors(self):
        """Parameters by the name in our files, and whether it is stored transposed."""
        p = {"in.weight": self.project.weight, "in.start": self.start, "in.inpos": self.inpos, "in.pos": self.pos,
             "in.class": self.label.weight}

        def put(name, m):
            first = "gain" if isinstance(m, nn.LayerNorm) else "weight"
            p[f"{name}.{first}"], p[f"{name}.bias"] = m.weight, m.bias

        for i, l in enumerate(self.layers):
            for part in ("norm1", "qkv", "out", "norm2", "up", "down"):
                put(f"trunk.{i}.{part}", getattr(l, part))
        put("trunk.norm", self.norm)
        for name, m in (("cond", self.cond), ("time1", self.time1), ("time2", self.time2), ("in", self.enter),
                        ("mod", self.mod), ("out", self.leave)):
            put("head." + name, m)
        for j, b in enumerate(self.blocks):
            put(f"head.{j}.up", b.up), put(f"head.{j}.down", b.down)
        if self.c.state:
            for part in ("enc1", "enc2", "dec1", "dec2", "dec3"):
                put(part[:3] + "." + part[3:], getattr(self, part))
        return p
