"""Writes stats.npz, single.npz, features.npy and distance.txt for the tests of package outside.

    pip install numpy scipy && python3 stats.py

stats.npz is what pytorch-fid's save_fid_stats writes (numpy.savez_compressed with mu
and sigma), single.npz the same in single precision beside other arrays, as ADM's
reference batches have them. distance.txt is the Fréchet distance of pytorch-fid's
formula between stats.npz and the features.
"""
import numpy as np
from scipy import linalg

rng = np.random.default_rng(15)
mix = rng.normal(size=(6, 6))
real = (rng.normal(size=(400, 6)) @ mix).astype(np.float32)
features = (rng.normal(size=(150, 6)) @ mix * 1.2 + 0.3).astype(np.float32)
mu, sigma = real.astype(float).mean(0), np.cov(real.astype(float), rowvar=False)
np.savez_compressed("stats.npz", mu=mu, sigma=sigma)
np.savez("single.npz", arr_0=np.zeros((2, 4, 4, 3), np.uint8), mu=mu.astype(np.float32), sigma=sigma.astype(np.float32))
np.save("features.npy", features)
x = features.astype(float)
m, s = x.mean(0), np.cov(x, rowvar=False)
d = mu - m
with open("distance.txt", "w") as f:
    f.write(repr(float(d @ d + np.trace(sigma) + np.trace(s) - 2 * np.trace(linalg.sqrtm(sigma @ s).real))))
