"""Reprints every figure of the NLU benchmark from ``results/nlu.json``: the tables of ``docs/evaluation.md`` and its plots."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean, pstdev
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.nlu import OWN, RESULTS, ROLEWISE, STOCK  # noqa: E402
from bench.pages import reprint, table  # noqa: E402

PAGE = ROOT / "docs" / "evaluation.md"
IMAGES = "images"

OUTCOMES = ("right", "right or offered", "wrong", "asked back", "declined")
QUALITIES = ("forced accuracy", "out-of-scope recall", "mcc", "best mcc")
SHARES = frozenset({*OUTCOMES, "forced accuracy", "out-of-scope recall"})


def number(name: str, value: list[float] | None, interval: bool = True) -> str:
    """A figure with its interval: per cent for shares, two decimals for correlations."""
    if value is None:
        return ""
    if name in SHARES:
        at, low, high = (f"{100 * figure:.0f}" for figure in value)
        return f"{100 * value[0]:.1f} ({low} to {high})" if interval else f"{float(at):.0f}"
    return f"{value[0]:.3f} ({value[1]:.2f} to {value[2]:.2f})" if interval else f"{value[0]:.3f}"


def scored(results: dict[str, Any], group: str, name: str, columns: tuple[str, ...]) -> str:
    """One row a system or ablation for one test set."""
    rows = []
    for system, found in results.get(group, {}).items():
        figures = found["sets"].get(name, {}).get("figures", {})
        if figures:
            rows.append([system, *(number(column, figures.get(column)) for column in columns)])
    return table(["", *columns], rows)


# What Rasa's default configuration says.
STOCK_EPOCHS = 100


def run(results: dict[str, Any]) -> str:
    """What was run, and where."""
    groups: dict[str, list[str]] = {}
    for stage, told in (results.get("runs") or {"all": results["run"]}).items():
        groups.setdefault(_one_run(told), []).append(stage)
    lines = [line if len(groups) == 1 else f"{', '.join(stages)}: {line}" for line, stages in groups.items()]
    epochs = results.get("systems", {}).get(STOCK, {}).get("epochs", STOCK_EPOCHS)
    if epochs != STOCK_EPOCHS:
        lines.append(
            f"Stock Rasa's networks were trained for {epochs} epochs instead of their {STOCK_EPOCHS}; its training time is of those."
        )
    return "\n\n".join(lines)


def _one_run(told: dict[str, Any]) -> str:
    note = " **A quick run: its figures mean nothing.**" if told["fast"] else ""
    messages = f"{told['training messages']} training messages of {told['intents']} intents"
    return f"Run of {told['date']}, commit {told['commit']}, {messages}; {told['machine']}.{note}"


def sets(results: dict[str, Any]) -> list[str]:
    """The test sets, the project's own first."""
    groups = (results.get("systems", {}), results.get("ablations", {}))
    return list(dict.fromkeys(name for group in groups for found in group.values() for name in found["sets"]))


def title(results: dict[str, Any], name: str) -> str:
    """The heading of a test set."""
    for group in ("systems", "ablations"):
        for found in results.get(group, {}).values():
            if name in found["sets"]:
                inside, outside = found["sets"][name]["inside"], found["sets"][name]["outside"]
                what = "The project's own test messages" if name == OWN else f"Questions from elsewhere: `{name}`"
                return f"**{what}**: {inside} to answer" + (f", {outside} to decline" if outside else "")
    return name


def quality(results: dict[str, Any]) -> str:
    """The tables of the systems and of the ablations, for each test set."""
    parts = []
    for name in sets(results):
        parts.append(title(results, name))
        for group in ("systems", "ablations"):
            if results.get(group):
                parts += [scored(results, group, name, OUTCOMES), scored(results, group, name, QUALITIES)]
    return "\n\n".join(parts)


def cost(results: dict[str, Any]) -> str:
    """Time a message and training time, and what they are of stock Rasa's."""
    measured = {name: found["cost"] for name, found in results.get("systems", {}).items()}
    if not measured:
        return "The systems were not run."
    base = measured.get(STOCK)
    head = ["", "message, median", "of stock", "message, CPU", "of stock", "training", "of stock", "training, CPU", "of stock"]
    rows = []
    for name, found in measured.items():
        row = [name]
        for key, unit in (("message_ms", "ms"), ("message_cpu_ms", "ms"), ("training_seconds", "s"), ("training_cpu_seconds", "s")):
            spread = f" ({min(found['rounds']):.1f} to {max(found['rounds']):.1f})" if key == "message_ms" and "rounds" in found else ""
            timed = key in found and (not base or key in base)
            row += [f"{found[key]:.1f} {unit}{spread}", f"{found[key] / base[key]:.2f}" if base else ""] if timed else ["not timed", ""]
        rows.append(row)
    return table(head, rows)


