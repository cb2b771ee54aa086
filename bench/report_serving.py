"""Reprints every figure of the serving benchmark from ``results/serving.json``: the tables of ``docs/performance.md`` and its picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.pages import NOT_RUN, reprint, table  # noqa: E402
from bench.serving import PHASES, RESULTS  # noqa: E402
from bench.serving_sides import ROLEWISE, STOCK  # noqa: E402
from rolewise.engine.imports import newest  # noqa: E402

PAGE = ROOT / "docs" / "performance.md"
PICTURE = Path("images") / "serving.png"
NLU = RESULTS.with_name("nlu.json")

# What must be reached, as Rolewise's figure over stock Rasa's.
TARGETS = {
    "per second, 8": (4.0, "at least"),
    "p50 ms, 1": (0.3, "at most"),
    "p95 ms, 1": (0.3, "at most"),
    "cpu ms, 1": (0.25, "at most"),
    "peak MB": (0.7, "at most"),
    "start s": (0.6, "at most"),
}
TITLES = {
    **{f"per second, {senders}": f"messages a second, {senders} at once" for senders in PHASES},
    **{f"{name} ms, {senders}": f"{name}, {senders} at once, ms" for senders in PHASES for name in ("p50", "p95", "p99")},
    **{f"cpu ms, {senders}": f"CPU a message, {senders} at once, ms" for senders in PHASES},
    "peak MB": "peak memory of all processes, MB",
    "start s": "start to the first answer, s",
    "turn 5 ms": "turn 5 of a conversation, ms",
    "turn 100 ms": "turn 100 of it, ms",
}


def values(results: dict[str, Any], side: str, key: str) -> list[float]:
    """A figure in each round."""
    return [float(done[side][key]) for done in results["rounds"]]


def shown(found: list[float]) -> str:
    """The median and the spread."""
    return f"{median(found):.1f} ({min(found):.1f} to {max(found):.1f})"


def ratios(results: dict[str, Any], key: str) -> list[float]:
    """Rolewise's figure over stock Rasa's, each round for itself."""
    return [ours / theirs for ours, theirs in zip(values(results, ROLEWISE, key), values(results, STOCK, key), strict=True)]


def run(results: dict[str, Any]) -> str:
    """What was run, and where."""
    told, loads = results["run"], [done["load before"] for done in results["rounds"]]
    busy = f"; load of the machine before each round {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    epochs = results["stock"].get("epochs")
    trained = f"trained for {epochs} epochs" if isinstance(epochs, int) else f"trained with {epochs} epochs"
    return (
        f"Run of {told['date']}, commit {told['commit']}, {len(results['rounds'])} rounds, {told['texts']} different texts; "
        f"{told['machine']}{busy}. Stock Rasa's model was {trained}."
    )


def figures(results: dict[str, Any]) -> str:
    """Both columns and the ratio, and the picture of them."""
    if not results["rounds"]:
        return "No rounds were run."
    rows = []
    for key, title in TITLES.items():
        found = ratios(results, key)
        target, word = TARGETS.get(key, (None, ""))
        goal = f"{word} {target:g}" if target else ""
        rows.append([title, shown(values(results, STOCK, key)), shown(values(results, ROLEWISE, key)), f"{median(found):.2f}", goal])
    picture = f"![Latency, throughput, CPU, memory and start of both]({PICTURE.as_posix()})"
    return table(["", STOCK, ROLEWISE, "ratio", "wanted"], rows) + f"\n\n{picture}"


def long(results: dict[str, Any]) -> str:
    """What a long conversation costs."""
    if not results["rounds"]:
        return "No rounds were run."
    rows = []
    for side in (STOCK, ROLEWISE):
        growth = [
            late / early for early, late in zip(values(results, side, "turn 5 ms"), values(results, side, "turn 100 ms"), strict=True)
        ]
        rows.append([side, f"{median(growth):.2f} ({min(growth):.2f} to {max(growth):.2f})"])
    return table(["", "turn 100 over turn 5"], rows)


def soak(results: dict[str, Any]) -> str:
    """The memory over ten thousand messages."""
    if "soak" not in results:
        return "The soak was not run."
    found = results["soak"]
    held = found["MB after each 1,000"]
    rows = [[f"{1000 * (number + 1):,}", f"{value:.0f}"] for number, value in enumerate(held)]
    told = f"{found['messages']:,} messages, eight senders at once, {found['per second']:.0f} a second, {found['errors']} errors."
    return f"{told}\n\n{table(['messages', 'memory, MB'], rows)}"


def models(results: dict[str, Any]) -> str:
    """Training time, as the NLU benchmark measured it in its own run, and the size of the archives."""
    model = newest(ROOT / "models")
    size = {STOCK: results["stock"].get("model MB"), ROLEWISE: model.stat().st_size / 1e6 if model.is_file() else None}
    told = json.loads(NLU.read_text(encoding="utf-8")).get("systems", {}) if NLU.is_file() else {}
    rows = []
    for side in (STOCK, ROLEWISE):
        seconds = told.get(side, {}).get("cost", {}).get("training_seconds")
        rows.append([side, f"{seconds:.0f}" if seconds else "not measured here", f"{size[side]:.1f}" if size[side] else "none"])
    return table(["", "training, s", "model, MB"], rows)


def profile(results: dict[str, Any]) -> str:
    """Where the time of a server at work goes."""
    found = results.get("profile")
    return table(["part", "share"], [[part, f"{100 * share:.0f} %"] for part, share in found.items()]) if found else NOT_RUN


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "run": run,
    "figures": figures,
    "long": long,
    "soak": soak,
    "models": models,
    "profile": profile,
}


def draw(results: dict[str, Any], directory: Path) -> list[Path]:
    """Latency, throughput, CPU, memory and start of both sides, with the spread of the rounds; none without a round."""
    if not results["rounds"]:
        return []
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [
        ("latency, one at a time, ms", [("p50", "p50 ms, 1"), ("p95", "p95 ms, 1"), ("p99", "p99 ms, 1")]),
        ("messages a second", [(f"{senders} at once", f"per second, {senders}") for senders in PHASES]),
        ("CPU a message, ms", [(f"{senders} at once", f"cpu ms, {senders}") for senders in PHASES]),
        ("peak memory, MB", [("", "peak MB")]),
        ("start, s", [("", "start s")]),
    ]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(15, 3.6), gridspec_kw={"width_ratios": [3, 3, 3, 1, 1]})
    for axis, (title, bars) in zip(axes, panels, strict=True):
        for offset, side in ((-0.2, STOCK), (0.2, ROLEWISE)):
            found = [values(results, side, key) for _, key in bars]
            middle = [median(one) for one in found]
            spread = [
                [m - min(one) for m, one in zip(middle, found, strict=True)],
                [max(one) - m for m, one in zip(middle, found, strict=True)],
            ]
            axis.bar([at + offset for at in range(len(bars))], middle, 0.36, yerr=spread, capsize=3, label=side)
        axis.set_xticks(range(len(bars)), [name for name, _ in bars])
        axis.set_title(title, fontsize=9)
        axis.grid(axis="y", alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    path = directory / PICTURE
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
    return [path]


def main(given: list[str] | None = None) -> None:
    """Print the tables, and renew the page and its pictures."""
    reprint("serving", TABLES, RESULTS, PAGE, "bench/serving.py", draw, given=given)


if __name__ == "__main__":
    main()
