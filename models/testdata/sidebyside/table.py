"""The records of compare.py as a table in Markdown."""

import statistics

from timing import quiet, ratios


def best(record, exact, ours="ours"):
    """The fastest opponent whose name passes exact, with its ratios."""
    rows = {n: ratios(s, record[ours]) for n, s in record["theirs"].items() if exact(n) and record[ours]}
    return min(rows.items(), key=lambda x: statistics.median(x[1])) if rows else None


def cell(found, name=True):
    if not found:
        return "–"
    n, r = found
    return f"{statistics.median(r):.2f} ({min(r):.2f}–{max(r):.2f})" + (f" {n}" if name else "")


def lines(records):
    yield "| | model | p | batch | ours, images/s | eager | torch.compile | JAX | ours in bf16, images/s | bf16 | error | rounds |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for r in map(quiet, records):
        model = r["model"] if r.get("family", "pra") == "pra" else f"{r['family']} {r['model']}"
        if not r["ours"]:
            yield f"| {r['what']} | {model} | {r['patch']} | {r['batch']} | no round was quiet |"
            continue
        at = [best(r, lambda n: n.startswith("eager") and "bf16" not in n),
              best(r, lambda n: n.startswith("compile") and "bf16" not in n), best(r, lambda n: n.startswith("jax"))]
        bf16 = best(r, lambda n: "bf16" in n, "ours_bf16")
        speed, half = (f"{r['batch'] / statistics.median(r[k]):.4g}" if r[k] else "–" for k in ("ours", "ours_bf16"))
        yield (f"| {r['what']} | {model} | {r['patch']} | {r['batch']} | {speed} | " + " | ".join(map(cell, at))
               + f" | {half} | {cell(bf16)} | {r['error']:.0e} | {len(r['ours'])} |")
