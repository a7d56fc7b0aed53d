"""``python -m benchmarks``: every comparison, in one command."""

import argparse
import dataclasses
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import measure, peers, report
from benchmarks.questions import QUESTIONS

README, DOCS = measure.ROOT / "README.md", measure.ROOT / "docs"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="How fast it is, beside its peers, and how right."
    )
    parser.add_argument("question", nargs="*", metavar="QUESTION", help=f"of {', '.join(QUESTIONS)}; all if left out")
    parser.add_argument("--only", default="", metavar="TEXT", help="the workloads that have this in their names")
    parser.add_argument("--quick", action="store_true", help="some two minutes: shorter runs, and no large sizes")
    parser.add_argument(
        "--python", action="append", default=[], metavar="PATH", help="another interpreter, for peers missing here"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument(
        "--from", dest="sources", nargs="+", type=Path, metavar="FILE", help="read figures from files, run nothing"
    )
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="what changed since, beyond the noise")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="write charts as SVG")
    parser.add_argument(
        "--pages", action="store_true", help="put the figures between the markers of README.md and docs/speed.md"
    )
    parser.add_argument("--list", action="store_true", help="name the questions, workloads, contenders and peers")
    parser.add_argument(
        "--accuracy", nargs="*", type=Path, metavar="FOLDER",
        help="how right it is, also on the .fpcore files and NIST StRD files (.dat) of folders",
    )  # fmt: skip
    return parser


def workloads_of(question: str) -> list[measure.Workload]:
    """A question's workloads."""
    return list(importlib.import_module(f"benchmarks.questions.{question}").WORKLOADS)


def quickened(workload: measure.Workload) -> measure.Workload:
    """A workload without the contenders that take long to get ready."""
    quick = {name: c for name, c in workload.contenders.items() if name not in workload.slow}
    return dataclasses.replace(workload, contenders=quick)


def listed(homes: dict[str, peers.Peer | None]) -> str:
    """All there is, and what is missing here."""
    lines = []
    for question in QUESTIONS:
        module = importlib.import_module(f"benchmarks.questions.{question}")
        lines.append(f"{question}: {(module.__doc__ or '').splitlines()[0]}")
        lines += [f"  {w.name}: {'; '.join(w.contenders)}" for w in module.WORKLOADS]
    lines.append("peers")
    for name, peer in homes.items():
        lines.append(f"  {name}: {peer.version if peer else f'missing, needs {peers.needs(name)}'}")
    return "\n".join(lines)


def run(given: argparse.Namespace, homes: dict[str, peers.Peer | None]) -> tuple[report.Report, list[str]]:
    """Measure what was asked for, and print it as it comes; and what went wrong."""
    effort = measure.QUICK if given.quick else measure.FULL
    found: report.Report = {
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "machine": measure.python_and_machine(),
        "peers": {name: peer.version if peer else None for name, peer in homes.items()},
        "effort": {"turns": effort.turns, "rounds": effort.rounds, "seconds": effort.seconds},
        "questions": {},
    }
    errors = []
    print(report.head(found))
    for question in given.question or QUESTIONS:
        for workload in workloads_of(question):
            if given.only not in workload.name or (given.quick and not workload.is_quick):
                continue
            asked = quickened(workload) if given.quick else workload
            try:
                contenders = measure.run(f"benchmarks.questions.{question}", asked, homes, effort)
            except (measure.DisagreementError, measure.ContenderError) as error:
                errors.append(f"{question}: {error}")
                print(f"\n{errors[-1]}", flush=True)
                continue
            kept: dict[str, Any] = {
                "unit": workload.unit, "per": workload.per, "each": workload.each, "curve": workload.curve,
                "size": workload.size, "behind": workload.behind, "contenders": contenders,
            }  # fmt: skip
            found["questions"].setdefault(question, {})[workload.name] = kept
            print("\n" + report.table(f"{question}: {workload.name}", kept), flush=True)
    return found, errors


def main(argv: list[str] | None = None) -> int:
    """Run; 1 where contenders disagree or something is slower than before."""
    parser = arguments()
    given = parser.parse_args(argv)
    if given.accuracy is not None:
        from benchmarks.accuracy import report as accuracy

        return accuracy.main(given.accuracy, is_quick=given.quick)
    unknown = set(given.question) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(sorted(unknown))}. There are {', '.join(QUESTIONS)}")
    errors: list[str] = []
    if given.sources:
        try:
            found = report.together([json.loads(path.read_text(encoding="utf-8")) for path in given.sources])
        except ValueError as error:
            parser.error(str(error))
    else:
        homes = peers.installed([*peers.MODULES, *peers.PROGRAMS], given.python)
        if given.list:
            print(listed(homes))
            return 0
        found, errors = run(given, homes)
    status = after(given, found)
    if errors:
        print("\n".join(["", "No time was taken of these:", *errors]), file=sys.stderr)
    return 1 if errors else status


def after(given: argparse.Namespace, found: report.Report) -> int:
    """What is done with the figures."""
    lines = report.behind(found)
    if lines:
        print("\nWhere a peer is faster\n  " + "\n  ".join(lines))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if given.plot:
        from benchmarks import plots

        for path in plots.write(found, given.plot):
            print(path)
    if given.pages:
        from benchmarks import plots

        charts = [path.name for path in plots.write(found, DOCS / "figures" / "speed")]
        for path, text in ((README, report.markdown(found)), (DOCS / "speed.md", report.page(found, charts))):
            path.write_text(report.replaced(path.read_text(encoding="utf-8"), text), encoding="utf-8")
    if not given.compare:
        return 0
    old = json.loads(given.compare.read_text(encoding="utf-8"))
    for warning in report.warnings(old, found):
        print(f"not the same machine or peers: {warning}")
    changes = report.changes(old, found)
    print("\n".join(changes) if changes else "nothing changed beyond the noise")
    return int(any(line.startswith("slower: ") and "autograd_lite" in line for line in changes))


if __name__ == "__main__":
    sys.exit(main())
