"""The command line: ``autograd-lite``, or ``python -m autograd_lite``."""

import io
import os
import sys
from collections.abc import Sequence

from autograd_lite.cli.parser import parsed
from autograd_lite.cli.usage import UsageError
from autograd_lite.errors import AutogradError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    0 is well. 1 is a failure, or a "no", as from a gradient check. 2 is wrong use, by argparse's custom.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for names that a terminal cannot show
    try:
        given = parsed(sys.argv[1:] if argv is None else argv)
        code: int = given.run(given)
        print(end="", flush=True)  # here, where a pipe that is closed can be caught
    except KeyboardInterrupt:
        print("autograd-lite: interrupted", file=sys.stderr)
        return 130  # as shells call an end by Ctrl-C
    except BrokenPipeError:  # the reader, such as `head -1`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        return 141  # as shells call an end by a closed pipe
    except AutogradError as error:
        print(f"autograd-lite: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"autograd-lite: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    return code
