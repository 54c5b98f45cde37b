"""Writes oracle.json: the scores of made-up features by SciPy and by the package prdc.

    pip install numpy scipy prdc
    python3 oracle.py

The Fréchet distance is pytorch-fid's calculate_frechet_distance; the kernel distance
sums all pairs in float64; the other four are prdc.compute_prdc.
"""
import json
import numpy as np
import prdc
import scipy
from scipy import linalg


def made_up(n, d, seed, shift):
    """Whole numbers by a linear congruential generator: the same in every language."""
    x, out = seed, np.empty((n, d))
    for i in range(n):
        before = 0.0
        for j in range(d):
            x = (1664525 * x + 1013904223) % 2**32
            before = (x >> 16) / 65536 + before / 2 + shift
            out[i, j] = before
    return out


def mix(z):
    """SplitMix64's finaliser: the fixed shuffle by which Features.Take chooses."""
    z = (z + 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) % 2**64
    return z ^ z >> 31


def frechet(a, b):
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = linalg.sqrtm(s1 @ s2).real
    diff = a.mean(0) - b.mean(0)
    return diff @ diff + np.trace(s1) + np.trace(s2) - 2 * np.trace(root)


def kid(a, b):
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    n, m = len(a), len(b)
    aa, bb = k(a, a), k(b, b)
    return ((aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb)) / (m * (m - 1)) - 2 * k(a, b).mean())


if __name__ == "__main__":
    cases = []
    for n, m, d, shift in [(300, 300, 8, 0.0), (400, 250, 5, 0.01), (250, 400, 5, 0.01), (120, 120, 24, 0.002), (90, 90, 2, 0.1)]:
        a, b = made_up(n, d, 1, 0.0), made_up(m, d, 2, shift)
        three = prdc.compute_prdc(a, b, nearest_k=3)
        # Density and coverage are defined here at equal counts: a larger reference is cut.
        order = sorted(range(n), key=mix)
        cut = a[sorted(order[i * n // m] for i in range(m))] if n > m else a
        five = prdc.compute_prdc(cut, b, nearest_k=5)
        cases.append({
            "real": n, "generated": m, "features": d, "shift": shift, "frechet": frechet(a, b), "kid": kid(a, b),
            "precision": three["precision"], "recall": three["recall"], "density": five["density"], "coverage": five["coverage"],
        })
    json.dump({"scipy": scipy.__version__, "numpy": np.__version__, "cases": cases}, open("oracle.json", "w"), indent=1)
