"""What was measured: as a table, as a comparison with an earlier run, and as rows for the README."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

Report = dict[str, Any]  # what --json writes; see README.md
Result = dict[str, Any]

#: A change is beyond the noise above this share, and above twice the spread of both runs.
LEAST_CHANGE = 0.05


def results(report: Report) -> Iterator[tuple[str, str, Result]]:
    """All workloads of a report, with their question and name."""
    for question, workloads in report["questions"].items():
        for name, workload in workloads.items():
            yield question, name, workload


def shown(figure: float, unit: str) -> str:
    """A figure with its unit.

    >>> shown(0.00123, "s"), shown(104.2, "B"), shown(2.5e9, "B"), shown(0.004, "B"), shown(0.0, "s")
    ('1.23 ms', '104 B', '2.5 GB', '0.004 B', '0 s')
    """
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if (factor <= 1.0 if unit == "s" else factor >= 1.0) and abs(figure) >= factor * 0.9995:
            return f"{figure / factor:.3g} {prefix}{unit}"
    return f"{figure / 1e-9:.2g} n{unit}" if unit == "s" and figure else f"{figure:.3g} {unit}"


def spread(result: Result) -> float:
    """The width of the middle half of the runs, as a share of their median."""
    return float((result["high"] - result["low"]) / result["median"]) if result["median"] else 0.0


def measured(workload: Result) -> dict[str, Result]:
    """The contenders that were measured."""
    return {name: result for name, result in workload["contenders"].items() if "median" in result}


def together(reports: list[Report]) -> Report:
    """Several reports of one machine as one; of a workload that is in two of them the last one counts.

    Raises:
        ValueError: they are of different machines or efforts.
    """
    made: Report = {**reports[0], "peers": {}, "questions": {}}
    for each in reports:
        for key in ("machine", "effort"):
            if each[key] != made[key]:
                raise ValueError(f"these reports do not go together: the {key} is {made[key]}, and {each[key]}")
        made["peers"] |= {
            name: version for name, version in each["peers"].items() if version or name not in made["peers"]
        }
        for question, workloads in each["questions"].items():
            made["questions"].setdefault(question, {}).update(workloads)
    return made


# ---- The table ------------------------------------------------------------------------------


def head(report: Report) -> str:
    """The machine, the peers and how it was measured."""
    machine, effort = report["machine"], report["effort"]
    core = ", ".join(f"{key} {value}" for key, value in machine.items())
    there = ", ".join(f"{name} {version}" for name, version in report["peers"].items() if version)
    missing = ", ".join(name for name, version in report["peers"].items() if not version)
    lines = [core, f"peers: {there}"]
    if missing:
        lines.append(f"not installed, and skipped: {missing}")
    runs, turns = effort["turns"] * effort["rounds"], effort["turns"]
    lines.append(
        f"medians of {runs} runs in {turns} processes each, in turns (fewer where a call takes a minute); "
        "in brackets the width of the middle half; the last column is the largest difference of answers"
    )
    return "\n".join(lines)


def table(name: str, workload: Result) -> str:
    """The lines of a workload: each contender's figure, beside the first's."""
    lines = [name]
    found = measured(workload)
    width = max(map(len, workload["contenders"]))
    first = next(iter(found.values()), None)
    for contender, result in workload["contenders"].items():
        if "missing" in result:
            lines.append(f"  {contender:{width}}  skipped: {result['missing']}")
            continue
        assert first is not None
        cells = [f"{shown(result['median'], workload['unit']):>9} ({spread(result):4.0%})"]
        cells.append(f"{result['median'] / first['median']:8.3g} x" if first["median"] else " " * 10)
        if workload["each"]:
            cells.append(f"{shown(result['median'] / workload['per'], workload['unit']):>9} {workload['each']}")
        if result.get("first") is not None:
            cells.append(f"first {shown(result['first'], 's'):>8}")
        if result.get("error") is not None:
            cells.append(f"{result['error']:.0e}")
        lines.append(f"  {contender:{width}}  {'  '.join(cells)}")
    return "\n".join(lines)


def behind(report: Report) -> list[str]:
    """Where a peer is faster, by how much, and why."""
    lines = []
    for question, name, workload in results(report):
        found = measured(workload)
        ours = {c: r["median"] for c, r in found.items() if is_ours(c)}
        theirs = {c: r["median"] for c, r in found.items() if not is_ours(c) and c != "python"}
        if not ours or not theirs:
            continue
        mine, peer = min(ours, key=ours.__getitem__), min(theirs, key=theirs.__getitem__)
        if ours[mine] > 1.05 * theirs[peer]:
            reason = workload["behind"] or "no reason is known"
            lines.append(f"{question}, {name}: {peer} by {ours[mine] / theirs[peer]:.1f} ({mine}). {reason}")
    return lines


def is_ours(contender: str) -> bool:
    """Whether a contender is this project."""
    return contender.partition(",")[0] in {"autograd_lite", "dask"}


# ---- Comparison -----------------------------------------------------------------------------


def changes(old: Report, new: Report) -> list[str]:
    """What is slower or faster than in an old report, beyond the noise; and what is in one of them alone."""
    before = {(q, w, c): r for q, w, workload in results(old) for c, r in measured(workload).items()}
    after = {(q, w, c): r for q, w, workload in results(new) for c, r in measured(workload).items()}
    lines = []
    for key in before.keys() & after.keys():
        if not before[key]["median"] or not after[key]["median"]:  # bytes that were none
            continue
        ratio = after[key]["median"] / before[key]["median"]
        noise = max(LEAST_CHANGE, 2.0 * (spread(before[key]) + spread(after[key])))
        if max(ratio, 1.0 / ratio) > 1.0 + noise:
            how = "slower" if ratio > 1.0 else "faster"
            lines.append((-ratio, f"{how}: {', '.join(key)}: {ratio:.2f} times the old figure (noise {noise:.0%})"))
    lines = sorted(lines)
    gone = [f"not measured now: {', '.join(key)}" for key in sorted(before.keys() - after.keys())]
    return [line for _, line in lines] + gone


def warnings(old: Report, new: Report) -> Iterator[str]:
    """Why two reports cannot be compared as they stand."""
    for key, value in old["machine"].items():
        if new["machine"].get(key) != value:
            yield f"{key} was {value}, and is {new['machine'].get(key)}"
    for key, value in old["peers"].items():
        if value and new["peers"].get(key) and new["peers"][key] != value:
            yield f"{key} was {value}, and is {new['peers'][key]}"


# ---- The README -----------------------------------------------------------------------------

BEGIN, END = "<!-- speeds: made by python -m benchmarks --pages -->", "<!-- end of speeds -->"

#: The rows of the README's table: what it says, the question and the workload.
ROWS = (
    ("MLP 2-16-16-1 on 20 samples, eager", "eager", "MLP 2-16-16-1"),
    ("MLP 16-32-32-1 on 20 samples, eager", "eager", "MLP 16-32-32-1"),
    ("value and gradient of Rosenbrock, 100 dimensions", "gradients", "Rosenbrock-100"),
    ("of a pendulum's 200 Runge-Kutta steps", "gradients", "pendulum"),
    ("of Black-Scholes: five Greeks", "gradients", "Black-Scholes"),
    ("Hessian of Rosenbrock, 20 dimensions", "derivatives", "Hessian, Rosenbrock-20"),
    ("five Greeks of 100,000 options, one thread", "rows", "Black-Scholes, 100000 rows"),
    ("training step, 2-2-1", "training", "step, 2-2-1, SGD"),
    ("training step, 10-50-20-1, 32 samples, Adam", "training", "step, 10-50-20-1, Adam"),
    ("training step, 64-30-10, 10 samples", "training", "step, 64-30-10, SGD"),
    ("10,000 epochs of 2-2-1, from nothing", "training", "10000 epochs from nothing, 2-2-1, SGD"),
    ("1,000 epochs of 10-50-20-1, from nothing", "training", "1000 epochs from nothing, 10-50-20-1, Adam"),
    ("scalar GPT, a step", "gpt", "gradient of a GPT"),
)  # fmt: skip


def overview(report: Report, rows: Iterable[tuple[str, str, str]] = ROWS) -> list[tuple[str, float, dict[str, float]]]:
    """For each row its title, this project's best time, and how many times that each peer takes at best."""
    found = []
    for title, question, name in rows:
        row = measured(report["questions"].get(question, {}).get(name, {"contenders": {}}))
        ours = min((r["median"] for c, r in row.items() if is_ours(c) and "two threads" not in c), default=None)
        if ours is None:
            continue
        best: dict[str, float] = {}
        for contender, result in row.items():
            peer = contender.partition(",")[0]
            if not is_ours(contender) and peer != "python":
                best[peer] = min(best.get(peer, math.inf), result["median"] / ours)
        found.append((title, ours, best))
    return found


