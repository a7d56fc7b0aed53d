"""The whole of ``python -m benchmarks --accuracy``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.accuracy import bits, fpcore, strd, ulps
from benchmarks.accuracy.programs import HEAD, Program, judged, row

REMARK = """
A program that cancels loses digits in any engine. The last column counts the points with a derivative that is further
off than the rounding of the program explains; derivatives at kinks and jumps are left out.
"""


def programs(folders: Sequence[Path]) -> Iterator[Program | str]:
    """All that folders have: .fpcore files, and NIST's .dat files."""
    for folder in folders:
        if not folder.is_dir():
            yield f"{folder}: not a folder"
            continue
        for path in sorted(folder.rglob("*")):
            reader = {".fpcore": fpcore.programs, ".dat": strd.programs}.get(path.suffix.lower())
            if reader:
                yield from reader(path)


def main(folders: Sequence[Path], *, is_quick: bool = False) -> int:
    """Print the tables; 1 where bits differ, or a derivative is off by more than rounding explains."""
    print("# Bits: pure and compiled core, eager, compiled by each back end, and over rows\n")
    counts, differing = bits.compared(20 if is_quick else 200)
    for name, count in counts.items():
        print(f"  {name:20} {'the same bits' if not count else f'{count} programs differ'}")
    print("\n".join(differing))
    print("# Programs: errors in units in the last place, against 60 digits\n")
    mismatches: list[str] = []
    skipped = []
    print(HEAD)
    for program in programs(folders):
        if isinstance(program, str):
            skipped.append(program)
            continue
        judgement = judged(program)
        mismatches += judgement.mismatches
        print(row(program, judgement), flush=True)
    print(REMARK)
    print("\n".join([*(f"beyond rounding: {m}" for m in mismatches), *(f"skipped: {s}" for s in skipped)]))
    if not is_quick:
        print()
        ulps.main()
    return int(bool(mismatches or differing))