def hint3(results: dict[str, Any]) -> str:
    """One table a bot: mean and standard deviation over the runs."""
    if not results.get("hint3"):
        return "HINT3 was not run: its directory was not given."
    parts = []
    for bot, found in results["hint3"].items():
        rows = []
        for system, runs in found["systems"].items():
            row = [system, str(len(runs))]
            for key in ("best mcc", "mcc", "forced accuracy", "right", "out-of-scope recall"):
                values = [one["figures"][key][0] for one in runs]
                spread = f" ± {pstdev(values):.3f}" if len(values) > 1 else ""
                row.append(f"{mean(values):.3f}{spread}")
            rows.append(row)
        some = next(iter(found["systems"].values()))[0]
        parts.append(
            f"**{bot}**: {found['training messages']} training messages of {found['intents']} intents; {some['inside']} to answer, "
            f"{some['outside']} to decline"
        )
        parts.append(table(["", "runs", "best MCC", "MCC at its threshold", "forced accuracy", "right", "out-of-scope recall"], rows))
    return "\n\n".join(parts)


def confusions(results: dict[str, Any]) -> str:
    """Each intent of the project's own test messages, and what it is taken for."""
    found = results.get("systems", {}).get(ROLEWISE) or results.get("ablations", {}).get("classifier")
    if not found or OWN not in found["sets"]:
        return "Rolewise was not run."
    rows = []
    for line in sorted(found["sets"][OWN]["confusions"], key=lambda line: line["right"] / line["messages"]):
        taken = ", ".join(f"{name.removeprefix('ask_') or 'nothing'} {count}" for name, count in line["taken for"])
        rows.append([line["intent"].removeprefix("ask_"), str(line["messages"]), f"{100 * line['right'] / line['messages']:.0f}", taken])
    return table(["topic", "messages", "right, %", "taken for"], rows)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "run": run,
    "quality": quality,
    "cost": cost,
    "hint3": hint3,
    "confusions": confusions,
}


def draw(results: dict[str, Any], directory: Path) -> list[Path]:
    """The accuracy against the rejection, one line a system, into the images of the page's directory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels: dict[str, list[tuple[str, dict[str, list[tuple[float, float, float]]]]]] = {}
    groups = [results.get("systems", {}), {k: v for k, v in results.get("ablations", {}).items() if k != "classifier"}]
    own = {
        name: found["sets"][OWN]["curve"] for group in groups for name, found in group.items() if found["sets"].get(OWN, {}).get("curve")
    }
    if own:
        panels["nlu-rejection"] = [("the project's own test messages", own)]
    bots = [
        (bot, {name: runs[0]["curve"] for name, runs in found["systems"].items() if runs[0]["curve"]})
        for bot, found in results.get("hint3", {}).items()
    ]
    if bots:
        panels["nlu-rejection-hint3"] = bots
    directory = directory / IMAGES
    directory.mkdir(parents=True, exist_ok=True)
    drawn = []
    for file, charts in panels.items():
        figure, axes = pyplot.subplots(1, len(charts), figsize=(5.5 * len(charts), 4.5), squeeze=False, sharey=True)
        for axis, (heading, lines) in zip(axes[0], charts, strict=True):
            for name, curve in lines.items():
                style = "-" if name in (STOCK, ROLEWISE) or not name.startswith("no ") else ":"
                axis.plot([100 * point[2] for point in curve], [100 * point[1] for point in curve], style, label=name)
            axis.set_title(heading)
            axis.set_xlabel("out-of-scope messages declined, %")
            axis.grid(alpha=0.3)
        axes[0][0].set_ylabel("questions answered right, %")
        axes[0][0].legend(fontsize=8)
        figure.tight_layout()
        drawn.append(directory / f"{file}.png")
        figure.savefig(drawn[-1], dpi=110, metadata={"Software": None})
        pyplot.close(figure)
    return drawn


def main(given: list[str] | None = None) -> None:
    """Print the tables, and renew the page and its pictures."""
    reprint("nlu", TABLES, RESULTS, PAGE, "bench/nlu.py", draw, given=given)


if __name__ == "__main__":
    main()
