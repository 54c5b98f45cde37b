"""The ways of running PyTorch and JAX. The best of those that are timed is the opponent;
the usual ones are what was best somewhere when all were tried."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Opponent:
    """One way: what Training or Sampler is given, and the number of threads."""
    how: dict = field(default_factory=dict)
    threads: int = 2
    exact: bool = True  # fp32: its numbers are checked
    flags: str | None = None  # of XLA; None is PyTorch


AUTOTUNE = {"max_autotune": True}
TRAINING = {
    "eager": Opponent(),
    "eager-foreach": Opponent(dict(optimiser="foreach")),  # instead of the fused AdamW
    "compile": Opponent(dict(compile={})),
    "compile-autotune": Opponent(dict(compile=AUTOTUNE)),
    "eager-bf16": Opponent(dict(bf16=True), exact=False),
    "compile-bf16": Opponent(dict(compile={}, bf16=True), exact=False),
}
FROZEN, CPP = {"freezing": True}, {"cpp_wrapper": True}
SAMPLING = {
    "eager": Opponent(),
    "eager-1-thread": Opponent(threads=1),
    "compile": Opponent(dict(compile={})),
    "compile-1-thread": Opponent(dict(compile={}), threads=1),
    "compile-cpp": Opponent(dict(compile=CPP)),
    "compile-cpp-1-thread": Opponent(dict(compile=CPP), threads=1),
    "compile-frozen": Opponent(dict(compile=FROZEN)),
    "compile-frozen-autotune": Opponent(dict(compile=FROZEN | AUTOTUNE)),
    "eager-bf16": Opponent(dict(bf16=True), exact=False),
    "compile-bf16": Opponent(dict(compile=FROZEN, bf16=True), exact=False),
}
FAST = "--xla_cpu_enable_fast_math=true"
TRAINING |= {
    "jax": Opponent(flags=""),
    "jax-fast-math": Opponent(flags=FAST),
}
SAMPLING |= {
    "jax": Opponent(flags=""),
    "jax-segments": Opponent(dict(segments=7), flags=""),
    "jax-fast-math": Opponent(flags=FAST),
}
USUAL = {"train": ["eager", "compile", "compile-bf16"], "sample": ["eager", "compile", "compile-bf16"]}
USUAL_ONE = ["eager", "eager-1-thread", "compile", "compile-1-thread", "compile-cpp-1-thread"]  # one image


def usual(what, batch):
    return USUAL_ONE if what == "sample" and batch == 1 else USUAL[what]
