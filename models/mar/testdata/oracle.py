"""python3 models/mar/testdata/oracle.py   (from the repository root; needs NumPy) makes models/mar/testdata/oracle.json.gz

An independent float64 implementation of the family mar, written from
models/mar/README.md alone: noise, what is hidden, forward pass, loss, all gradients
and sampling. models/mar/oracle_test.go compares the family with the numbers it
writes. Reverse mode, noise, activations and the head are those of
models/pra/testdata/oracle.py.
"""

import gzip
import json
import math
import os
import statistics
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "pra", "testdata"))
import oracle as pra  # noqa: E402
from oracle import Noise, T, backward, philox, plain, wrap  # noqa: E402

COMMAND = "python3 models/mar/testdata/oracle.py"
PHI = statistics.NormalDist()


def shuffled(seed, stream, image, n):
    """Fisher–Yates from the end, with a 64-bit draw a place."""
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        w = philox((seed % 2**32, seed // 2**32), (0, i, image, stream))
        j = (w[0] << 32 | w[1]) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


class Model(pra.Model):
    """cfg: size channels classes patch width depth heads mlp head_width head_depth
    head_modulation target. One block of all tokens makes the stack of pra bidirectional."""

    def __init__(self, cfg, weights):
        n = (cfg["size"] // cfg["patch"])**2
        super().__init__(cfg | dict(block=n, order="contiguous", state=0), weights)

    def transformer(self, x, hidden, labels):
        """x [A, N, P], hidden [A, N] of truth values, labels [A]"""
        m = hidden[..., None].astype(float)
        e = self.lin("in", wrap(np.where(hidden[..., None], 0, x))) * (1 - m) + self.p["in.mask"] * m
        u = pra.classed(self, e, labels)
        if self.positions == "learned":
            u = u + self.p["in.pos"]
        return self.stack("trunk", self.depth, pra.behind(self, u, labels), self.width, self.norm, self.mlp_kind)[:, self.class_tokens:]

    def masks(self, tr, images):
        u, out = Noise(tr["seed"]).uniforms(2, images, 1)[:, 0], []
        for a, image in enumerate(images):
            r, s = 1.0, tr["mask_ratio_std"]
            if s > 0:
                low = PHI.cdf(-(1 - tr["mask_ratio_min"]) / s)
                q = low + u[a] * (0.5 - low)
                r = 1 + s * PHI.inv_cdf(q)
                assert tr["mask_ratio_min"] - 1e-9 <= r <= 1 and abs(self.N * r - round(self.N * r)) > 1e-6
            hidden = np.ones(self.N, bool)
            hidden[shuffled(tr["seed"], 1, image, self.N)[:self.N - max(1, math.ceil(self.N * r))]] = False
            out.append(hidden)
        return np.array(out)

    def loss(self, tr, x, labels, images):
        A, N, P = x.shape
        rnd = Noise(tr["seed"])
        labels = np.where(rnd.uniforms(3, images, 1)[:, 0] < tr["class_dropout"], self.classes, labels)
        hidden = self.masks(tr, images)
        h = self.transformer(x, hidden, labels)
        total, ts, os_ = T(0.0), [], []
        for k in range(tr["flow_samples"]):
            t = 1 / (1 + np.exp(-tr["time_mean"] - tr["time_std"] * rnd.normals(2**16 + k, images, N, 1)[..., 0]))
            eps, s = rnd.normals(16 + k, images, N, P), t[..., None]
            o = self.head(h, s * x + (1 - s) * eps, t)
            err = (o - x) * (1 / np.maximum(1 - s, 0.05)) if self.target == "x" else o - (x - eps)
            err = err * hidden[..., None].astype(float)
            total = total + (err * err).mean() * (A * N / hidden.sum() / tr["flow_samples"])
            ts.append(t), os_.append(o.v)
        return total, dict(labels=labels, hidden=hidden.astype(int), t=np.array(ts), h=h.v, o=np.array(os_), loss=total.v)

    def solve(self, h, none, z, w, how, ids):
        """The flow of pra for tokens of all places; the caller takes those it draws."""
        flow = how | dict(guidance=w, guidance_schedule="interval", seed=how["seed"], ids=ids)
        if how["guidance_schedule"] != "interval":
            flow |= dict(guidance_from=0.0, guidance_to=1.0)
        return self.flow(h, none if w else None, z, flow)

    def sample(self, ids, labels, how):
        A, N, K = len(ids), self.N, how["ar_steps"] or self.N
        omega = Noise(how["seed"]).normals(0, ids, N, self.P)
        orders = [shuffled(how["seed"], 1, i, N) for i in ids]
        x, hidden, left = np.zeros((A, N, self.P)), np.ones((A, N), bool), N
        for k in range(K):
            after = 0 if k == K - 1 else max(1, min(left - 1, math.floor(N * math.cos(math.pi / 2 * (k + 1) / K))))
            w = how["guidance"] * ((N - after) / N if how["guidance_schedule"] == "linear" else 1)
            h = self.transformer(x, hidden, labels).v
            none = self.transformer(x, hidden, np.full(A, self.classes)).v
            z = self.solve(h, none, omega, w, how, ids)
            for a in range(A):
                now = orders[a][N - left:N - after]
                x[a, now], hidden[a, now] = z[a, now], False
            left = after
        assert not hidden.any()
        return x


def shapes(c):
    out = pra.shapes(c | dict(block=1, state=0, coder_width=1, encoder="token", decoder="token"))
    del out["in.start"]
    out.pop("in.inpos", None)
    return out | {"in.bias": (c["width"],), "in.mask": (c["width"],)}


MODEL = dict(size=6, channels=1, classes=3, patch=2, width=8, depth=2, heads=2, mlp=2, head_width=8, head_depth=2,
             head_modulation="block", target="x", norm="layernorm", mlp_kind="gelu", positions="learned", qk_norm="none",
             class_tokens=0)
TRAIN = dict(seed=1, mask_ratio_min=0.3, mask_ratio_std=0.5, flow_samples=1, time_mean=0.0, time_std=1.0, class_dropout=0.5)
CASES = [  # name, model, training
    ("x", {}, dict(seed=2)),
    ("v", dict(target="v", channels=3, mlp=3, head_modulation="separable"), dict(seed=5 + 7 * 2**32, flow_samples=2)),
    ("shared", dict(head_modulation="shared", size=8, heads=4, width=12, depth=1), dict(seed=3, mask_ratio_min=0.7, mask_ratio_std=0.25)),
    ("all hidden", dict(size=4), dict(seed=4, mask_ratio_std=0.0, time_mean=2.0, time_std=0.5, flow_samples=2)),
    ("another trunk", dict(width=16, norm="rmsnorm", mlp_kind="swiglu", positions="rope2d", qk_norm="rmsnorm"), dict(seed=8)),
    ("one token", dict(patch=6), dict(seed=7, mask_ratio_min=0.0)),
    ("class tokens", dict(class_tokens=3), dict(seed=9)),
    ("class tokens, rope", dict(class_tokens=2, width=16, positions="rope2d", qk_norm="rmsnorm", norm="rmsnorm"), dict(seed=10)),
]
HOW = dict(seed=11, ar_steps=3, flow_steps=3, solver="euler", last_step=0.04, guidance=0.0, guidance_schedule="constant",
           guidance_from=0.0, guidance_to=1.0)
RUNS = [dict(), dict(ar_steps=1, guidance=1.5), dict(ar_steps=0, solver="heun", guidance=0.5, guidance_schedule="linear"),
        dict(solver="midpoint", guidance=1.0, guidance_schedule="interval", guidance_from=0.2, guidance_to=0.6),
        dict(ar_steps=2, solver="euler-maruyama", flow_steps=4, last_step=0.1, guidance=0.75), dict(solver="heun", flow_steps=1)]


def check(model, tr, x, labels, images, grads, rng):
    """Two entries of every gradient against central differences."""
    worst = 0.0
    for name, p in model.p.items():
        for j in rng.integers(0, p.v.size, 2):
            at, f = np.unravel_index(j, p.v.shape), []
            old = p.v[at]
            for d in (1e-4, -1e-4, 2e-4, -2e-4):
                p.v[at] = old + d
                f.append(float(model.loss(tr, x, labels, images)[0].v))
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
    rng = np.random.default_rng(3000 + number)
    weights = {n: np.rint((n.endswith(".gain") + 0.3 * rng.standard_normal(s)) * 1024) / 1024 for n, s in shapes(cfg).items()}
    model = Model(cfg, weights)
    images = rng.integers(0, 256, (3, cfg["size"], cfg["size"], cfg["channels"]))
    labels, numbers = np.array([number % 3, 2, 1]), [0, 1, 2]
    x = model.patchify(images)
    total, seen = model.loss(tr, x, labels, numbers)
    backward(total)
    grads = {n: np.zeros_like(p.v) if p.g is None else p.g for n, p in model.p.items()}
    worst = check(model, tr, x, labels, numbers, grads, rng)
    ids, classes, runs = [0, 7, 50000], [2, 0, 3], []
    for run in RUNS:
        how = HOW | run
        how["ar_steps"] = min(how["ar_steps"], model.N)
        z = model.sample(ids, classes, how)
        runs.append(how | dict(tokens=z, images=model.unpatchify(z)))
    print(f"{name:12} loss {seen['loss']:9.4f} labels {seen['labels']} hidden {seen['hidden'].sum(1)} of {model.N} differences {worst:.0e}",
          flush=True)
    return dict(name=name, config=cfg, train=tr, images=images, labels=labels, weights=weights, step=seen, grads=grads,
                sample=dict(ids=ids, labels=classes, runs=runs))


def main():
    text = json.dumps(dict(command=COMMAND, cases=plain([make(i, *c) for i, c in enumerate(CASES)])), separators=(",", ":"))
    path = os.path.join(HERE, "oracle.json.gz")
    with open(path, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", filename="", mtime=0) as z:
        z.write(text.encode())
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
