"""Writes later.json: the scores that came later, of made-up features, by NumPy and SciPy.

    pip install numpy scipy prdc
    python3 later.py

Each is written down by its definition: all pairs, sorted projections, an optimal
assignment where counts differ, Fréchet distances of halves. CMMD's is the authors'
formula; the sliced distance is 3 D times the mean of squared differences of sorted
projections, with the directions of package metrics.
"""
import json
import numpy as np
import scipy
from scipy.spatial.distance import cdist
from oracle import made_up, mix, frechet, kid

M = 2**64 - 1


def take(n, m, labels=None):
    order = sorted(range(n), key=mix)
    if labels is not None:
        order.sort(key=lambda i: labels[i])
    return sorted(order[i * n // m] for i in range(m))


def mix_all(z):
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def directions(d, count=1000):
    k, j = np.meshgrid(np.arange(count, dtype=np.uint64), np.arange(d, dtype=np.uint64), indexing="ij")
    at = np.uint64(2) * ((k << np.uint64(32)) + j)
    uniform = lambda z: ((mix_all(z) >> np.uint64(12)).astype(float) + 0.5) / 2.0**52
    u = np.sqrt(-2 * np.log(uniform(at))) * np.cos(2 * np.pi * uniform(at + np.uint64(1)))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def squared_wasserstein(a, b):
    """On a line: by quantile functions on a common grid, which needs no thought."""
    n, m = len(a), len(b)
    grid = np.lcm(n, m)
    return np.mean((np.repeat(np.sort(a), grid // n) - np.repeat(np.sort(b), grid // m)) ** 2)


def sliced(a, b):
    u = directions(a.shape[1])
    return 3 * a.shape[1] * np.mean([squared_wasserstein(a @ v, b @ v) for v in u])


def rbf(a, b):
    a, b = a / np.linalg.norm(a, axis=1, keepdims=True), b / np.linalg.norm(b, axis=1, keepdims=True)
    k = lambda x, y: np.exp(-cdist(x, y, "sqeuclidean") / (2 * 10**2)).mean()
    return 1000 * (k(a, a) + k(b, b) - 2 * k(a, b))


def halves(n, labels=None):
    order = sorted(range(n), key=mix)
    if labels is not None:
        order.sort(key=lambda i: labels[i])
    return sorted(order[0::2]), sorted(order[1::2])


def infinite(a, b, la, lb):
    (a0, a1), (b0, b1) = halves(len(a), la), halves(len(b), lb)
    return 2 * frechet(a, b) - (frechet(a[a0], b[b0]) + frechet(a[a1], b[b1])) / 2


def duplicates(a, b):
    def nearest(x):
        d = cdist(x, x)
        np.fill_diagonal(d, np.inf)
        return d.min(1)
    real = np.sort(nearest(a))
    limit = real[min(len(real) - 1, int(np.ceil(0.01 * len(real))))]
    return np.mean(nearest(b) <= limit)


if __name__ == "__main__":
    cases = []
    for n, m, d, shift, classes, repeat in [(300, 300, 8, 0.0, 3, 0), (400, 250, 5, 0.01, 1, 20), (250, 400, 5, 0.01, 4, 100),
                                            (120, 120, 24, 0.002, 2, 0), (90, 96, 2, 0.1, 3, 96), (300, 300, 140, 0.001, 2, 40)]:
        a, b = made_up(n, d, 1, 0.0), made_up(m, d, 2, shift)
        b[m - repeat // 2:] = b[:repeat // 2]  # copies
        la, lb = np.arange(n) % classes, np.arange(m) % classes
        cut = take(n, m, la) if n > m else range(n)
        each = [kid(a[la == c], b[lb == c]) for c in range(classes)]
        cases.append({"real": n, "generated": m, "features": d, "shift": shift, "classes": classes, "repeated": repeat // 2,
                      "sliced": sliced(a[cut], b), "rbf": rbf(a[cut], b), "infinite": infinite(a, b, la, lb) if min(n, m) > 2 * d + 4 else 0,
                      "kid": kid(a, b), "kid_class": np.mean(each), "kid_class_worst": max(each), "duplicates": duplicates(a[cut], b)})
    with open("later.json", "w") as f:
        json.dump({"scipy": scipy.__version__, "numpy": np.__version__, "cases": cases}, f, indent=1)
