"""Contenders in processes that take turns: first their answers are compared, then times are taken."""

import dataclasses
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import peers

ROOT = Path(__file__).resolve().parent.parent


class Ready(NamedTuple):
    """A contender that is ready to run: what is timed, and the numbers that all contenders must agree on."""

    call: Callable[[], Any]
    #: Taken after one call; what the call returns, where this is left out. An empty list is not compared.
    answer: Callable[[], Any] | None = None
    #: What is taken in place of the time of a call, such as bytes.
    figure: Callable[[], float] | None = None


@dataclasses.dataclass(frozen=True)
class Workload:
    """The same work for several contenders, each a function that gets ready. Others are held to the first."""

    name: str
    contenders: Mapping[str, Callable[[], Ready]]
    unit: str = "s"
    #: A figure is divided by this many operations, rows or whatever ``each`` names.
    per: float = 1.0
    each: str = ""
    #: The largest error of an answer, relative to its size and to the mean size of all numbers of the answer.
    tolerance: float = 1e-9
    is_quick: bool = True
    #: Contenders that take long to get ready, and are left out of quick runs.
    slow: frozenset[str] = frozenset()
    #: The curve that this workload is a point of, and its place there.
    curve: str = ""
    size: float = 0.0
    #: Why a peer is faster, where one is.
    behind: str = ""


@dataclasses.dataclass(frozen=True)
class Effort:
    """How often, and how long."""

    turns: int  # processes of each contender
    rounds: int  # times that each process is measured
    seconds: float  # of a measurement, at least
    limit: float = 240.0  # seconds after which a workload is measured no further: some calls take a minute


FULL, QUICK = Effort(3, 3, 0.3), Effort(1, 3, 0.03)


class DisagreementError(Exception):
    """A contender's answer is not that of the others, so its time says nothing."""


class ContenderError(Exception):
    """A contender's process has failed."""


class MissingError(Exception):
    """A contender lacks what it needs, and says what that is."""


# ---- Answers --------------------------------------------------------------------------------


def flat(answer: Any) -> list[float]:
    """All numbers of an answer, in order, whatever structure and library they are in."""
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if isinstance(answer, Mapping):
        return [x for key in sorted(answer) for x in flat(answer[key])]
    if isinstance(answer, list | tuple):
        return [x for part in answer for x in flat(part)]
    return [float(answer)]


def disagreement(found: list[float], expected: list[float]) -> float:
    """The largest relative error of an answer; inf where its numbers are not as many, or not finite where others are.

    >>> disagreement([1.0, 2.2], [1.0, 2.0])
    0.1...
    """
    if len(found) != len(expected):
        return math.inf
    sizes = [abs(b) for b in expected if math.isfinite(b)]
    mean = statistics.fmean(sizes) if sizes else 0.0
    errors = [0.0]
    for a, b in zip(found, expected, strict=True):
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        error = abs(a - b) / max(abs(b), mean)
        errors.append(error if math.isfinite(error) else math.inf)
    return max(errors)


def compared(answers: Mapping[str, list[float]], tolerance: float, workload: str) -> dict[str, float]:
    """The disagreement of each contender with the first.

    Raises:
        DisagreementError: one is beyond the tolerance.
    """
    first = next(iter(answers), "")
    found = {name: disagreement(answer, answers[first]) for name, answer in answers.items()}
    for name, error in found.items():
        if not error <= tolerance:
            shown = ", ".join(f"{x:.17g}" for x in answers[name][:4])
            right = ", ".join(f"{x:.17g}" for x in answers[first][:4])
            raise DisagreementError(
                f"{workload}: {name} and {first} disagree by {error:.1e}, and {tolerance:.0e} is allowed. "
                f"{name} gives {len(answers[name])} numbers, which begin with {shown}; "
                f"{first} {len(answers[first])}, with {right}. No time was taken."
            )
    return found


# ---- The processes --------------------------------------------------------------------------


class Process:
    """A contender's process: it answers one line of JSON at the start, and one for each line that it is sent."""

    def __init__(self, python: str, module: str, workload: str, contender: str) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it is closed with the process
        self.name = f"{workload}: {contender}"
        command = [python, "-m", "benchmarks.contender", module, workload, contender]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=ROOT,
            env=peers.environment(),
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        """Its next answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise ContenderError(f"{self.name} failed:\n{self.errors.read()[-4000:]}")
        return dict(json.loads(line))

    def measured(self, seconds: float) -> float:
        """The median time of a call, over that many seconds."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.read()["figure"])

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


