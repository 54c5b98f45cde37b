"""Compares prabench with PyTorch and JAX on this machine: equal numbers, then time.

    python compare.py check  --model micro --patch 4            equality only
    python compare.py time train --model micro --patch 4        one comparison, appended to --out
    python compare.py table                                     what --out holds, as Markdown
    python compare.py all                                       every comparison, then the table

Run it with a Python that has numpy, safetensors and torch, or jax for JAX's ways
alone (make pytorch-compare and make jax-compare make one); Go builds our side.
docs/measurements/pytorch.md says what is compared and how.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
if __name__ == "__main__" and any(os.environ.get(k) != v for k, v in MEMORY.items()):
    # glibc would give every activation back to the system after a step and take
    # page faults for it in the next; it reads these once, before the program.
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | MEMORY)

from differences import TOLERANCE  # noqa: E402
from opponents import SAMPLING, TRAINING, usual  # noqa: E402
from ours import REPOSITORY, Failed, Ours, Process  # noqa: E402
from table import lines  # noqa: E402
from timing import Program, run_in_turn  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FLOW_STEPS = 10
COMPARISONS = [  # what, family, model, patch, batch
    ("train", "pra", "nano", 7, 64), ("train", "pra", "micro", 7, 64), ("train", "pra", "micro", 7, 128), ("train", "pra", "micro", 4, 64),
    ("train", "pra", "micro", 4, 128), ("train", "pra", "small", 7, 64),
    ("sample", "pra", "nano", 7, 64), ("sample", "pra", "micro", 7, 64), ("sample", "pra", "micro", 4, 64), ("sample", "pra", "small", 7, 64),
    ("sample", "pra", "nano", 7, 1), ("sample", "pra", "micro", 7, 1), ("sample", "pra", "micro", 4, 1), ("sample", "pra", "small", 7, 1),
    ("train", "jit", "micro", 4, 64), ("sample", "jit", "micro", 4, 64),
]


class JAX(Process):
    """JAX in a process of its own, with the Python of make jax-compare, PRABENCH_JAX or this one."""

    def __init__(self, opponent):
        made = os.path.join(REPOSITORY, ".prabench", "jax", "bin", "python")
        python = os.environ.get("PRABENCH_JAX") or (made if os.path.exists(made) else sys.executable)
        flags = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), opponent.flags]))
        env = os.environ | {"PJRT_NPROC": str(opponent.threads), "NPROC": str(opponent.threads), "XLA_FLAGS": flags}
        super().__init__(python, os.path.join(HERE, "jaxside.py"), name="JAX", env=env)
        hello = self.line(None)
        if "absent" in hello:
            raise Failed(f"{python}: {hello['absent']}; make jax-compare installs it, PRABENCH_JAX names another Python")
        self.opponent, self.said = opponent, {"jax": hello["jax"], "jax_python": hello["python"]}

    def prepared(self, a, folder, losses):
        """Its step or call, compiled, and how far its numbers are from ours."""
        if a.what == "train":
            return self.ask(do="train", folder=folder, losses=losses, how=self.opponent.how)["equal"]
        return self.ask(do="sample", folder=folder, images=a.batch, steps=FLOW_STEPS, how=self.opponent.how)["equal"]

    def parts(self, folder):
        return self.ask(do="parts", folder=folder)["equal"]

    def times(self, n):
        return self.ask(do="times", times=n)["seconds"]


class PyTorch:
    """PyTorch in this process."""

    def __init__(self, opponent):
        try:
            import pytorchside
        except ImportError as e:
            raise Failed(f"{sys.executable}: no PyTorch here: {e}; make pytorch-compare installs it") from None
        self.side = pytorchside.Side(opponent, FLOW_STEPS)
        self.said, self.times, self.prepared, self.parts = self.side.said, self.side.times, self.side.prepared, self.side.parts

    def close(self):
        pass


def side(opponent):
    return PyTorch(opponent) if opponent.flags is None else JAX(opponent)


def known(a, names):
    """The ways of a.what by name; ends the program where one does not exist."""
    ways = {n: w for n, w in (TRAINING if a.what == "train" else SAMPLING).items() if a.family == "pra" or w.flags is None}
    for n in names:
        if n not in ways:
            raise SystemExit(f"{n}: there is no such way to {a.what} the family {a.family}; there are {', '.join(ways)}")
    return {n: ways[n] for n in names}


def opened(a, folder, **other):
    return Ours(folder, family=a.family, model=a.model, patch=a.patch, block=a.block, batch=a.batch, threads=2, steps=a.steps, flow=FLOW_STEPS,
                **other)


def rounded(a, program):
    """Our side in bf16, in a folder of its own, for rounds with others' bf16; None where the processor has none."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return opened(a, folder, program=program, precision="bf16")
    except Failed as e:
        print(f"without our bf16: {e}", file=sys.stderr)
        return None


