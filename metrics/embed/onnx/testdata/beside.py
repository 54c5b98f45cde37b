"""Compares package onnx with ONNX Runtime's Python on one network, in turn.

    pip install onnxruntime numpy pillow
    go test -c -o onnx.test ./metrics/embed/onnx
    python3 metrics/embed/onnx/testdata/beside.py onnx.test NETWORK.onnx NETWORK.onnx.toml

Both read the same images of 64×64 pixels, resize them with Pillow's bicubic filter, and
compute features of 16 at a time with the same number of threads; Python prepares one
batch after another, as evaluation scripts do.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

import numpy as np
import onnxruntime
from PIL import Image

binary, network, beside = sys.argv[1:4]
N, SIZE, BATCH, THREADS, ROUNDS = 192, 64, 16, 2, 5
spec = tomllib.load(open(beside, "rb"))
rng = np.random.default_rng(15)
images = rng.integers(0, 256, (N, SIZE, SIZE, 3)).astype(np.uint8)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = THREADS
session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
output = spec.get("output", session.get_outputs()[0].name)
to, mean, std = spec["size"], np.array(spec["mean"]), np.array(spec["std"])


def prepared(img):
    planes = [np.asarray(Image.fromarray(img[..., c].astype(np.float32), mode="F").resize((to, to), Image.BICUBIC)) for c in range(3)]
    if spec.get("order", "rgb") == "bgr":
        planes = planes[::-1]
    x = (np.stack(planes, -1) * spec.get("scale", 1 / 255) - mean) / std
    return (x if spec.get("layout", "nchw") == "nhwc" else x.transpose(2, 0, 1)).astype(np.float32)


def python():
    began = time.perf_counter()
    out = [session.run([output], {name: np.stack([prepared(i) for i in images[at:at + BATCH]])})[0] for at in range(0, N, BATCH)]
    return N / (time.perf_counter() - began), np.concatenate(out).reshape(N, -1)


with tempfile.TemporaryDirectory() as dir:
    shutil.copy(network, dir + "/network.onnx")
    shutil.copy(beside, dir + "/network.onnx.toml")
    images.tofile(dir + "/images.bin")
    python()[1].astype(np.float32).tofile(dir + "/features.bin")
    env = dict(os.environ, PRABENCH_ONNX_BESIDE=dir, PRABENCH_ONNX_N=str(N), PRABENCH_ONNX_SIZE=str(SIZE), PRABENCH_ONNX_THREADS=str(THREADS))
    ratios = []
    for _ in range(ROUNDS):
        said = subprocess.run([os.path.abspath(binary), "-test.run", "TestBesidePython", "-test.v"], env=env, capture_output=True, text=True)
        if said.returncode:
            sys.exit(said.stdout + said.stderr)
        ours = float(re.search(r"images per second: ([\d.]+)", said.stdout)[1])
        theirs = python()[0]
        ratios.append(ours / theirs)
        print(f"ours {ours:.1f}, Python {theirs:.1f} images/s, ratio {ratios[-1]:.2f}; {re.search('largest difference.*', said.stdout)[0]}")
print(f"median ratio {statistics.median(ratios):.2f}, onnxruntime {onnxruntime.__version__}")