Result = dict[str, Any]


def run(module: str, workload: Workload, homes: Mapping[str, peers.Peer | None], effort: Effort) -> dict[str, Result]:
    """The results of all contenders of a workload of a module: medians, spread and first calls, or what is missing."""
    results: dict[str, Result] = {}
    present: dict[str, str] = {}
    for name in workload.contenders:
        home = homes[peers.peer_of(name)]
        if home is None:
            results[name] = {"missing": f"needs {peers.needs(peers.peer_of(name))}"}
        else:
            present[name] = home.python
    turns: list[dict[str, Result]] = []
    ends = time.perf_counter() + effort.limit
    while present and len(turns) < effort.turns and (not turns or time.perf_counter() < ends):
        turns.append(_turn(module, workload, present, effort, ends))
        results |= {name: found for name, found in turns[-1].items() if "missing" in found}
        present = {name: python for name, python in present.items() if name not in results}
    for name in present:
        found = [turn[name] for turn in turns]
        firsts = [each["first"] for each in found]
        first = None if None in firsts else statistics.median(firsts)
        runs = [figure for each in found for figure in each["runs"]]
        results[name] = {**summary(runs), "first": first, "error": found[-1]["error"]}
    return {name: results[name] for name in workload.contenders}


def _turn(
    module: str, workload: Workload, present: Mapping[str, str], effort: Effort, ends: float
) -> dict[str, Result]:
    """A process of each contender: its first call, how far its answer is off, and its runs; or what is missing."""
    found: dict[str, Result] = {}
    processes: dict[str, Process] = {}
    answers: dict[str, list[float]] = {}
    try:
        for name, python in present.items():
            # One after the other, so that first calls do not share the processor.
            processes[name] = process = Process(python, module, workload.name, name)
            ready = process.read()
            if "missing" in ready:
                found[name] = ready
                processes.pop(name).close()
                continue
            answers[name] = ready["answer"]
            found[name] = {"first": ready["first"], "runs": [], "error": None}
        given = {name: answer for name, answer in answers.items() if answer}
        for name, error in compared(given, workload.tolerance, workload.name).items():
            found[name]["error"] = error
        for number in range(effort.rounds):
            if number and time.perf_counter() > ends:
                break
            for name, process in processes.items():
                found[name]["runs"].append(process.measured(effort.seconds))
    finally:
        for process in processes.values():
            process.close()
    return found


def summary(runs: list[float]) -> Result:
    """Median and quartiles, and the runs themselves."""
    low, _, high = statistics.quantiles(runs, n=4, method="inclusive") if len(runs) > 1 else runs * 3
    return {"median": statistics.median(runs), "low": low, "high": high, "runs": runs}


# ---- In the process of a contender ----------------------------------------------------------


def measured(call: Callable[[], Any], seconds: float) -> float:
    """Seconds a call: the median of batches that each take some milliseconds, after a warm-up."""
    once = timed(call, 1)
    if once >= seconds:  # it has run before, for its answer
        return once
    ends = time.perf_counter() + seconds / 4
    while time.perf_counter() < ends:
        once = timed(call, 1)
    count = max(1, int(2e-3 / max(once, 1e-9)))
    batches: list[float] = []
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or len(batches) < (3 if once < 0.5 else 1):
        batches.append(timed(call, count) / count)
    return statistics.median(batches)


def timed(call: Callable[[], Any], count: int = 1) -> float:
    """Seconds of so many calls."""
    started = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - started


def serve(workload: Workload, contender: str, lines: Iterable[str], send: Callable[[dict[str, Any]], None]) -> None:
    """Get a contender ready, send its answer, and measure it as often as a line asks for it."""
    try:
        peers.start(peers.peer_of(contender))
        started = time.perf_counter()
        ready = workload.contenders[contender]()
        found = ready.call()
        first = time.perf_counter() - started
    except (ImportError, MissingError) as error:
        send({"missing": str(error)})
        return
    send({"first": None if ready.figure else first, "answer": flat(ready.answer() if ready.answer else found)})
    del found
    for line in lines:
        send({"figure": ready.figure() if ready.figure else measured(ready.call, float(line))})


def python_and_machine() -> dict[str, str]:
    """What the figures are of."""
    import os
    import platform

    from autograd_lite.core import COMPILED

    name = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        lines = about.read_text(encoding="utf-8").splitlines()
        name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), name)
    return {
        "processor": name,
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "python": sys.version.split()[0],
        "core": "compiled" if COMPILED else "plain Python",
    }