def markdown(report: Report) -> str:
    """The table of the README: this project's best time, and how many times that each peer takes."""
    rows = overview(report)
    names = sorted({name for _, _, ratios in rows for name in ratios})
    lines = ["| | autograd_lite | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for title, ours, ratios in rows:
        cells = [shown(ours, "s"), *(times(ratios[name]) if name in ratios else "" for name in names)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    machine = report["machine"]
    lines += ["", f"On {machine['processor']}, Python {machine['python']}. The first column is a time, the others say "
              "how many times as long the peer takes."]  # fmt: skip
    return "\n".join(lines)


def page(report: Report, charts: Iterable[str]) -> str:
    """All that was measured, for the documentation, with charts by the names of their files."""
    known = list(charts)
    lines = [f"![{name}](figures/speed/{name})" for name in known if name == "overview.svg"]
    lines += ["", markdown(report), "", "## Where a peer is faster", ""]
    lines += [f"- {line}" for line in behind(report)]
    for question, workloads in report["questions"].items():
        lines += ["", f"## The question: {question}", ""]
        lines += [
            f"![{name}](figures/speed/{name})\n" for name in known if name.split(".")[0].split("-")[0] == question
        ]
        lines += ["```text", "\n\n".join(table(name, workload) for name, workload in workloads.items()), "```"]
    return "\n".join(
        [*lines, "", "How each was measured, and what the columns are:", "", "```text", head(report), "```"]
    )


def times(ratio: float) -> str:
    """A ratio for the reader.

    >>> times(0.617), times(8.55), times(2720.4)
    ('0.62 x', '8.6 x', '2,720 x')
    """
    return f"{ratio:,.0f} x" if ratio >= 10 else f"{ratio:.2g} x"


def replaced(page: str, text: str) -> str:
    """A page with a new text between the two markers.

    Raises:
        ValueError: it has not both of them.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the line {BEGIN!r}, and below it {END!r}, for the figures to go between them")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
