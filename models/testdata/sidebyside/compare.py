"""Compares prabench with PyTorch on this machine: equal numbers, then time.

    python compare.py check  --model micro --patch 4            equality only
    python compare.py time train --model micro --patch 4        one comparison, appended to --out
    python compare.py table                                     what --out holds, as Markdown
    python compare.py all                                       every comparison, then the table

Run it with a Python that has torch, numpy and safetensors (make pytorch-compare
makes one); Go builds our side. docs/measurements/pytorch.md says what is compared and how.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
if __name__ == "__main__" and any(os.environ.get(k) != v for k, v in MEMORY.items()):
    # glibc would give every activation back to the system after a step and take
    # page faults for it in the next; it reads these once, before the program.
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | MEMORY)

import torch  # noqa: E402

import equality  # noqa: E402
from checkpoint import Checkpoint  # noqa: E402
from opponents import SAMPLING, TRAINING, Opponent, usual  # noqa: E402
from ours import REPOSITORY, Ours  # noqa: E402
from sampling import Sampler, noise  # noqa: E402
from table import lines  # noqa: E402
from timing import Program, run_in_turn  # noqa: E402
from training import Batch, Training  # noqa: E402

FLOW_STEPS = 10
COMPARISONS = [  # what, model, patch, batch
    ("train", "nano", 7, 64), ("train", "micro", 7, 64), ("train", "micro", 7, 128), ("train", "micro", 4, 64),
    ("train", "micro", 4, 128), ("train", "small", 7, 64),
    ("sample", "nano", 7, 64), ("sample", "micro", 7, 64), ("sample", "micro", 4, 64), ("sample", "small", 7, 64),
    ("sample", "nano", 7, 1), ("sample", "micro", 7, 1), ("sample", "micro", 4, 1), ("sample", "small", 7, 1),
]


def clocked(run, n):
    out = []
    for _ in range(n):
        start = time.perf_counter()
        run()
        out.append(time.perf_counter() - start)
    return out


def training(folder, opponent):
    return Training(Checkpoint(os.path.join(folder, "before.safetensors")), **opponent.how)


def sampling(folder, opponent, batch):
    return Sampler(Checkpoint(os.path.join(folder, "model.safetensors")), batch, FLOW_STEPS, **opponent.how)


def opponent_program(a, folder, name, opponent, losses):
    """What runs the opponent's step or call, after a check of its numbers, with the error found."""
    torch.set_num_threads(opponent.threads)
    error = 0.0
    if a.what == "train":
        t = training(folder, opponent)
        before = Checkpoint(os.path.join(folder, "before.safetensors"))
        images, labels = equality.data(folder, before.config)
        batches = [Batch(before.config, before.train, before.steps + i, images, labels) for i in range(4)]
        if opponent.exact:
            error = demand(name, equality.training_step(folder, losses, t))

        def run():
            return t.step(batches[t.done % 4])
    else:
        s = sampling(folder, opponent, a.batch)
        omega, labels = noise(s.c, equality.SEED, a.batch), torch.arange(a.batch) % s.c.classes
        if opponent.exact:
            error = demand(name, equality.tokens(folder, s))

        def run():
            return s.images(labels, omega)

    def timed(n):
        torch.set_num_threads(opponent.threads)
        return clocked(run, n)

    return Program(name, timed), error


def compare(a, folder):
    ours = Ours(folder, model=a.model, patch=a.patch, block=a.block, batch=a.batch, threads=2, steps=a.steps, flow=FLOW_STEPS)
    known = TRAINING if a.what == "train" else SAMPLING
    programs, error = [Program("ours", ours.train if a.what == "train" else lambda n: ours.sample(a.batch, n))], 0.0
    for n in a.opponents or usual(a.what, a.batch):
        p, e = opponent_program(a, folder, n, known[n], ours.opened["losses"])
        programs.append(p)
        error = max(error, e)
    others = run_in_turn(programs, a.rounds, a.seconds, [os.getpid(), ours.process.pid])
    ours.close()
    return {
        "what": a.what, "model": a.model, "patch": a.patch, "block": a.block, "batch": a.batch, "ours": programs[0].seconds,
        "theirs": {p.name: p.seconds for p in programs[1:]}, "others": others, "error": error, "opened": ours.opened,
        "torch": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability(), "python": platform.python_version(),
        "revision": subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip(),
    }


def demand(name, found, tolerance=equality.TOLERANCE):
    """The worst error; ends the program where one is above the tolerance."""
    for what, (e, where) in found.items():
        if not e <= tolerance:
            raise SystemExit(f"{name}: {what} differs by {e:.2g} of its norm {where}; nothing was timed")
    return max(e for e, _ in found.values())


def check(a, folder):
    ours = Ours(folder, model=a.model, patch=a.patch, block=a.block, batch=a.batch, threads=2, steps=a.steps, flow=FLOW_STEPS)
    ours.close()
    eager = Opponent()
    found = (equality.parts(folder) | equality.training_step(folder, ours.opened["losses"], training(folder, eager))
             | equality.tokens(folder, sampling(folder, eager, a.batch)))
    for what, (e, where) in found.items():
        print(f"{e:8.1e}  {what} {where}")
    demand("PyTorch", found)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="do", required=True)
    for name in ("check", "time", "table", "all"):
        s = sub.add_parser(name)
        s.add_argument("--out", default=os.path.join(REPOSITORY, ".prabench", "pytorch.jsonl"))
        s.add_argument("--steps", type=int, default=30, help="training steps before the checkpoint")
        if name == "time":
            s.add_argument("what", choices=("train", "sample"))
            s.add_argument("--opponents", nargs="*", help="names in opponents.py; the usual ones without it")
        if name in ("check", "time"):
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
        for what, model, patch, batch in COMPARISONS:
            subprocess.run([sys.executable, __file__, "time", what, "--model", model, "--patch", str(patch), "--batch", str(batch),
                            "--rounds", str(a.rounds), "--seconds", str(a.seconds), "--steps", str(a.steps), "--out", a.out], check=True)
    if a.do in ("table", "all") and os.path.exists(a.out):
        with open(a.out) as f:
            print("\n".join(lines([json.loads(line) for line in f])))


if __name__ == "__main__":
    main()
