"""python3 models/jit/testdata/oracle.py   (from the repository root; needs NumPy) makes models/jit/testdata/oracle.json.gz

An independent float64 implementation of the family jit, written from
models/jit/README.md alone: noise, forward pass, loss, all gradients and sampling.
models/jit/oracle_test.go compares the family with the numbers it writes. Reverse
mode, noise and activations are those of models/pra/testdata/oracle.py.
"""

import gzip
import json
import math
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "pra", "testdata"))
from oracle import F, T, Noise, backward, feed, inner, norm, placed, plain, silu, wrap  # noqa: E402

COMMAND = "python3 models/jit/testdata/oracle.py"


class Model:
    """cfg: size channels classes patch width depth heads mlp bottleneck target"""
    class_tokens = 0  # the class enters by the modulations alone

    def __init__(self, cfg, weights):
        self.cfg = cfg
        self.__dict__.update(cfg)
        self.grid = self.size // self.patch
        self.N, self.P = self.grid**2, self.patch**2 * self.channels
        self.p = {name: T(w) for name, w in weights.items()}

    def lin(self, name, x):
        return x @ self.p[name + ".weight"] + self.p[name + ".bias"]

    def patchify(self, images):
        g, p = self.grid, self.patch
        x = images.astype(np.float64) / 127.5 - 1
        x = x.reshape(len(x), g, p, g, p, self.channels).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(len(x), self.N, self.P)

    def unpatchify(self, tokens):
        g, p = self.grid, self.patch
        x = tokens.reshape(-1, g, g, p, p, self.channels).transpose(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, self.size, self.size, self.channels)
        return np.rint((np.clip(x, -1, 1) + 1) * 127.5).astype(int)

    def network(self, zt, t, labels):
        """zt [A, N, P], t [A], labels [A] → [A, N, P]"""
        A, N, W, hd = len(t), self.N, self.width, self.width // self.heads
        w = 100.0 * 1000.0 ** (-np.arange(F // 2) / (F // 2))
        e = T(np.concatenate([np.cos(t[:, None] * w), np.sin(t[:, None] * w)], -1))
        c = silu(self.lin("trunk.time2", silu(self.lin("trunk.time1", e))) + self.p["trunk.class"][np.asarray(labels)])
        m = self.lin("trunk.mod", c).reshape(A, 1, (6 * self.depth + 2) * W)
        col = lambda j: m[:, :, j * W:(j + 1) * W]
        x = wrap(zt)
        if self.bottleneck:
            x = x @ self.p["in.down.weight"]
        x = self.lin("in.up", x)
        if self.positions == "learned":
            x = x + self.p["in.pos"]
        for l in range(self.depth):
            at = f"trunk.{l}."
            y = norm(x) * (1 + col(6 * l + 1)) + col(6 * l)
            qkv = self.lin(at + "qkv", y)
            q, k, v = (qkv[:, :, j * W:(j + 1) * W].reshape(A, N, self.heads, hd).swap(1, 2) for j in range(3))
            q, k = placed(self, at, q, k, np.arange(N))
            s = q @ k.swap(2, 3) * (1 / math.sqrt(hd))
            s = (s - s.v.max(-1, keepdims=True)).exp()
            a = (s / (s.mean(-1) * float(N))) @ v
            x = x + col(6 * l + 2) * self.lin(at + "out", a.swap(1, 2).reshape(A, N, W))
            y = norm(x) * (1 + col(6 * l + 4)) + col(6 * l + 3)
            x = x + col(6 * l + 5) * feed(self.p, at, y, self.mlp_kind)
        y = norm(x) * (1 + col(6 * self.depth + 1)) + col(6 * self.depth)
        return self.lin("trunk.out", y)

    def step(self, tr, x, labels, images):
        A, rnd = len(x), Noise(tr["seed"])
        labels = np.where(rnd.uniforms(3, images, 1)[:, 0] < tr["class_dropout"], self.classes, labels)
        t = 1 / (1 + np.exp(-tr["time_mean"] - tr["time_std"] * rnd.normals(2, images, 1, 1)[:, 0, 0]))
        eps, s = rnd.normals(1, images, self.N, self.P), t[:, None, None]
        zt = s * x + (1 - s) * eps
        o = self.network(zt, t, labels)
        if self.target == "x":
            err = (o - x) * (1 / np.maximum(1 - s, 0.05))
        else:
            err = o - (x - eps)
        loss = (err * err).mean()
        return loss, dict(labels=labels, t=t, zt=zt, o=o.v, loss=loss.v)

    def velocity(self, z, i, labels, how):
        t = i / how["flow_steps"]
        at = np.full(len(z), t)
        o = self.network(z, at, labels).v
        if how["guidance"] and how["guidance_from"] <= t <= how["guidance_to"]:
            o = o + how["guidance"] * (o - self.network(z, at, np.full(len(z), self.classes)).v)
        return o if self.target == "v" else (o - z) / max(1 - t, 0.05)

    def sample(self, seed, ids, labels, how):
        z, S = Noise(seed).normals(0, ids, self.N, self.P), how["flow_steps"]
        for i in range(S):
            v = self.velocity(z, i, labels, how)
            if how["solver"] == "heun" and i < S - 1:
                v = (v + self.velocity(z + v / S, i + 1, labels, how)) / 2
            z = z + v / S
        return z


def shapes(c):
    P, W, b = c["patch"]**2 * c["channels"], c["width"], c["bottleneck"]
    out = {"in.pos": ((c["size"] // c["patch"])**2, W)} if c["positions"] == "learned" else {}
    out["trunk.class"] = (c["classes"] + 1, W)
    up, down = inner(c["mlp_kind"], c["mlp"], W)
    def lin(name, a, b):
        out[name + ".weight"], out[name + ".bias"] = (a, b), (b,)
    if b:
        out["in.down.weight"] = (P, b)
    lin("in.up", b or P, W), lin("trunk.time1", F, W), lin("trunk.time2", W, W)
    lin("trunk.mod", W, (6 * c["depth"] + 2) * W), lin("trunk.out", W, P)
    for l in range(c["depth"]):
        at = f"trunk.{l}."
        lin(at + "qkv", W, 3 * W), lin(at + "out", W, W)
        lin(at + "up", W, up), lin(at + "down", down, W)
        if c["qk_norm"] == "rmsnorm":
            out[at + "qk.gain"] = (2, W // c["heads"])
    return out


MODEL = dict(size=4, channels=1, classes=3, patch=2, width=8, depth=2, heads=2, mlp=2, bottleneck=3, target="x",
             mlp_kind="gelu", positions="learned", qk_norm="none")
TRAIN = dict(seed=1, time_mean=-0.8, time_std=0.8, class_dropout=0.5)
CASES = [  # name, model, training
    ("x", {}, dict(seed=2)),
    ("v", dict(target="v", channels=3, mlp=3), dict(seed=5 + 7 * 2**32, time_mean=0.5, time_std=1.5)),
    ("no bottleneck", dict(bottleneck=0, size=6, heads=4, width=12, depth=1), dict(seed=3)),
    ("late times", dict(patch=4, size=4), dict(seed=4, time_mean=4.0, time_std=0.5)),  # 1 − t below 0.05; one token
    ("swiglu", dict(mlp_kind="swiglu", mlp=3), dict(seed=6)),
    ("rope, qk norm", dict(size=6, width=16, positions="rope2d", qk_norm="rmsnorm", depth=1), dict(seed=7)),
    ("the whole trunk", dict(mlp_kind="swiglu", positions="rope2d", qk_norm="rmsnorm"), dict(seed=8)),
]


def check(model, tr, x, labels, images, grads, rng):
    """Two entries of every gradient against central differences."""
    worst = 0.0
    for name, p in model.p.items():
        for j in rng.integers(0, p.v.size, 2):
            at, f = np.unravel_index(j, p.v.shape), []
            old = p.v[at]
            for d in (1e-4, -1e-4, 2e-4, -2e-4):
                p.v[at] = old + d
                f.append(float(model.step(tr, x, labels, images)[0].v))
            p.v[at] = old
            want = (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * 1e-4)
            err = abs(want - grads[name][at]) / (1e-2 + abs(want))
            assert err < 1e-6, (name, at, want, grads[name][at])
            worst = max(worst, err)
    return worst


def choose_seed(seed, share):
    """The first seed from here on at which some labels are dropped and some not."""
    while not 0 < (Noise(seed).uniforms(3, range(3), 1) < share).sum() < 3:
        seed += 1
    return seed


def make(number, name, mcfg, tcfg):
    cfg, tr = MODEL | mcfg, TRAIN | tcfg
    tr["seed"] = choose_seed(tr["seed"], tr["class_dropout"])
    rng = np.random.default_rng(2000 + number)
    weights = {n: np.rint(0.3 * rng.standard_normal(s) * 1024) / 1024 for n, s in shapes(cfg).items()}
    model = Model(cfg, weights)
    images = rng.integers(0, 256, (3, cfg["size"], cfg["size"], cfg["channels"]))
    labels, numbers = np.array([number % 3, 2, 1]), [0, 1, 2]
    x = model.patchify(images)
    total, seen = model.step(tr, x, labels, numbers)
    backward(total)
    grads = {n: np.zeros_like(p.v) if p.g is None else p.g for n, p in model.p.items()}
    worst = check(model, tr, x, labels, numbers, grads, rng)
    ids, classes, runs = [0, 7, 50000], [2, 0, 3], []
    for solver, steps, guidance, lo, hi in (("euler", 3, 0.0, 0, 1), ("heun", 4, 0.0, 0, 1), ("euler", 3, 1.5, 0, 1),
                                            ("heun", 5, 0.75, 0.3, 0.7), ("heun", 1, 1.0, 0.0, 0.0)):
        how = dict(flow_steps=steps, solver=solver, guidance=guidance, guidance_from=lo, guidance_to=hi)
        z = model.sample(11, ids, classes, how)
        runs.append(how | dict(tokens=z, images=model.unpatchify(z)))
    print(f"{name:15} loss {seen['loss']:9.4f} labels {seen['labels']} t {seen['t'].round(3)} differences {worst:.0e}", flush=True)
    return dict(name=name, config=cfg, train=tr, images=images, labels=labels, weights=weights, step=seen, grads=grads,
                sample=dict(seed=11, ids=ids, labels=classes, runs=runs))


def main():
    text = json.dumps(dict(command=COMMAND, cases=plain([make(i, *c) for i, c in enumerate(CASES)])), separators=(",", ":"))
    path = os.path.join(HERE, "oracle.json.gz")
    with open(path, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", filename="", mtime=0) as z:
        z.write(text.encode())
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
