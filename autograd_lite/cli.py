"""The command line: ``python -m autograd_lite demo``, or ``autograd-lite demo``; and ``info``."""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from autograd_lite import demo
from autograd_lite._info import info
from autograd_lite._version import __version__
from autograd_lite.drawing.picture import FORMATS
from autograd_lite.errors import AutogradError

__all__ = ["main"]

DEMOS = {"iris": demo.iris, "moons": demo.moons}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = _parser().parse_args(argv)
    try:
        given.run(given)
        print(end="", flush=True)  # here, where a pipe that is closed can be caught
    except KeyboardInterrupt:
        print("autograd-lite: interrupted", file=sys.stderr)
        return 130  # as shells call an end by Ctrl-C
    except BrokenPipeError:  # the reader, such as `head -1`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        return 141  # as shells call an end by a closed pipe
    except (AutogradError, OSError) as error:
        print(f"autograd-lite: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="autograd-lite", description="A scalar automatic differentiation engine.")
    parser.add_argument("--version", action="version", version=f"autograd-lite {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("demo", help="train a small model, report its accuracy, and draw one neuron")
    command.add_argument("name", nargs="?", choices=DEMOS, default="iris", help="which data set (iris)")
    command.add_argument("--seed", type=int, default=1, help="seed of the weights and of the order of the data (1)")
    command.add_argument("--epochs", type=_positive, help="how often to go through the data")
    command.add_argument(
        "--out", type=_drawing, default=Path("neuron.svg"), help=f"the drawing: {', '.join(FORMATS)} (neuron.svg)"
    )
    command.set_defaults(run=_demo)
    command = commands.add_parser("info", help="say what is installed, and whether the core runs compiled")
    command.add_argument("--json", action="store_true", help="as JSON, for programs")
    command.set_defaults(run=_info)
    return parser


def _demo(given: argparse.Namespace) -> None:
    options = {} if given.epochs is None else {"epochs": given.epochs}
    DEMOS[given.name](seed=given.seed, out=given.out, **options)


def _info(given: argparse.Namespace) -> None:
    found = info()
    print(json.dumps(dataclasses.asdict(found), indent=2) if given.json else found)


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 up, not {text!r}")
    return number


def _drawing(text: str) -> Path:
    path = Path(text)
    if path.suffix.removeprefix(".").lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"a path that ends in .{', .'.join(FORMATS)}, not {text!r}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder")
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.absolute().parent}")
    return path
