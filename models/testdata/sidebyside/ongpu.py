"""Compares prabench with PyTorch on a GPU: equal numbers, then time in turn.

    python ongpu.py --ours bin/ours --report report/pytorch

Run it with a Python that has torch with CUDA, numpy and safetensors; bin/ours is
cmd/sidebyside, built with the tag cuda. Our side trains a model for some steps and
writes it; both sides then do the same step and draw the same images; where the
numbers differ by more than a tolerance, that is a failure and the times are marked.
Both sides are processes of their own: one that fails or is over its limit is ended,
which gives its memory back, and the next comparison begins with another. What is
most asked for comes first, and nothing is begun after --seconds. NAME.md and
NAME.json are written again after each. Exit status 77: no such PyTorch or no GPU is
here. docs/measurements/pytorch.md says what PyTorch is given.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import sys
import tempfile
import time

from ours import Failed, Ours, Process

# What a norm may differ by. In fp32 only sums have another order. In bf16 both
# sides round, and not at the same places: PyTorch keeps activations in bf16.
TOLERANCE = {"fp32": 1e-4, "bf16": 2e-2}
FIRST_TOKENS = 5e-2  # in bf16, of the tokens of the first eight AR steps
HELD = ("loss", "flow loss", "reconstruction loss", "gradient norm", "first sampled tokens")  # in bf16; other parts are told
BEGUN = time.monotonic()
HERE = os.path.dirname(os.path.abspath(__file__))
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
    p.add_argument("--train", type=int, default=64, help="images of a training step, and of the first sampling call")
    p.add_argument("--batches", type=int, nargs="*", default=[1, 256], help="images of further sampling calls")
    p.add_argument("--flow", type=int, default=0, help="Euler steps; 0: the size's own")
    p.add_argument("--flow-samples", type=int, default=0, help="0: the size's own")
    p.add_argument("--steps", type=int, default=6, help="training steps before the checkpoint")
    p.add_argument("--precisions", nargs="*", default=["bf16", "fp32"], choices=("bf16", "fp32"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--spend", type=float, default=0.7, help="seconds of a program in a round, about")
    p.add_argument("--seconds", type=float, default=110, help="nothing is begun after so many, nor goes on for long")
    p.add_argument("--compile-seconds", type=float, default=45, help="a preparation that takes longer is given up")
    p.add_argument("--no-compile", action="store_true")
    p.add_argument("--only-equal", action="store_true", help="compare the numbers, all arrays of a step in both precisions; no times")
    return p.parse_args()


class Report:
    def __init__(self, a):
        self.a, self.found = a, {"model": a.model, "products": [], "equal": [], "timed": [], "failed": [], "ended": False}

    def failed(self, what):
        self.found["failed"].append(what)
        print("failed:", what, flush=True)
        self.save()

    def save(self):
        self.found["seconds"] = round(time.monotonic() - BEGUN, 1)
        for end, text in ((".json", json.dumps(self.found, indent=1)), (".md", "\n".join(self.markdown()))):
            with open(self.a.report + ".new", "w") as f:
                f.write(text + "\n")
            os.replace(self.a.report + ".new", self.a.report + end)  # whole at every moment: this program may be stopped

    def add(self, kind, record):
        self.found[kind].append(record)
        print(kind, json.dumps(record), flush=True)
        self.save()

    def markdown(self):
        f = self.found
        yield f"# Beside PyTorch {f.get('torch', '')}\n\n{f.get('device', self.a.device)}, {self.a.model}, {f['seconds']} s" + ("" if f["ended"] else " (not at its end)")
        for precision, text in f.get("ours", {}).items():
            yield f"\nOurs in {precision}: {text}"
        if f["equal"]:
            yield "\n| equal? | of | precision | | error, of the norm |\n|---|---|---|---|--:|"
            for e in f["equal"]:
                yield f"| {e['what']} | {e['of']} | {e['precision']} | {e['verdict']} | {e['error']:.1e} {e['where']} |"
        if f["timed"]:
            yield "\nTimes in turn; theirs / ours: above 1, ours is faster. Median, smallest and largest of the rounds.\n"
            yield "| | precision | batch | ours, images/s | PyTorch, images/s | theirs / ours | |\n|---|---|--:|--:|--:|--:|---|"
            for t in f["timed"]:
                if "error" in t:
                    yield f"| {t['what']} | {t['precision']} | {t['batch']} | {t['error']} | | | {t['how']} |"
                    continue
                r = [b / a for a, b in zip(t["ours"], t["theirs"])]
                how = t["how"] + ("" if t["equal"] else ", **numbers differ**")
                rate = lambda s: f"{t['batch'] / statistics.median(s):.4g}"
                yield (f"| {t['what']} | {t['precision']} | {t['batch']} | {rate(t['ours'])} | {rate(t['theirs'])} | "
                       f"{statistics.median(r):.2f} ({min(r):.2f}–{max(r):.2f}) | {how} |")
        if f["products"]:
            yield "\n| PyTorch's product (its cuBLAS), rows × in → out | bf16, TFLOP/s | fp32, TFLOP/s |\n|---|--:|--:|"
            for p in f["products"]:
                yield f"| {p['rows']} × {p['in']} → {p['out']} | {p['bf16']:.1f} | {p['fp32']:.1f} |"
        for what in f["failed"]:
            yield f"\n**FAILED**: {what}"


def left(a):
    return a.seconds - (time.monotonic() - BEGUN)


class Theirs:
    """PyTorch's process, begun again after one was ended."""

    def __init__(self, a):
        self.a, self.process, self.hello = a, None, None
        self.begin()

    def begin(self):
        self.process = Process(sys.executable, "-u", os.path.join(HERE, "theirs.py"), self.a.device, name="PyTorch")
        self.greeted = False

    def greet(self, seconds=60, must=True):
        """Waits until it is there, or says that there is no PyTorch."""
        if not self.greeted and (must or self.process.says(seconds)):
            self.hello = self.process.line(seconds)
            self.greeted = True
        if self.hello and "absent" in self.hello:
            print(self.hello["absent"])
            sys.exit(77)
        return self.hello

    def ask(self, seconds, **request):
        """Its reply; a process that failed is not used again."""
        try:
            self.greet()
            return self.process.ask(seconds, **request)
        except Failed:
            self.process.kill()
            self.begin()
            raise

    def close(self):
        self.process.close(3)


