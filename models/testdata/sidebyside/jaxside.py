"""JAX's side of compare.py: a process that prepares one way of training or of
sampling, says how far its numbers are from ours, and runs it as often as it is asked.
A process of its own, since XLA reads its flags and the number of its threads once.
"""

import os
import platform
import time

from serving import absent, answer, reply

os.environ.setdefault("JAX_PLATFORMS", "cpu")
try:
    import jax
    import jax.numpy as jnp
    import numpy as np
    import safetensors  # noqa: F401
except ImportError as e:
    absent(f"no JAX here: {e}")

import differences  # noqa: E402
import jaxmodel  # noqa: E402
import jaxtraining  # noqa: E402
import recipe  # noqa: E402
from checkpoint import Checkpoint  # noqa: E402
from jaxsampling import Sampler, numpy_bytes  # noqa: E402


class Side:
    run = None

    def train(self, q):
        """A training that goes on from before; every array of its first step is compared."""
        before, after = differences.around(q["folder"])
        images, labels = differences.data(q["folder"], before.config)
        t = jaxtraining.Training(before, **q["how"])
        batches = [jaxtraining.batch(before.config, before.train, before.steps + i, images, labels) for i in range(4)]
        out = t.step(batches[0])
        found = differences.losses(*map(float, out), q["losses"]) | differences.arrays(
            before, after, *map(t.named, ("weights", "first", "second", "average")))
        self.run = lambda: t.step(batches[t.done % 4])
        return {"equal": found}

    def sample(self, q):
        """Sampling calls of so many images; tokens and bytes of one are compared."""
        n = q["images"]
        s = Sampler(Checkpoint(os.path.join(q["folder"], "model.safetensors")), n, q["steps"], **q["how"])
        omega, labels = jnp.array(recipe.omega(s.c, differences.SEED, n)), jnp.arange(n) % s.c.classes
        made, tokens = map(np.asarray, s.images(labels, omega))
        # Bytes are of these tokens, but where the last digit of a sum decides.
        apart = np.abs(made.astype(int) - numpy_bytes(s.c, tokens))
        if apart.max() > 1 or apart.mean() > 1e-4:
            raise ValueError(f"the images are not those of the tokens: {np.count_nonzero(apart)} of {apart.size} bytes differ")
        self.run = lambda: s.images(labels, omega)
        return {"equal": differences.tokens(q["folder"], s.c, tokens)}

    def parts(self, q):
        """Trunk and head against the oracle."""
        def compute(model, b):
            c, p = model.config, jaxmodel.load(model.config, model.named("raw."))
            h = jaxmodel.trunk(c, p, b["x"], b["labels"])
            m = jaxmodel.modulate(c, p, jaxmodel.time(p, b["t"][0]), jaxmodel.linear(p, "head.cond", h))
            return h, jaxmodel.head(c, p, b["eps"][0], m)

        return {"equal": differences.parts(q["folder"], compute)}

    def times(self, q):
        out = []
        for _ in range(q["times"]):
            start = time.perf_counter()
            self.run()
            out.append(time.perf_counter() - start)
        return {"seconds": out}


if __name__ == "__main__":
    reply(jax=jax.__version__, python=platform.python_version(), device=str(jax.devices()[0].device_kind))
    side = Side()
    answer({"train": side.train, "sample": side.sample, "parts": side.parts, "times": side.times})
