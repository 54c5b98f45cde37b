# Curves of losses and how far each ended above its lowest tenth:
#   python3 rise.py > rise.json
import json

import numpy as np

r = np.random.default_rng(13)
steps = np.arange(100)
curves = {
    "learns": 9 * np.exp(-steps / 30) + r.lognormal(0, 0.4, 100),
    "stands still, scattering": r.lognormal(1, 0.8, 100),
    "learns, then explodes": np.where(steps < 70, 5 * np.exp(-steps / 20) + 0.3, 40.0) * r.lognormal(0, 0.3, 100),
    "explodes at once": 1 + steps**2 * r.lognormal(0, 0.2, 100),
    "of 57 points": 3 * np.exp(-np.arange(57) / 30) + r.lognormal(-2, 0.3, 57),
    "of 50 points, rising": 1 + np.arange(50) / 10 + r.lognormal(-2, 0.3, 50),
    "too short to tell": 1 + np.arange(49.0),
}
out = {}
for name, losses in curves.items():
    n = len(losses) // 10
    rise, of = 0.0, 0
    if len(losses) >= 50:
        tenths = [np.median(losses[end - n : end]) for end in range(len(losses), n - 1, -n)]
        rise, of = float(tenths[0] / min(tenths)), n
    out[name] = {"losses": [float(x) for x in losses], "rise": rise, "of": of}
print(json.dumps(out, indent=0))
