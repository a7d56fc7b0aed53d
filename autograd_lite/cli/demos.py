"""The commands demo and info."""

import argparse
import dataclasses

from autograd_lite.cli.output import print_json

__all__ = ["info", "run"]


def run(given: argparse.Namespace) -> int:
    """Run a demo by its name."""
    from autograd_lite import demo

    options = {} if given.epochs is None else {"epochs": given.epochs}
    getattr(demo, given.name)(seed=given.seed, out=given.out, **options)
    return 0


def info(given: argparse.Namespace) -> int:
    """Print what is installed."""
    from autograd_lite._info import info as found_here

    found = found_here()
    if given.json:
        print_json(dataclasses.asdict(found))
    else:
        print(found)
    return 0
