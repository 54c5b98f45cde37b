"""python3 models/vq/testdata/oracle.py   (from the repository root; needs NumPy) makes models/vq/testdata/oracle.json.gz

An independent float64 implementation of the family vq, written from
models/vq/README.md alone: tokenizer, codebook, transformer, losses, all gradients and
sampling. models/vq/oracle_test.go compares the family with the numbers it writes.
Reverse mode, noise and activations are those of models/pra/testdata/oracle.py.
"""

import gzip
import json
import math
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "pra", "testdata"))
from oracle import T, Noise, backward, behind, classed, concat, feed, inner, mask, normed, placed, plain, sphere, wrap  # noqa: E402

COMMAND = "python3 models/vq/testdata/oracle.py"


def log(x):
    return T(np.log(x.v), [(x, lambda g: g / x.v)])


class Model:
    """cfg: size channels classes patch block codes code_dim coder_width coder_depth width depth heads mlp"""

    def __init__(self, cfg, weights, vectors, use):
        self.__dict__.update(cfg)
        self.grid = self.size // self.patch
        self.N, self.P = self.grid**2, self.patch**2 * self.channels
        self.p = {name: T(w) for name, w in weights.items()}
        self.E, self.use = vectors, use

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

    def stack(self, name, u, depth, W, block):
        A, N, hd = len(u.v), u.shape[1], W // self.heads
        kind, mlp, first = (self.norm, self.mlp_kind, self.class_tokens) if name == "trunk" else ("layernorm", "gelu", 0)
        seen = mask(first, self.N, block)
        for l in range(depth):
            t = f"{name}.{l}."
            qkv = self.lin(t + "qkv", normed(self.p, t + "norm1", u, kind))
            q, k, v = (qkv[:, :, j * W:(j + 1) * W].reshape(A, N, self.heads, hd).swap(1, 2) for j in range(3))
            if name == "trunk":
                q, k = placed(self, t, q, k, np.arange(self.N))
            s = q @ k.swap(2, 3) * (1 / math.sqrt(hd)) + seen
            e = (s - s.v.max(-1, keepdims=True)).exp()
            a = (e / (e.mean(-1) * float(N))) @ v
            u = u + self.lin(t + "out", a.swap(1, 2).reshape(A, N, W))
            u = u + feed(self.p, t, normed(self.p, t + "norm2", u, kind), mlp)
        return normed(self.p, name + ".norm", u, kind)

    def encode(self, x):
        u = self.lin("tokenizer.in", wrap(x)) + self.p["tokenizer.enc.pos"]
        return sphere(self.lin("tokenizer.code", self.stack("tokenizer.enc", u, self.coder_depth, self.coder_width, self.N)))

    def nearest(self, z):
        return ((z[:, :, None, :] - self.E) ** 2).sum(-1).argmin(-1)

    def decode(self, zq):
        u = self.lin("tokenizer.up", wrap(zq)) + self.p["tokenizer.dec.pos"]
        return self.lin("tokenizer.out", self.stack("tokenizer.dec", u, self.coder_depth, self.coder_width, self.N))

    def tokenizer_loss(self, tr, x, frozen=None):
        """frozen: codes and what is added to z, held for finite differences"""
        z = self.encode(x)
        if frozen is None:
            codes = self.nearest(z.v)
            frozen = codes, self.E[codes] - z.v
        codes, added = frozen
        y = self.decode(z + added)
        rec, held = y - wrap(x), z - self.E[codes]
        rec, held = (rec * rec).mean(), (held * held).mean()
        return rec + tr["commitment"] * held, dict(z=z.v, codes=codes, y=y.v, rec=rec.v, held=held.v), frozen

    def moved(self, tr, step, z, codes):
        z, codes = z.reshape(-1, self.code_dim), codes.reshape(-1)
        E, use, mean, g = self.E.copy(), self.use.copy(), len(z) / self.codes, tr["code_decay"]
        reset = 0
        for k in range(self.codes):
            mine = z[codes == k]
            n = g * use[k] + (1 - g) * len(mine)
            if n < tr["code_reset"] * mean:
                u = Noise(tr["seed"]).uniforms(1, [step + 1], k + 1)[0, k]
                E[k], use[k] = z[int(u * len(z))], mean
                reset += 1
                continue
            if len(mine):
                E[k] = (g * use[k] * E[k] + (1 - g) * mine.sum(0)) / n
            use[k] = n
        return E, use, reset

    def logits(self, codes, labels):
        A, N, B, W = len(codes), self.N, self.block, self.width
        rest = wrap(self.E[codes][:, :N - B]) @ self.p["in.weight"]
        if self.positions == "learned":
            rest = rest + self.p["in.inpos"][:N - B]
        start = self.p["in.start"] + np.zeros((A, B, W))
        u = classed(self, concat([start, rest], 1), labels)
        if self.positions == "learned":
            u = u + self.p["in.pos"]
        return self.lin("logits", self.stack("trunk", behind(self, u, labels), self.depth, W, B)[:, self.class_tokens:])

    def loss(self, codes, labels):
        l = self.logits(codes, labels)
        l = l - l.v.max(-1, keepdims=True)
        a, i = np.indices(codes.shape)
        return (log((l.exp().mean(-1)) * float(self.codes)).reshape(*codes.shape) - l[a, i, codes]).mean()

    def sample(self, seed, ids, labels, how):
        u, codes = Noise(seed).uniforms(0, ids, self.N), np.zeros((len(ids), self.N), int)
        for i in range(self.N):
            l = self.logits(codes, labels).v[:, i]  # codes of this block and later ones are not seen
            if how["guidance"]:
                l = l + how["guidance"] * (l - self.logits(codes, np.full(len(ids), self.classes)).v[:, i])
            for a in range(len(ids)):
                codes[a, i] = self.choose(l[a], u[a, i], how)
        return codes

    def choose(self, l, u, how):
        if how["temperature"] == 0:
            return int(l.argmax())
        p = np.exp((l - l.max()) / how["temperature"])
        order = sorted(range(len(p)), key=lambda k: (-p[k], k))
        if how["top_k"]:
            order = order[:how["top_k"]]
        total, kept = sum(p[k] for k in order), []
        for k in order:
            if kept and sum(p[j] for j in kept) >= how["top_p"] * total:
                break
            kept.append(k)
        kept.sort()
        edge = np.cumsum([p[k] for k in kept]) / sum(p[k] for k in kept)
        assert abs(edge - u).min() > 1e-4, "a choice that rounding decides: take another seed"
        return kept[int((edge > u).argmax())]


