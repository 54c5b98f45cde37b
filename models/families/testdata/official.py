"""Saves a model again with the official package (safetensors 0.8.0, numpy):

    go test ./models/families -run OfficialPackage -args -original /tmp/original.safetensors
    python3 models/families/testdata/official.py /tmp/original.safetensors models/families/testdata/official.safetensors

The package orders tensors by name and knows nothing of prabench's checksum, which
is left out.
"""

import sys

from safetensors import safe_open
from safetensors.numpy import save_file

source, target = sys.argv[1:]
with safe_open(source, "np") as f:
    meta = {k: v for k, v in f.metadata().items() if k != "sha256"}
    save_file({k: f.get_tensor(k) for k in f.keys()}, target, metadata=meta)