def compare(a, folder):
    ways = known(a, a.opponents or usual(a.what, a.batch))
    ours = opened(a, folder)
    half = rounded(a, ours.process.args[0]) if any("bf16" in n for n in ways) else None
    run = lambda side: side.train if a.what == "train" else lambda n: side.sample(a.batch, n)
    programs, error = [Program(n, run(s)) for n, s in (("ours", ours), ("ours-bf16", half)) if s], 0.0
    said, sides = {}, []
    for n, way in ways.items():
        sides.append(side(way))
        found = sides[-1].prepared(a, folder, ours.opened["losses"])
        if way.exact:
            error = max(error, demand(n, found, a.tolerance))
        said |= sides[-1].said
        programs.append(Program(n, sides[-1].times))
    pids = [os.getpid()] + [s.process.pid for s in [ours, half, *sides] if isinstance(s, Process)]
    others = run_in_turn(programs, a.rounds, a.seconds, pids)
    for s in [ours, half, *sides]:
        if s:
            s.close()
    seconds = {p.name: p.seconds for p in programs}
    return {
        "what": a.what, "family": a.family, "model": a.model, "patch": a.patch, "block": a.block, "batch": a.batch, "ours": seconds.pop("ours"),
        "ours_bf16": seconds.pop("ours-bf16", []), "theirs": seconds, "others": others, "error": error, "opened": ours.opened,
    } | said | {
        "revision": subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip(),
    }


def demand(name, found, tolerance):
    """The worst error; ends the program where one is above the tolerance."""
    for what, (e, where) in found.items():
        if not e <= tolerance:
            raise SystemExit(f"{name}: {what} differs by {e:.2g} of its norm {where}; nothing was timed")
    return max(e for e, _ in found.values())


def check(a, folder):
    ours = opened(a, folder)
    ours.close()
    for n in a.opponents or ["eager"]:
        found = {}
        for a.what in "train", "sample":
            s = side(known(a, [n])[n])
            if a.what == "train" and a.family == "pra":
                found |= s.parts(folder)
            found |= s.prepared(a, folder, ours.opened["losses"])
            s.close()
        for what, (e, where) in found.items():
            print(f"{e:8.1e}  {n}: {what} {where}")
        demand(n, found, a.tolerance)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="do", required=True)
    for name in ("check", "time", "table", "all"):
        s = sub.add_parser(name)
        s.add_argument("--out", default=os.path.join(REPOSITORY, ".prabench", "pytorch.jsonl"))
        s.add_argument("--steps", type=int, default=30, help="training steps before the checkpoint")
        s.add_argument("--opponents", nargs="*", help="names in opponents.py; the usual ones of PyTorch without it")
        s.add_argument("--tolerance", type=float, default=TOLERANCE, help="of a norm; a program that is further off is not timed")
        if name == "time":
            s.add_argument("what", choices=("train", "sample"))
        if name in ("check", "time"):
            s.add_argument("--family", default="pra", choices=("pra", "jit"), help="jit: PyTorch alone")
            s.add_argument("--model", default="micro", choices=("nano", "micro", "small"))
            s.add_argument("--patch", type=int, default=7)
            s.add_argument("--block", type=int, default=1)
            s.add_argument("--batch", type=int, default=64)
        if name in ("time", "all"):
            s.add_argument("--rounds", type=int, default=7, help="0 only fills the compiler's cache")
            s.add_argument("--seconds", type=float, default=0.5, help="of a block")
    return p.parse_args()


def main():
    a = arguments()
    if a.do == "check":
        with tempfile.TemporaryDirectory() as folder:
            check(a, folder)
    if a.do == "time":
        with tempfile.TemporaryDirectory() as folder:
            record = compare(a, folder)
        if a.rounds:
            os.makedirs(os.path.dirname(a.out), exist_ok=True)
            with open(a.out, "a") as f:
                f.write(json.dumps(record) + "\n")
            print("\n".join(lines([record])))
    if a.do == "all":
        for what, family, model, patch, batch in COMPARISONS:
            if family != "pra" and any(n.startswith("jax") for n in a.opponents or []):
                continue  # JAX has the family pra alone
            subprocess.run([sys.executable, __file__, "time", what, "--family", family, "--model", model, "--patch", str(patch), "--batch", str(batch),
                            "--rounds", str(a.rounds), "--seconds", str(a.seconds), "--steps", str(a.steps), "--out", a.out,
                            "--tolerance", str(a.tolerance), *(["--opponents", *a.opponents] if a.opponents else [])], check=True)
    if a.do in ("table", "all") and os.path.exists(a.out):
        with open(a.out) as f:
            print("\n".join(lines([json.loads(line) for line in f])))


if __name__ == "__main__":
    try:
        main()
    except Failed as e:
        sys.exit(str(e))
