"""PyTorch's side of ongpu.py: a process that prepares one way of training or of
sampling, says how far its numbers are from ours, and runs it as often as it is
asked. What it holds of the device's memory ends with it: ongpu.py stops one that
failed or takes too long, and begins another.
"""

import gc
import os
import platform
import sys
import time

from serving import absent, answer, reply

try:
    import numpy as np
    import safetensors  # noqa: F401
    import torch
except ImportError as e:
    absent(f"no PyTorch here: {e}")

import differences  # noqa: E402
import equality  # noqa: E402
from checkpoint import Checkpoint  # noqa: E402
from graphs import GraphSampler  # noqa: E402
from sampling import noise  # noqa: E402
from training import Batch, Training  # noqa: E402

SPARE = 6 << 30  # bytes of the device that are left to our side: a sampler of another batch


class Side:
    def __init__(self, device):
        self.device, self.run = device, None
        torch.set_float32_matmul_precision("highest")  # fp32 is fp32, as on our side
        if self.gpu():
            torch.backends.cudnn.allow_tf32 = False
            torch.cuda.set_device(device)
            torch.cuda.init()
        equality.differ_on(device)

    def gpu(self):
        return self.device.startswith("cuda")

    def text(self):
        if not self.gpu():
            return "CPU"
        p = torch.cuda.get_device_properties(self.device)
        return f"{p.name}, {p.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"

    def sync(self):
        if self.gpu():
            torch.cuda.synchronize(self.device)

    def drop(self, q=None):
        """Gives all memory back to the device."""
        self.run = None
        if "torch._dynamo" in sys.modules:
            torch._dynamo.reset()  # what is compiled may hold what it was compiled for
        gc.collect()
        if self.gpu():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        return {}

    def bounded(self):
        """Takes no more of the device than our side leaves."""
        if self.gpu():
            free, total = torch.cuda.mem_get_info(self.device)
            torch.cuda.set_per_process_memory_fraction(max(0.05, min(1.0, (free - SPARE) / total)), self.device)

    def train(self, q):
        """A training that goes on from before. all: every array of its first step is
        compared, else the losses and the gradient's norm."""
        self.drop()
        self.bounded()
        at = lambda name: os.path.join(q["folder"], name + ".safetensors")
        before = Checkpoint(at("before"))
        t = Training(before, bf16=q["bf16"], pieces=q["pieces"], recorded=q["recorded"], device=self.device)
        images, labels = differences.data(q["folder"], before.config)
        batches = [Batch(before.config, before.train, before.steps + i, images, labels, self.device) for i in range(2)]
        check = equality.training_step if q["all"] else equality.losses
        found = check(q["folder"], q["losses"], t)
        self.run = lambda: t.step(batches[t.done % 2])
        return {"equal": found}

    def sample(self, q):
        self.drop()
        self.bounded()
        model, n = Checkpoint(os.path.join(q["folder"], "model.safetensors")), q["images"]
        s = GraphSampler(model, n, q["steps"], device=self.device, bf16=q["bf16"], pieces=q["pieces"])
        omega, labels = noise(s.c, differences.SEED, n).to(self.device), (torch.arange(n) % s.c.classes).to(self.device)
        got = s.draw(labels, omega).cpu().numpy()
        # Noise belongs to an image's number: the first images of any batch are the same.
        want = np.fromfile(os.path.join(q["folder"], "tokens"), np.float32).reshape(-1, s.c.N, s.c.P)[:n]
        got, first = got[:len(want)], 8 * s.c.block
        self.run = lambda: s.images(labels, omega)
        return {"equal": {"sampled tokens": (differences.off(got, want), ""),
                          "first sampled tokens": (differences.off(got[:, :first], want[:, :first]), "")}}

    def times(self, q):
        out = []
        for _ in range(q["times"]):
            self.sync()
            start = time.perf_counter()
            self.run()
            self.sync()
            out.append(time.perf_counter() - start)
        return {"seconds": out}

    def product(self, q):
        """What a product reaches on random numbers, by events, replayed in a graph; TFLOP/s."""
        rows, into, out = q["rows"], q["in"], q["out"]
        found = {}
        for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
            x, w = (torch.randn(*s, device=self.device).to(dtype) for s in ((rows, into), (into, out)))
            y = torch.empty(rows, out, device=self.device, dtype=dtype)
            flops = 2 * rows * into * out
            again = max(1, min(50, int(2e11 / flops)))
            torch.matmul(x, w, out=y)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                for _ in range(again):
                    torch.matmul(x, w, out=y)
            best = float("inf")
            for _ in range(4):
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                graph.replay()
                end.record()
                torch.cuda.synchronize()
                best = min(best, begin.elapsed_time(end) / 1e3 / again)
            found[name] = flops / best / 1e12
        return found


def main():
    device = sys.argv[1]
    if device.startswith("cuda") and not torch.cuda.is_available():
        absent(f"PyTorch {torch.__version__} sees no CUDA device")
    side = Side(device)
    reply(torch=torch.__version__, python=platform.python_version(), device=side.text())
    known = {"train": side.train, "sample": side.sample, "times": side.times, "drop": side.drop, "product": side.product}
    answer(known, lambda: {"memory": torch.cuda.max_memory_reserved(device)} if side.gpu() else {})


if __name__ == "__main__":
    main()
