"""Compares prabench with PyTorch on a GPU: equal numbers, then time in turn.

    python ongpu.py --ours bin/ours --report report/pytorch

Run it with a Python that has torch with CUDA, numpy and safetensors; bin/ours is
cmd/sidebyside, built with the tag cuda. Our side trains a model for some steps and
writes it; both sides then do the same step and draw the same images; where the
numbers differ by more than a tolerance nothing is timed. A comparison is begun only
while time is left, the one that is most asked for first. NAME.md and NAME.json are
written anew after each. Exit status 77: no such PyTorch or no GPU is here.
docs/pytorch.md says what PyTorch is given.
"""

import argparse
import gc
import json
import math
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time

try:
    import numpy as np
    import safetensors  # noqa: F401
    import torch
except ImportError as e:
    print("no PyTorch here:", e)
    sys.exit(77)

import equality  # noqa: E402
from checkpoint import Checkpoint  # noqa: E402
from graphs import GraphSampler  # noqa: E402
from ours import Ours  # noqa: E402
from sampling import noise  # noqa: E402
from training import Batch, Training  # noqa: E402

# What a norm may differ by. In fp32 only sums have another order. In bf16 both
# sides round, and not at the same places: PyTorch keeps activations in bf16.
TOLERANCE = {"fp32": 1e-4, "bf16": 2e-2}
FIRST_TOKENS = 5e-2  # in bf16, of the tokens of the first eight AR steps
EXACT = ("loss", "flow loss", "reconstruction loss", "gradient norm")  # in bf16 these are held to it; other parts are told
BEGUN = time.monotonic()
# Products of PRA-S: rows, in, out.
PRODUCTS = [(4096, 4096, 4096), (64, 1472, 1472), (256, 1472, 1472), (1600, 1472, 1472), (6400, 1472, 1472), (16384, 1472, 1472),
            (65536, 1472, 1472), (1600, 1472, 16192), (6400, 1472, 16192), (64, 768, 3072), (256, 768, 3072), (16384, 768, 3072)]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True, help="the program of our side")
    p.add_argument("--report", default="pytorch", help="NAME.md and NAME.json")
    p.add_argument("--device", default="cuda:0")
    p.add_argument("--model", default="pra-s")
    p.add_argument("--patch", type=int, default=0, help="0: the size's own")
    p.add_argument("--train", type=int, default=64, help="images of a training step")
    p.add_argument("--batches", type=int, nargs="*", default=[64, 256, 1], help="images of a sampling call")
    p.add_argument("--flow", type=int, default=0, help="Euler steps; 0: the size's own")
    p.add_argument("--flow-samples", type=int, default=0, help="0: the size's own")
    p.add_argument("--steps", type=int, default=12, help="training steps before the checkpoint")
    p.add_argument("--precisions", nargs="*", default=["fp32", "bf16"], choices=("bf16", "fp32"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--spend", type=float, default=1.0, help="seconds of a program in a round, about")
    p.add_argument("--seconds", type=float, default=200, help="nothing is begun after so many")
    p.add_argument("--no-compile", action="store_true")
    return p.parse_args()


class Report:
    def __init__(self, a):
        self.a, self.found = a, {"python": platform.python_version(), "torch": torch.__version__, "device": device_text(a.device), "model": a.model,
                                 "products": [], "equal": [], "timed": [], "failed": [], "ended": False}

    def save(self):
        self.found["seconds"] = round(time.monotonic() - BEGUN, 1)
        for end, text in ((".json", json.dumps(self.found, indent=1)), (".md", "\n".join(self.markdown()))):
            with open(self.a.report + ".new", "w") as f:
                f.write(text + "\n")
            os.replace(self.a.report + ".new", self.a.report + end)  # whole at every moment: this program may be stopped

    def add(self, kind, record):
        if "error" in record and kind == "equal" and not math.isfinite(record["error"]):
            record["error"] = 1e30  # JSON has no other word for it
        self.found[kind].append(record)
        print(kind, json.dumps(record), flush=True)
        self.save()

    def markdown(self):
        f = self.found
        yield f"# Beside PyTorch {f['torch']}\n\n{f['device']}, {self.a.model}, {f['seconds']} s" + ("" if f["ended"] else " (not at its end)")
        if f["equal"]:
            yield "\n| equal? | precision | | error, of the norm |\n|---|---|---|--:|"
            for e in f["equal"]:
                yield f"| {e['what']} | {e['precision']} | {e['verdict']} | {e['error']:.1e} {e['where']} |"
        if f["timed"]:
            yield "\nTimes in turn; theirs / ours: above 1, ours is faster. Median, smallest and largest of the rounds.\n"
            yield "| | precision | batch | ours, images/s | PyTorch, images/s | theirs / ours | |\n|---|---|--:|--:|--:|--:|---|"
            for t in f["timed"]:
                if "error" in t:
                    yield f"| {t['what']} | {t['precision']} | {t['batch']} | {t['error']} | | | {t['how']} |"
                    continue
                r = [b / a for a, b in zip(t["ours"], t["theirs"])]
                rate = lambda s: f"{t['batch'] / statistics.median(s):.4g}"
                yield (f"| {t['what']} | {t['precision']} | {t['batch']} | {rate(t['ours'])} | {rate(t['theirs'])} | "
                       f"{statistics.median(r):.2f} ({min(r):.2f}–{max(r):.2f}) | {t['how']} |")
        if f["products"]:
            yield "\n| PyTorch's product (its cuBLAS), rows × in → out | bf16, TFLOP/s | fp32, TFLOP/s |\n|---|--:|--:|"
            for p in f["products"]:
                yield f"| {p['rows']} × {p['in']} → {p['out']} | {p['bf16']:.1f} | {p['fp32']:.1f} |"
        for what in f["failed"]:
            yield f"\n**FAILED**: {what}"


def device_text(device):
    if not device.startswith("cuda"):
        return "CPU"
    p = torch.cuda.get_device_properties(device)
    return f"{p.name}, {p.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"


def sync(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def clocked(device, run, n):
    out = []
    for _ in range(n):
        sync(device)
        start = time.perf_counter()
        run()
        sync(device)
        out.append(time.perf_counter() - start)
    return out


def products(report, a):
    """What PyTorch's products reach on random numbers, by events, replayed in a graph."""
    for rows, into, out in PRODUCTS:
        record = {"rows": rows, "in": into, "out": out}
        for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
            x, w = (torch.randn(*s, device=a.device).to(dtype) for s in ((rows, into), (into, out)))
            y = torch.empty(rows, out, device=a.device, dtype=dtype)
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
            record[name] = flops / best / 1e12
        report.add("products", record)


def held(report, precision, found, tolerance=None):
    """Whether all that must be equal is; told for each part."""
    fine = True
    for what, (error, where) in found.items():
        must = precision == "fp32" or what in EXACT
        good = error <= (tolerance or TOLERANCE[precision])
        fine &= good or not must
        report.add("equal", {"what": what, "precision": precision, "error": error, "where": where,
                             "verdict": "equal" if good else "**DIFFERENT**" if must else "differs"})
    if not fine:
        report.found["failed"].append(f"the numbers of both sides differ in {precision}: nothing was timed")
        report.save()
    return fine


def tokens(folder, sampler, precision):
    """The images' tokens: in fp32 all, in bf16 those of the first eight steps, before
    what differs has grown by being read again, and all as information."""
    c, n = sampler.c, sampler.batch
    got = sampler.draw(torch.arange(n) % c.classes, noise(c, equality.SEED, n)).cpu().numpy()
    want = np.fromfile(os.path.join(folder, "tokens"), np.float32).reshape(-1, c.N, c.P)
    first = 8 * c.block
    found = {"sampled tokens": (equality.off(got, want), "")}
    if precision == "bf16":
        found["first sampled tokens"] = (equality.off(got[:, :first], want[:, :first]), "")
    return found


def free(a):
    """Gives memory that nobody holds back to the device: our side needs it."""
    gc.collect()
    if a.device.startswith("cuda"):
        torch.cuda.empty_cache()


def left(a):
    return a.seconds - (time.monotonic() - BEGUN)


def in_turn(a, ours, theirs):
    """Seconds of both, a round each time; the order changes."""
    def block(run):
        run(1)
        return max(1, round(a.spend / max(run(1)[0], 1e-4)))

    counts = block(ours), block(theirs)
    out = [], []
    for r in range(a.rounds):
        for i in ((0, 1), (1, 0))[r % 2]:
            out[i].append(statistics.median((ours, theirs)[i](counts[i])))
        if left(a) < 0:
            break
    return out


def timed(report, a, what, precision, batch, how, ours, make):
    """One comparison; a failure of PyTorch's is kept as such and ends nothing."""
    record = {"what": what, "precision": precision, "batch": batch, "how": how}
    if left(a) < 0:
        report.add("timed", record | {"error": "not reached in time"})
        return
    begin = time.monotonic()
    try:
        run = make()
        record["prepared_s"] = round(time.monotonic() - begin, 1)
        record["ours"], record["theirs"] = in_turn(a, ours, lambda n: clocked(a.device, run, n))
    except Exception as e:  # whatever a compiler or an allocator says
        record["error"] = f"{type(e).__name__}: {str(e).splitlines()[0][:200] if str(e) else ''}"
        report.found["failed"].append(f"{what} {how} {precision}: {record['error']}")
    report.add("timed", record)
    run = None
    free(a)


def precision_of(report, a, folder, precision):
    bf16 = precision == "bf16"
    open_ = dict(model=a.model, patch=a.patch, batch=a.train, steps=a.steps, flow=a.flow, flow_samples=a.flow_samples, lr=1e-3, device=a.device,
                 precision=precision, threads=os.cpu_count() if a.device == "cpu" else 0)
    ours = Ours(folder, a.ours, **open_)
    losses, backend = ours.opened["losses"], ours.opened["backend"]
    report.found.setdefault("ours", {})[precision] = backend
    at = lambda name: Checkpoint(os.path.join(folder, name + ".safetensors"))
    steps = a.flow or {"pra-s": 25, "pra-b": 25, "pra-l": 25}.get(a.model, 10)

    def same(what, error, tolerance):
        """What is timed computes what ours does, in every way of running it."""
        report.add("equal", {"what": what, "precision": precision, "error": error, "where": "", "verdict": "equal" if error <= tolerance else "**DIFFERENT**"})
        if not error <= tolerance:
            raise RuntimeError(f"the numbers differ by {error:.1e}: not timed")

    def trainer(**how):
        return Training(at("before"), bf16=bf16, device=a.device, **how)

    def stepping(**how):
        def make():
            t = trainer(**how)
            before = at("before")
            images, labels = equality.data(folder, before.config)
            batches = [Batch(before.config, before.train, before.steps + i, images, labels, a.device) for i in range(2)]
            (total, _, _), _ = t.step(batches[0])
            same(f"loss, {'compiled pieces' if how else 'eager'}", equality.off(total.item(), losses["total"]), TOLERANCE[precision])
            return lambda: t.step(batches[t.done % 2])
        return make

    def drawing(batch, **how):
        def make():
            s = GraphSampler(at("model"), batch, steps, device=a.device, bf16=bf16, **how)
            omega, labels = noise(s.c, equality.SEED, batch).to(a.device), (torch.arange(batch) % s.c.classes).to(a.device)
            s.images(labels, omega)
            if batch == a.train:
                found = tokens(folder, s, precision)
                error = found.get("first sampled tokens", found["sampled tokens"])[0]
                same(f"sampled tokens, {'compiled pieces' if how else 'as they are'}", error, TOLERANCE[precision] if precision == "fp32" else FIRST_TOKENS)
            return lambda: s.images(labels, omega)
        return make

    t = trainer()
    fine = held(report, precision, equality.training_step(folder, losses, t))
    del t
    free(a)
    s = GraphSampler(at("model"), a.train, steps, device=a.device, bf16=bf16)
    found = tokens(folder, s, precision)
    fine &= held(report, precision, {n: e for n, e in found.items() if n == "sampled tokens"})
    if bf16:
        early = found["first sampled tokens"][0]
        try:
            same("first sampled tokens", early, FIRST_TOKENS)
        except RuntimeError as e:
            fine = False
            report.found["failed"].append(f"bf16: {e}")
    del s
    free(a)
    if fine:
        recorded = "CUDA graphs" if a.device.startswith("cuda") else "plain"

        def sample(batch, how="", **given):
            timed(report, a, "sampling", precision, batch, how + recorded, lambda n: ours.sample(batch, n), drawing(batch, **given))

        def train(how, **given):
            timed(report, a, "training", precision, a.train, how, ours.train, stepping(**given))

        sample(a.batches[0])
        if bf16:  # what both sides are meant to run in: all ways
            train("eager")
            if not a.no_compile:
                sample(a.batches[0], "compiled pieces, ", pieces=True)
                train("compiled pieces", pieces=True)
            for batch in a.batches[1:]:
                sample(batch)
                if not a.no_compile:
                    sample(batch, "compiled pieces, ", pieces=True)
    ours.close()
    return fine


def main():
    a = arguments()
    if a.device.startswith("cuda") and not torch.cuda.is_available():
        print("PyTorch", torch.__version__, "sees no CUDA device")
        sys.exit(77)
    torch.set_float32_matmul_precision("highest")  # fp32 is fp32, as on our side
    if a.device.startswith("cuda"):
        torch.backends.cudnn.allow_tf32 = False
        torch.cuda.set_device(a.device)
    equality.DEVICE = a.device
    report = Report(a)
    print("PyTorch", torch.__version__, report.found["device"], flush=True)
    if a.device.startswith("cuda"):
        products(report, a)
    # The checkpoints of a published size have gigabytes: memory is the best place for them.
    where = "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 16 << 30 else None
    for precision in a.precisions:
        if left(a) < 20 and precision != a.precisions[0]:
            report.found["failed"].append(f"{precision} was not reached in time")
            continue
        with tempfile.TemporaryDirectory(dir=where) as folder:
            try:
                precision_of(report, a, folder, precision)
            except (Exception, SystemExit) as e:
                report.found["failed"].append(f"{precision}: {type(e).__name__}: {e}")
                report.save()
    report.found["ended"] = True
    report.save()
    print("\n".join(report.markdown()))
    print(f"PyTorch {torch.__version__}: {len(report.found['timed'])} comparisons, {len(report.found['failed'])} failures")
    sys.exit(1 if report.found["failed"] else 0)


if __name__ == "__main__":
    main()
