"""The records of compare.py as a table in Markdown."""

import statistics

from timing import quiet, ratios


def best(record, exact):
    """The fastest opponent whose name passes exact, with its ratios."""
    rows = {n: ratios(s, record["ours"]) for n, s in record["theirs"].items() if exact(n)}
    return min(rows.items(), key=lambda x: statistics.median(x[1])) if rows else None


def cell(found, name=True):
    if not found:
        return "–"
    n, r = found
    return f"{statistics.median(r):.2f} ({min(r):.2f}–{max(r):.2f})" + (f" {n}" if name else "")


def lines(records):
    yield "| | model | p | batch | ours, images/s | eager | torch.compile | bf16 | JAX | error | rounds |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for r in map(quiet, records):
        model = r["model"] if r.get("family", "pra") == "pra" else f"{r['family']} {r['model']}"
        if not r["ours"]:
            yield f"| {r['what']} | {model} | {r['patch']} | {r['batch']} | no round was quiet |"
            continue
        at = [best(r, lambda n: n.startswith("eager") and "bf16" not in n),
              best(r, lambda n: n.startswith("compile") and "bf16" not in n), best(r, lambda n: "bf16" in n),
              best(r, lambda n: n.startswith("jax"))]
        speed = r["batch"] / statistics.median(r["ours"])
        yield (f"| {r['what']} | {model} | {r['patch']} | {r['batch']} | {speed:.4g} | " + " | ".join(map(cell, at))
               + f" | {r['error']:.0e} | {len(r['ours'])} |")
