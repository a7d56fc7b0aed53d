"""Bar charts and scaling curves of a report, as SVG by matplotlib."""

import re
from pathlib import Path
from typing import Any

from benchmarks.report import Report, is_ours, measured, overview, results, times

OURS, THEIRS = "#2563a8", "#b0b4ba"


def write(report: Report, folder: Path) -> list[Path]:
    """An overview, a chart of bars for each question, and one of lines for each curve; the paths of the files."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9})
    folder.mkdir(parents=True, exist_ok=True)
    written = [_overview(report, folder / "overview.svg")] if overview(report) else []
    for question in report["questions"]:
        workloads = {name: w for q, name, w in results(report) if q == question and measured(w)}
        bars = {name: w for name, w in workloads.items() if not w["curve"] and len(measured(w)) > 1}
        if bars:
            written.append(_bars(question, bars, folder / f"{question}.svg"))
        for curve in sorted({w["curve"] for w in workloads.values()} - {""}):
            points = [w for w in workloads.values() if w["curve"] == curve]
            if len(points) < 2:
                continue
            name = "-".join([question, *re.findall(r"[a-z0-9]+", curve.lower())]) + ".svg"
            written.append(_lines(curve, points, folder / name))
    return written


def _overview(report: Report, path: Path) -> Path:
    """The rows of the README's table: a dot for each peer, as far to the right as it takes longer."""
    from matplotlib import pyplot as plt

    rows = overview(report)
    peers = sorted({name for _, _, ratios in rows for name in ratios})
    figure, axes = plt.subplots(figsize=(9.0, 1.2 + 0.3 * len(rows)), layout="constrained")
    for peer, marker in zip(peers, "osD^vPX<>*ph", strict=False):
        points = [(ratios[peer], i) for i, (_, _, ratios) in enumerate(rows) if peer in ratios]
        axes.plot(*zip(*points, strict=True), linestyle="", marker=marker, markersize=6, label=peer, alpha=0.8)
    axes.axvline(1.0, color=OURS, linewidth=1.5, zorder=0)
    axes.set(xscale="log", yticks=range(len(rows)), xlabel="times as long as autograd_lite (on the line)")
    axes.set_yticklabels([title for title, _, _ in rows])
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:,g}")
    figure.legend(frameon=False, ncols=len(peers), loc="outside upper center", columnspacing=1.2, handletextpad=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path


def _bars(question: str, workloads: dict[str, Any], path: Path) -> Path:
    """Each workload's contenders, as multiples of the fastest of this project; a logarithmic scale."""
    from matplotlib import pyplot as plt

    count = sum(len(measured(w)) + 2 for w in workloads.values())
    figure, axes = plt.subplots(figsize=(7.0, 0.6 + 0.2 * count), layout="constrained")
    place, places, labels = 0.0, [], []
    for name, workload in workloads.items():
        found = measured(workload)
        unit = min((r["median"] for c, r in found.items() if is_ours(c)), default=None)
        unit = unit or min(r["median"] for r in found.values()) or 1.0
        axes.text(0.0, place, name, transform=axes.get_yaxis_transform(), weight="bold", va="center")
        place += 1.0
        for contender, result in found.items():
            ratio = result["median"] / unit
            axes.barh(place, ratio, color=OURS if is_ours(contender) else THEIRS, height=0.8)
            axes.annotate(times(ratio), (ratio, place), xytext=(3, 0), textcoords="offset points", va="center")
            places.append(place)
            labels.append(contender)
            place += 1.0
        place += 0.6
    axes.axvline(1.0, color="black", linewidth=0.6, zorder=0)
    axes.set(xscale="log", yticks=places, title=question, xlabel="times as long as autograd_lite's fastest")
    axes.set_yticklabels(labels)
    axes.margins(x=0.12, y=0.01)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path


def _lines(curve: str, workloads: list[Any], path: Path) -> Path:
    """Time against size, a line a contender."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.0, 4.0), layout="constrained")
    names = dict.fromkeys(name for w in workloads for name in measured(w))
    each = workloads[0]["each"]
    for name in names:
        points = sorted((w["size"], measured(w)[name]["median"] / w["per"]) for w in workloads if name in measured(w))
        style: dict[str, Any] = {} if is_ours(name) else {"linestyle": "--"}
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name, **style)
    unit = "seconds" if workloads[0]["unit"] == "s" else workloads[0]["unit"]
    axes.set(xscale="log", yscale="log", title=curve, xlabel="size", ylabel=f"{unit} {each}".strip())
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
