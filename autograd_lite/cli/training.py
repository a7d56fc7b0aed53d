"""The command train: from a table to a model, with its score on rows that it has not seen."""

import argparse
import contextlib
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from autograd_lite import data, nn
from autograd_lite.cli.columns import inputs_of, target_of
from autograd_lite.cli.models import TableModel, made
from autograd_lite.cli.output import print_json, write_out
from autograd_lite.cli.tables import Table, listed, read_table
from autograd_lite.cli.usage import UsageError
from autograd_lite.errors import AnomalyError, ArgumentError

__all__ = ["train"]


def train(given: argparse.Namespace) -> int:
    """Train a network on a table, say how good it is, and save it."""
    if given.json and given.save == "-":
        raise UsageError("--json and --save - both write to standard output; give --save a file")
    is_taken = given.json or given.save == "-"
    with contextlib.redirect_stdout(sys.stderr) if is_taken else contextlib.nullcontext():
        model, found = _trained(given)
    if given.json:
        print_json(found)
    content = model.as_json()
    if given.save is not None:
        write_out(given.save, content, file=sys.stderr if is_taken else sys.stdout)
    elif not given.json:
        print("not saved; --save model.json keeps the model for autograd-lite predict")
    return 0


def _trained(given: argparse.Namespace) -> tuple[TableModel, dict[str, Any]]:
    """The model, and what is to know about it as a dict for JSON. Prints on the way."""
    table = read_table(given.data, given.encoding)
    names = _inputs(table, given.target, given.ignore)
    learned, held_out = _parts(len(table.rows), given.held_out, given.seed)
    target, wanted, why = target_of(table, given.target, given.task, learned)
    inputs, notes = inputs_of(table, names, learned)
    for note in notes:
        print(f"autograd-lite: note: {note}", file=sys.stderr)
    model = made(target, inputs, given.hidden, given.seed)
    print(f"{table.source}: {len(table.rows):,} rows, {len(learned):,} to learn from and {len(held_out):,} held out")
    print(f"inputs: {listed([column.name for column in inputs])}")
    print(f"{target.task} of {target.name}, {why}")
    samples = model.encoded(table)
    epochs = _fit(model, [samples[i] for i in learned], [wanted[i] for i in learned], given)
    found = {
        "rows": len(table.rows),
        "held_out": len(held_out),
        "task": target.task,
        "target": target.name,
        "classes": list(target.classes),
        "inputs": [column.name for column in inputs],
        "epochs": epochs,
    }
    if held_out:
        scores = model.scores([samples[i] for i in held_out])
        score = _accuracy if target.classes else _errors
        found |= score(model, scores, [wanted[i] for i in held_out], [wanted[i] for i in learned])
    return model, found


def _inputs(table: Table, target: str, ignored: str) -> list[str]:
    """The columns to learn from, whether named or not."""
    left_out = [name.strip() for name in ignored.split(",") if name.strip()]
    for name in [target, *left_out]:
        table.column(name)
    return [name for name in table.names if name != target and name not in left_out]


def _parts(count: int, share: float, seed: int) -> tuple[Sequence[int], Sequence[int]]:
    """The rows to learn from, and those held out."""
    if share == 0.0:
        return range(count), []
    rows = list(range(count))
    if not 0 < round(share * count) < count:
        raise ArgumentError(f"--held-out {share} of {count:,} rows leaves a part empty; --held-out 0 learns from all")
    learned, _, held_out, _ = data.split(rows, rows, held_out=share, rng=random.Random(seed))
    return learned, held_out


def _fit(model: TableModel, samples: list[list[float]], wanted: list[Any], given: argparse.Namespace) -> int:
    """Train the network; how many epochs it was, as Ctrl-C ends it early."""
    from autograd_lite import optim, training

    target, network = model.target, model.network
    codes = {label: i for i, label in enumerate(target.classes)}
    targets = [codes[label] if codes else (label - target.mean) / target.scale for label in wanted]
    try:
        history = training.fit(
            network,
            samples,
            targets,
            loss=nn.cross_entropy if codes else nn.mse_loss,
            optimizer=optim.Adam(network.parameters(), lr=given.lr),
            epochs=given.epochs,
            batch_size=min(given.batch_size, len(samples)),
            rng=random.Random(given.seed),
        )
    except AnomalyError as error:
        raise AnomalyError(f"{error}; a smaller --lr may help") from None
    if history.epochs == 0:  # Ctrl-C, before anything was learned
        raise KeyboardInterrupt
    return history.epochs


def _accuracy(model: TableModel, scores: list[list[float]], right: list[str], learned: list[str]) -> dict[str, float]:
    """The share of classes that are right, beside that of the most frequent class."""
    guesses = [model.target.classes[max(range(len(row)), key=row.__getitem__)] for row in scores]
    accuracy = sum(map(str.__eq__, guesses, right)) / len(right)
    frequent, _ = Counter(learned).most_common(1)[0]
    baseline = right.count(frequent) / len(right)
    print(f"held out: accuracy {accuracy:.1%}; always saying {frequent} has {baseline:.1%}")
    return {"accuracy": accuracy, "baseline_accuracy": baseline}


def _errors(
    model: TableModel, scores: list[list[float]], right: list[float], learned: list[float]
) -> dict[str, float | None]:
    """The root of the mean squared error, beside that of always saying the mean; the share of variance explained."""
    count = math.sqrt(len(right))
    rmse = math.hypot(*[x - y for (x,), y in zip(scores, right, strict=True)]) / count
    mean = math.fsum(x / len(learned) for x in learned)
    baseline = math.hypot(*[mean - y for y in right]) / count
    own_mean = math.fsum(x / len(right) for x in right)
    spread = math.hypot(*[own_mean - y for y in right]) / count
    r2 = 1.0 - (rmse / spread) ** 2 if spread else None
    shown = "" if r2 is None else f", R2 {r2:.3f}"
    print(f"held out: RMSE {rmse:.4g}{shown}; always saying the mean has RMSE {baseline:.4g}")
    return {"rmse": rmse, "r2": r2, "baseline_rmse": baseline}