class Comparisons:
    """What is compared in one precision, on one checkpoint of ours."""

    def __init__(self, report, theirs, precision, folder):
        self.report, self.a, self.theirs, self.precision, self.folder = report, report.a, theirs, precision, folder
        self.batch, self.ours = self.a.train, None
        self.open()

    def open(self):
        """Begins our process; with half the batch where its memory does not suffice."""
        a = self.a
        while True:
            try:
                self.ours = Ours(
                    self.folder, a.ours, max(5, left(a)), model=a.model, patch=a.patch, batch=self.batch, steps=a.steps, flow=a.flow,
                    flow_samples=a.flow_samples, lr=1e-3, device=a.device, precision=self.precision, threads=os.cpu_count() if a.device == "cpu" else 0)
                break
            except Failed as e:
                if "out of" not in str(e) or self.batch == 1:
                    raise
                print(f"a training step of {self.batch} images: {e}; half as many", flush=True)
                self.batch //= 2
        self.report.found.setdefault("ours", {})[self.precision] = self.ours.opened["backend"]
        self.asked = dict(folder=self.folder, losses=self.ours.opened["losses"], bf16=self.precision == "bf16",
                          all=a.only_equal or self.precision == "fp32",
                          steps=a.flow or {"pra-s": 25, "pra-b": 25, "pra-l": 25}.get(a.model, 10))

    def close(self):
        self.ours.close()

    def held(self, of, found):
        """Whether all that must be equal is; told for each part."""
        fine = True
        for what, (error, where) in found.items():
            error = error if math.isfinite(error) else 1e30  # JSON has no other word for it
            must = self.precision == "fp32" or what in HELD
            good = error <= (FIRST_TOKENS if self.precision == "bf16" and "tokens" in what else TOLERANCE[self.precision])
            fine &= good or not must
            self.report.add("equal", {"what": what, "of": of, "precision": self.precision, "error": error, "where": where,
                                      "verdict": "equal" if good else "**DIFFERENT**" if must else "differs"})
        if not fine:
            self.report.failed(f"{of}, {self.precision}: the numbers of both sides differ")
        return fine

    def in_turn(self, ours):
        """Seconds of both, a round each time; the order changes. Nobody is waited for
        longer than there is time."""
        a = self.a
        limit = lambda: max(1, left(a)) + 4
        runs = (lambda n: ours(n, limit())), (lambda n: self.theirs.ask(limit(), do="times", times=n)["seconds"])

        def block(run):
            run(1)
            return max(1, round(a.spend / max(run(1)[0], 1e-4)))

        counts = [block(run) for run in runs]
        out = [], []
        for r in range(a.rounds):
            for i in ((0, 1), (1, 0))[r % 2]:
                out[i].append(statistics.median(runs[i](counts[i])))
            if left(a) < 0:
                break
        return out

    def compare(self, what, batch, how, ours, do, **given):
        """One comparison; a failure of PyTorch's is kept as such and ends nothing. Whether
        there is a result."""
        record, a = {"what": what, "precision": self.precision, "batch": batch, "how": how}, self.a
        if left(a) < 4:
            self.report.add("timed", record | {"error": "not reached in time"})
            return False
        begin = time.monotonic()
        try:
            if self.ours.process.poll() is not None:  # it was ended in the last one
                self.open()
            limit = min(left(a), a.compile_seconds) if given.get("pieces") else left(a)
            request = dict(do=do, pieces=False, recorded=False) | self.asked | given
            try:
                reply = self.theirs.ask(limit, **request)
            except Failed as e:
                if "out of memory" not in str(e):
                    raise
                print(f"{what} {batch}, {how}: {e}; again in a process of its own", flush=True)
                reply = self.theirs.ask(min(limit, max(1, left(a))), **request)
            record["equal"] = self.held(f"{what} {batch}, {how}", reply["equal"])
            record["prepared_s"], record["memory"] = round(time.monotonic() - begin, 1), reply.get("memory", 0)
            if a.only_equal:
                return record["equal"]
            record["ours"], record["theirs"] = self.in_turn(ours)
            self.report.add("timed", record)
            self.theirs.ask(10, do="drop")  # the next is another's memory
            return True
        except Failed as e:
            late = left(a) < 1
            record["error"] = "not reached in time" if late else str(e)
            if not late:
                self.report.failed(f"{what} {batch}, {how}, {self.precision}: {e}")
            if "ours" not in record:
                self.report.add("timed", record)
            return False

    def sample(self, batch, **given):
        recorded = "CUDA graphs" if self.a.device.startswith("cuda") else "plain"
        how = ("compiled pieces, " if given.get("pieces") else "") + recorded
        return self.compare("sampling", batch, how, lambda n, s: self.ours.sample(batch, n, s), "sample", images=batch, **given)

    def train(self, how, **given):
        return self.compare("training", self.batch, how, self.ours.train, "train", **given)

    def all(self):
        """The most asked for first."""
        a = self.a
        self.sample(self.batch)
        self.train("eager")
        if a.only_equal or self.precision == "fp32":
            return
        for batch in a.batches[:1]:
            self.sample(batch)
        compiled = not a.no_compile and self.train("compiled pieces", pieces=True)
        if not compiled:
            self.train("recorded" if a.device.startswith("cuda") else "as if recorded", recorded=True)
        if not a.no_compile:
            self.sample(self.batch, pieces=True)
        for batch in a.batches[1:]:
            self.sample(batch)
        if not a.no_compile:
            for batch in a.batches:
                self.sample(batch, pieces=True)