def shapes(c):
    P, W, C, d, N = c["patch"]**2 * c["channels"], c["width"], c["coder_width"], c["code_dim"], (c["size"] // c["patch"])**2
    out = {}
    def lin(name, a, b):
        out[name + ".weight"], out[name + ".bias"] = (a, b), (b,)
    def stack(name, depth, W, kind="layernorm", mlp="gelu", qk=False):
        up, down = inner(mlp, c["mlp"], W)
        def nm(name):
            out[name + ".gain"] = (W,)
            if kind == "layernorm":
                out[name + ".bias"] = (W,)
        for l in range(depth):
            at = f"{name}.{l}."
            nm(at + "norm1"), nm(at + "norm2")
            lin(at + "qkv", W, 3 * W), lin(at + "out", W, W)
            if qk:
                out[at + "qk.gain"] = (2, W // c["heads"])
            lin(at + "up", W, up), lin(at + "down", down, W)
        nm(name + ".norm")
    lin("tokenizer.in", P, C), lin("tokenizer.code", C, d), lin("tokenizer.up", d, C), lin("tokenizer.out", C, P)
    out["tokenizer.enc.pos"] = out["tokenizer.dec.pos"] = (N, C)
    stack("tokenizer.enc", c["coder_depth"], C), stack("tokenizer.dec", c["coder_depth"], C)
    out["in.weight"], out["in.start"] = (d, W), (c["block"], W)
    if c["class_tokens"]:
        out["trunk.class"] = (c["classes"] + 1, c["class_tokens"], W)
    else:
        out["in.class"] = (c["classes"] + 1, W)
    if c["positions"] == "learned":
        out["in.pos"] = out["in.inpos"] = (N, W)
    stack("trunk", c["depth"], W, c["norm"], c["mlp_kind"], c["qk_norm"] == "rmsnorm")
    lin("logits", W, c["codes"])
    return out


MODEL = dict(size=4, channels=1, classes=3, patch=2, block=1, codes=7, code_dim=4, coder_width=8, coder_depth=1, width=8, depth=2, heads=2, mlp=2,
             norm="layernorm", mlp_kind="gelu", positions="learned", qk_norm="none", class_tokens=0)
TRAIN = dict(seed=1, commitment=0.25, code_decay=0.9, code_reset=0.3)
CASES = [  # name, model, training
    ("one token a step", {}, dict(seed=2)),
    ("blocks of two", dict(block=2, channels=3, coder_depth=2, depth=1), dict(seed=5 + 7 * 2**32, commitment=2.0)),
    ("all at once", dict(block=9, size=6, heads=4, width=12, codes=3), dict(seed=3, code_decay=0.5, code_reset=0.0)),
    ("one patch", dict(patch=4, mlp=3, code_dim=3), dict(seed=4)),
    ("rmsnorm, swiglu", dict(norm="rmsnorm", mlp_kind="swiglu"), dict(seed=6)),
    ("rope, qk norm", dict(size=6, block=3, width=16, positions="rope2d", qk_norm="rmsnorm", depth=1), dict(seed=7)),
    ("the whole trunk", dict(block=2, norm="rmsnorm", mlp_kind="swiglu", positions="rope2d", qk_norm="rmsnorm"), dict(seed=8)),
    ("class tokens", dict(block=2, class_tokens=3), dict(seed=9)),
    ("class tokens, rope", dict(size=6, block=3, width=16, positions="rope2d", norm="rmsnorm", class_tokens=1), dict(seed=10)),
]


def check(model, names, f, grads, rng):
    """Two entries of every gradient against central differences."""
    worst = 0.0
    for name in names:
        p = model.p[name]
        for j in rng.integers(0, p.v.size, 2):
            at, v = np.unravel_index(j, p.v.shape), []
            old = p.v[at]
            for d in (1e-4, -1e-4, 2e-4, -2e-4):
                p.v[at] = old + d
                v.append(float(f().v))
            p.v[at] = old
            want = (8 * (v[0] - v[1]) - (v[2] - v[3])) / (12 * 1e-4)
            err = abs(want - grads[name][at]) / (1e-2 + abs(want))
            assert err < 1e-6, (name, at, want, grads[name][at])
            worst = max(worst, err)
    return worst


def gradients(model, names, loss):
    for p in model.p.values():
        p.g = None
    backward(loss)
    return {n: np.zeros_like(model.p[n].v) if model.p[n].g is None else model.p[n].g for n in names}


def make(number, name, mcfg, tcfg):
    cfg, tr = MODEL | mcfg, TRAIN | tcfg
    rng = np.random.default_rng(3000 + number)
    rough = lambda size, scale: np.rint(scale * rng.standard_normal(size) * 1024) / 1024
    weights = {n: rough(s, 0.4) for n, s in shapes(cfg).items()}
    mean = 3 * (cfg["size"] // cfg["patch"])**2 / cfg["codes"]
    use = np.rint(mean * rng.uniform(0.1, 2, cfg["codes"]) * 1024) / 1024
    model = Model(cfg, weights, np.zeros((cfg["codes"], cfg["code_dim"])), use)
    coder = [n for n in weights if n.startswith("tokenizer.")]
    net = [n for n in weights if n not in coder]
    images = rng.integers(0, 256, (3, cfg["size"], cfg["size"], cfg["channels"]))
    labels = np.array([number % 3, 2, 3])
    x = model.patchify(images)
    z = model.encode(x).v.reshape(-1, cfg["code_dim"])  # codes near states, so that many are used
    model.E = np.rint(z[rng.integers(0, len(z), cfg["codes"])] * 1024) / 1024 + rough((cfg["codes"], cfg["code_dim"]), 0.05)
    total, seen, frozen = model.tokenizer_loss(tr, x)
    coder_grads = gradients(model, coder, total)
    worst = check(model, coder, lambda: model.tokenizer_loss(tr, x, frozen)[0], coder_grads, rng)
    moved = model.moved(tr, 5, seen["z"], seen["codes"])
    codes = seen["codes"]
    entropy = model.loss(codes, labels)
    net_grads = gradients(model, net, entropy)
    worst = max(worst, check(model, net, lambda: model.loss(codes, labels), net_grads, rng))
    ids, classes, runs = [0, 7, 50000], [2, 0, 3], []
    for temperature, top_k, top_p, guidance in ((1.0, 0, 1.0, 0.0), (0.7, 0, 1.0, 1.5), (1.3, 2, 1.0, 0.0), (1.0, 0, 0.6, 0.5),
                                                (2.0, 3, 0.8, 0.0), (0.0, 0, 1.0, 0.5)):
        how = dict(temperature=temperature, top_k=top_k, top_p=top_p, guidance=guidance)
        drawn = model.sample(11, ids, classes, how)
        y = model.decode(model.E[drawn]).v
        runs.append(how | dict(codes=drawn, tokens=y, images=model.unpatchify(y)))
    print(f"{name:17} loss {total.v:.4f}, {entropy.v:.4f} codes {len(set(codes.flat))} reset {moved[2]} "
          f"drawn {len({tuple(r['codes'].flat) for r in runs})} differences {worst:.0e}", flush=True)
    return dict(name=name, config=cfg, train=tr, images=images, labels=labels, weights=weights, vectors=model.E, use=use,
                tokenizer=seen | dict(loss=total.v, grads=coder_grads), moved=dict(step=5, vectors=moved[0], use=moved[1], reset=moved[2]),
                entropy=entropy.v, grads=net_grads, sample=dict(seed=11, ids=ids, labels=classes, runs=runs))


def main():
    text = json.dumps(dict(command=COMMAND, cases=plain([make(i, *c) for i, c in enumerate(CASES)])), separators=(",", ":"))
    path = os.path.join(HERE, "oracle.json.gz")
    with open(path, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", filename="", mtime=0) as z:
        z.write(text.encode())
    print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
