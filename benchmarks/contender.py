"""The process of one contender: ``python -m benchmarks.contender MODULE WORKLOAD CONTENDER``, run by measure.py."""

import importlib
import json
import os
import sys
from typing import Any

from benchmarks import measure


def main() -> None:
    """Talk in lines of JSON; what a library prints goes to the standard error."""
    module, name, contender = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    workloads = importlib.import_module(module).WORKLOADS
    workload = next(each for each in workloads if each.name == name)
    measure.serve(workload, contender, iter(sys.stdin.readline, ""), send)


if __name__ == "__main__":
    main()
