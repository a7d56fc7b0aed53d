"""The options of every command, and its help. What a command needs is imported when it runs."""

import argparse
import importlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograd_lite._version import __version__
from autograd_lite.cli import usage

__all__ = ["parsed"]

#: The commands on an expression, followed by the values of its variables.
ON_EXPRESSIONS = ("grad", "check", "draw", "explain", "steps")


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """What a command line says. Its ``run`` is the command, which returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="autograd-lite",
        description="Derivatives of expressions, small neural networks on tables, and what is installed.",
        epilog="autograd-lite COMMAND --help explains a command, with examples.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"autograd-lite {__version__}")
    commands = parser.add_subparsers(metavar="command")
    for add in (_grad, _check, _draw, _explain, _steps, _train, _predict, _demo, _info):
        add(commands)
    given, others = parser.parse_known_args(_with_minus_kept(argv))
    if not hasattr(given, "run"):
        parser.error(f"a command is missing: {', '.join(commands.choices)}. Begin with: autograd-lite demo")
    # argparse takes the values of variables that stand behind an option for unknown ones.
    if others and not (hasattr(given, "at") and all(re.match(r"[^-]\w*=", other) for other in others)):
        given.parser.error(f"unrecognized arguments: {' '.join(others)}")
    if others:
        given.at += others
    return given


def _with_minus_kept(argv: Sequence[str]) -> list[str]:
    """An expression may begin with a minus, which argparse takes for that of an option, unless a space is before it."""
    if not argv or argv[0] not in ON_EXPRESSIONS:
        return list(argv)
    return [f" {arg}" if re.match(r"-(?!$|h$|o$|-[a-z]{2})", arg) else arg for arg in argv]


def _command(commands: Any, name: str, run: str, help: str, more: str, examples: str) -> argparse.ArgumentParser:
    """A command that ``module.function`` of this room runs."""
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}. {more}",
        epilog="examples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines()),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    command.set_defaults(run=_later(run), parser=command)
    return command


class _Help(argparse.RawDescriptionHelpFormatter):
    """Fills the description as usual, and leaves the examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def _later(run: str) -> Callable[[argparse.Namespace], int]:
    module, function = run.split(".")

    def command(given: argparse.Namespace) -> int:
        code: int = getattr(importlib.import_module(f"autograd_lite.cli.{module}"), function)(given)
        return code

    return command


def _with_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for programs")


def _on_expression(commands: Any, name: str, help: str, more: str, examples: str) -> argparse.ArgumentParser:
    command = _command(commands, name, f"calculus.{name}", help, more, examples)
    command.add_argument(
        "expression",
        metavar="EXPR",
        help="numbers, variables, pi, e, inf, + - * / // %% **, comparisons, and this package's functions: "
        "sin, exp, where(x > 0, a, b), logsumexp([x, y]) ... Quote it, as the shell has a use of its own for * and ()",
    )
    command.add_argument(
        "at", metavar="x=NUMBER", nargs="*", help="the value of each variable, such as x=2, y=-1e3 or t=pi/2"
    )
    return command


def _grad(commands: Any) -> None:
    command = _on_expression(
        commands,
        "grad",
        "compute the value and the gradient of an expression",
        "All digits are printed that tell a float from its neighbours. In JSON nan and inf are strings.",
        """
autograd-lite grad "x**2 * sin(y)" x=2 y=1
autograd-lite grad "exp(-x**2)" x=0.5 --hessian
autograd-lite grad "where(x > 0, log(x), 0)" x=0 --json
""",
    )
    command.add_argument("--hessian", action="store_true", help="the second derivatives too")
    _with_json(command)


def _check(commands: Any) -> None:
    command = _on_expression(
        commands,
        "check",
        "check first and second derivatives of an expression against an independent oracle",
        "The oracle is finite differences, and 60 digits where they cannot tell. The exit code is 1 unless all agree.",
        """
autograd-lite check "x**2 * sin(y)" x=2 y=1
autograd-lite check "abs(x)" x=0; echo $?
""",
    )
    _with_json(command)


def _draw(commands: Any) -> None:
    command = _on_expression(
        commands,
        "draw",
        "draw the graph of an expression, with its gradients",
        "SVG, PNG and PDF need Graphviz; DOT is text.",
        """
autograd-lite draw "tanh(w*x + b)" w=0.5 x=2 b=-1 -o neuron.svg
autograd-lite draw "x*x" x=3 -o graph.dot
""",
    )
    command.add_argument(
        "-o", dest="out", metavar="FILE", type=usage.drawing, default=Path("graph.svg"), help="the drawing (graph.svg)"
    )


def _explain(commands: Any) -> None:
    command = _on_expression(
        commands,
        "explain",
        "show along which paths through an expression a derivative comes about",
        "Each path contributes the product of the slopes along it; the derivative is their sum.",
        """
autograd-lite explain "x * sin(x)" x=2
autograd-lite explain "x*y + y*exp(x)" x=1 y=2 --wrt y --top 3
""",
    )
    command.add_argument("--wrt", metavar="NAME", help="the variable to differentiate by (each in turn)")
    command.add_argument("--top", metavar="N", type=usage.positive, default=10, help="the largest N paths (10)")
    _with_json(command)


