"""A sampler for prabench's [[external]]: a Gaussian mixture for each class, in the
principal components of its training images. NumPy alone; docs/reference/outside.md has the
contract, flow.py is a model in PyTorch.

    python3 sampler.py JOB.json
"""
import json
import os
import sys

import numpy as np

job = json.load(open(sys.argv[1]))
settings, size, classes = job["settings"], job["size"], job["classes"]
shape = (size, size, job["channels"])


def fit():
    """The model: trained once, and found again in the folder that is kept."""
    path = os.path.join(job["keep"], "model.npz")
    if os.path.exists(path):
        return dict(np.load(path))
    data = np.load(job["data"])
    x, y = data["arr_0"].reshape(len(data["arr_0"]), -1) / 127.5 - 1, data["arr_1"]
    rng = np.random.default_rng(job["seed"])
    k, means, maps = settings["components"], [], []
    for c in range(classes):
        own = x[y == c]
        centre = own.mean(0)
        _, _, axes = np.linalg.svd(own[rng.permutation(len(own))[:1000]] - centre, full_matrices=False)
        z = (own - centre) @ axes[:k].T
        rest = (own - centre) - z @ axes[:k]
        means.append(centre)
        maps.append(np.concatenate([axes[:k] * z.std(0)[:, None], rest.std(0)[None]]))
    model = {"means": np.float32(means), "maps": np.float32(maps)}
    np.savez(path + ".part.npz", **model)
    os.replace(path + ".part.npz", path)  # whole or not at all: the program may be killed
    return model


def draw(model, labels, ids):
    """Image i is a function of the seed, its class and i: batches change nothing."""
    maps, out = model["maps"], np.empty((len(labels), *shape), np.uint8)
    k = maps.shape[1] - 1
    for row, (c, i) in enumerate(zip(labels, ids)):
        noise = np.random.default_rng([job["seed"], int(i)]).standard_normal(k + maps.shape[2], np.float32)
        x = model["means"][c] + noise[:k] @ maps[c, :k] + settings.get("noise", 0.5) * noise[k:] * maps[c, k]
        out[row] = np.clip((x + 1) * 127.5 + 0.5, 0, 255).reshape(shape)
    return out


model = fit()
with open(job["about"], "w") as f:
    json.dump({"params": sum(v.size for v in model.values()), "nfe": 1}, f)
if job["task"] == "sample":
    n, batch, images = job["count"], job["batch"], []
    labels = np.arange(n) % classes
    for at in range(0, n, batch):
        ids = np.arange(at, min(at + batch, n))
        images.append(draw(model, labels[ids], ids))
        print(json.dumps({"done": int(ids[-1]) + 1}), flush=True)
    np.savez(job["images"], np.concatenate(images), labels)
else:  # time: as many images as each line says, then an answer
    for line in sys.stdin:
        n = int(line)
        draw(model, np.arange(n) % classes, np.arange(n))
        print(json.dumps({"done": n}), flush=True)