def products(report, theirs):
    """What PyTorch's products reach, as long as there is time."""
    for rows, into, out in PRODUCTS:
        if left(report.a) < 2:
            return
        found = theirs.ask(10, do="product", rows=rows, out=out, **{"in": into})
        report.add("products", {"rows": rows, "in": into, "out": out, "bf16": found["bf16"], "fp32": found["fp32"]})


def one_precision(report, theirs, precision):
    a = report.a
    # The checkpoints of a published size have gigabytes: memory is the best place for them.
    where = "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 16 << 30 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        comparisons = None
        try:
            comparisons = Comparisons(report, theirs, precision, folder)
            report.found |= theirs.greet()
            comparisons.all()
        except Failed as e:
            report.found |= theirs.greet()  # without a PyTorch that is no failure
            report.failed(f"{precision}: {e}")
        finally:
            if comparisons:
                comparisons.close()


def main():
    a = arguments()
    report, theirs = Report(a), Theirs(a)  # it wakes up while ours prepares
    try:
        theirs.greet(3, must=False)
        for i, precision in enumerate(a.precisions):
            if i and left(a) < 25:
                report.found.setdefault("left_out", []).append(precision)
                continue
            one_precision(report, theirs, precision)
        if a.device.startswith("cuda") and not a.only_equal:
            try:
                products(report, theirs)
            except Failed as e:
                report.failed(f"products: {e}")
    finally:
        theirs.close()
    report.found["ended"] = True
    report.save()
    f = report.found
    print("\n".join(report.markdown()))
    late = [t for t in f["timed"] if t.get("error") == "not reached in time"] + f.get("left_out", [])
    print(f"PyTorch {f['torch']}: {len(f['timed'])} comparisons, {len(f['equal'])} parts compared, {len(late)} not reached in time, "
          f"{len(f['failed'])} failures")
    sys.exit(1 if f["failed"] else 0)


if __name__ == "__main__":
    main()