def _steps(commands: Any) -> None:
    command = _on_expression(
        commands,
        "steps",
        "show step by step how a value, and then its gradients, come about",
        "As text, or as a page to click through.",
        """
autograd-lite steps "tanh(w*x + b)" w=0.5 x=2 b=-1
autograd-lite steps "tanh(w*x + b)" w=0.5 x=2 b=-1 -o steps.html
""",
    )
    command.add_argument(
        "-o", dest="out", metavar="FILE", type=usage.output, help="a page to write, such as steps.html"
    )


def _table(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "data", metavar="DATA", help="a CSV file (by comma, semicolon or tab, names of columns first) or a Parquet "
        "file; - reads standard input",
    )  # fmt: skip
    command.add_argument(
        "--encoding", metavar="NAME", help="of a CSV file, such as latin-1 (UTF-8, and UTF-16 if it is marked)"
    )


def _train(commands: Any) -> None:
    command = _command(
        commands,
        "train",
        "training.train",
        "train a neural network on the rows of a table",
        "It learns one column, the target, from the others: classes if the target is text or a few whole numbers, "
        "else a number. Numbers are standardised, categories encoded; a missing value is an error that says where. "
        "Part of the rows is held out, and the score is that of those.",
        """
autograd-lite train iris.csv --target species --save model.json
autograd-lite train houses.csv --target price --hidden 32,32 --epochs 300 --ignore id,address
cat data.csv | autograd-lite train - --target y --task regression --save - > model.json
""",
    )
    _table(command)
    command.add_argument("--target", metavar="COLUMN", required=True, help="the column to learn")
    command.add_argument(
        "--task", choices=("classification", "regression"), help="instead of what the target looks like"
    )
    command.add_argument("--ignore", metavar="A,B", default="", help="columns to leave out, such as an id")
    command.add_argument(
        "--hidden", metavar="SIZES", type=usage.layer_sizes, default=[16, 16],
        help='the sizes of the hidden layers (16,16); "" for none, a linear model',
    )  # fmt: skip
    command.add_argument(
        "--epochs", metavar="N", type=usage.positive, default=100, help="how often to go through the rows (100)"
    )
    command.add_argument("--batch-size", metavar="N", type=usage.positive, default=32, help="rows for each step (32)")
    command.add_argument("--lr", metavar="RATE", type=usage.positive_float, default=0.01, help="of Adam (0.01)")
    command.add_argument(
        "--held-out", metavar="SHARE", type=usage.share, default=0.2, help="of the rows; 0 learns from all (0.2)"
    )
    command.add_argument("--seed", metavar="N", type=int, default=1, help="of weights, rows held out and order (1)")
    command.add_argument(
        "--save",
        metavar="FILE",
        type=usage.output,
        help="the model with all that predict needs, as JSON; - writes standard output",
    )
    _with_json(command)


def _predict(commands: Any) -> None:
    command = _command(
        commands,
        "predict",
        "prediction.predict",
        "predict a line for each row of a table, with a model that train saved",
        "It writes CSV, a line for each row in their order: a column prediction, and for classes their probabilities. "
        "The target may be among the columns or not; columns that the model does not know are ignored.",
        """
autograd-lite predict model.json new.csv -o predictions.csv
autograd-lite predict model.json new.csv | paste -d , new.csv -
""",
    )
    command.add_argument("model", metavar="MODEL", help="a file that train wrote with --save")
    _table(command)
    command.add_argument(
        "-o", dest="out", metavar="FILE", type=usage.output, default="-", help="where to write (standard output)"
    )


def _demo(commands: Any) -> None:
    command = _command(
        commands,
        "demo",
        "demos.run",
        "train a small model, report its accuracy, and draw one neuron",
        "iris: Fisher's flowers. moons: micrograd's demo. xor: four points that no line divides. digits: 1,797 images "
        "of 8 by 8 pixels, which come with scikit-learn.",
        """
autograd-lite demo
autograd-lite demo moons --epochs 50 --out neuron.png
""",
    )
    command.add_argument("name", nargs="?", choices=("iris", "moons", "xor", "digits"), default="iris",
                         help="which data set (iris)")  # fmt: skip
    command.add_argument("--seed", type=int, default=1, help="seed of the weights and of the order of the data (1)")
    command.add_argument("--epochs", type=usage.positive, help="how often to go through the data")
    command.add_argument(
        "--out", type=usage.drawing, default=Path("neuron.svg"), help="the drawing, SVG, PNG, PDF or DOT (neuron.svg)"
    )


def _info(commands: Any) -> None:
    command = _command(
        commands,
        "info",
        "demos.info",
        "say what is installed, and whether the core runs compiled",
        "Versions, back ends of jit, what draws; what is missing, and what brings it.",
        """
autograd-lite info
autograd-lite info --json
""",
    )
    _with_json(command)
