"""Reads the pictures of BenchmarkSources with torchvision and WebDataset, in images/s.

    go test ./models/dataset -run xxx -bench Sources -photographs 4000 -sources DIR
    python3 models/dataset/testdata/loaders.py DIR [workers]
"""
import glob
import io
import os
import sys
import tarfile
import time

import torch
from torchvision import datasets, transforms

root = sys.argv[1]
workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
train = os.path.join(root, "folder", "train")
# Bytes as they are: what a pixel model takes, and the cheapest thing torchvision can do.
to_bytes = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(256), transforms.PILToTensor()])


def rate(name, loader):
    for _ in range(2):  # the first pass fills the page cache and starts the workers
        n, began = 0, time.time()
        for batch, _ in loader:
            n += len(batch)
        took = time.time() - began
    print(f"{name}: {n / took:.0f} images/s, {n} images, {workers} workers, batch 64", flush=True)


folder = datasets.ImageFolder(train, transform=to_bytes)
rate("torchvision ImageFolder", torch.utils.data.DataLoader(folder, batch_size=64, shuffle=True, num_workers=workers))

try:
    import webdataset as wds
except ImportError:
    sys.exit("webdataset is not installed")
names = sorted(glob.glob(os.path.join(train, "*", "*.jpg")))
shards = 4
for s in range(shards):
    with tarfile.open(os.path.join(root, f"wds-{s:05d}.tar"), "w") as tar:
        for i, name in enumerate(names[s::shards]):
            for ending, content in (("jpg", open(name, "rb").read()), ("cls", str(i % 3).encode())):
                info = tarfile.TarInfo(f"{os.path.basename(name)[:-4]}.{ending}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
data = (wds.WebDataset(os.path.join(root, "wds-{00000..%05d}.tar" % (shards - 1)), shardshuffle=shards, empty_check=False)
        .shuffle(1000).decode("pil").to_tuple("jpg", "cls").map_tuple(to_bytes, lambda x: x).batched(64))
rate("WebDataset", wds.WebLoader(data, batch_size=None, num_workers=workers))
