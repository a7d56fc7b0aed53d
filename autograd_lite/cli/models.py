"""A network for tables: it takes the rows as they are, and is kept in a file with all that it needs for that."""

import itertools
import math
import random
from typing import Any, NamedTuple

from autograd_lite import nn
from autograd_lite._version import __version__
from autograd_lite.cli.columns import CategoryColumn, NumberColumn, Target
from autograd_lite.cli.tables import Table
from autograd_lite.errors import ArgumentError, StateError
from autograd_lite.nn.state import as_json, contents

__all__ = ["TableModel", "loaded", "made"]

VERSION = 1
#: More would take hours where each number is a number of its own.
MOST_WEIGHTS = 100_000


class TableModel(NamedTuple):
    """A network, the columns that it takes, and what it gives."""

    target: Target
    inputs: list[NumberColumn | CategoryColumn]
    hidden: list[int]
    network: nn.MLP

    def encoded(self, table: Table) -> list[list[float]]:
        """The inputs of the network for each row. Raises ``ArgumentError`` for what is missing or cannot be taken."""
        missing = [column.name for column in self.inputs if column.name not in table.names]
        if missing:
            table.column(missing[0] if len(missing) == 1 else ", ".join(missing))
        parts = [column.encoded(table) for column in self.inputs]
        return [[x for part in row for x in part] for row in zip(*parts, strict=True)]

    def scores(self, samples: list[list[float]]) -> list[list[float]]:
        """For each sample the probability of each class, or the number in a list of one."""
        from autograd_lite.functions import softmax
        from autograd_lite.training import predict

        outputs = predict(self.network, samples)
        for i, output in enumerate(outputs, 1):
            if not all(map(math.isfinite, output if self.target.classes else [output])):
                raise ArgumentError(
                    f"the prediction for row {i} is nan or infinite: the row is far from those of the training"
                )
        if self.target.classes:
            return [softmax(output) for output in outputs]
        return [[output * self.target.scale + self.target.mean] for output in outputs]

    def as_json(self) -> bytes:
        """The file: a state as ``Module.save`` writes, with the columns beside it."""
        table = {
            "version": VERSION,
            "written_by": f"autograd-lite train {__version__}",
            "task": self.target.task,
            "target": self.target._asdict(),
            "inputs": [column._asdict() for column in self.inputs],
            "hidden": self.hidden,
        }
        return as_json(self.network.state_dict(), repr(self.network), table=table)


def made(target: Target, inputs: list[NumberColumn | CategoryColumn], hidden: list[int], seed: int) -> TableModel:
    """A network that has learned nothing yet. Raises ``ArgumentError`` if it would be too large."""
    sizes = _sizes(target, inputs, hidden)
    if _weights(sizes) > MOST_WEIGHTS:
        raise ArgumentError(
            f"with {sizes[0]:,} inputs and hidden layers of {hidden} the network would have {_weights(sizes):,} "
            f"weights, and at most {MOST_WEIGHTS:,} are trained here; shorten --hidden, or leave columns out: --ignore"
        )
    network = nn.MLP(sizes[0], sizes[1:], activation="tanh", init="xavier_uniform", rng=random.Random(seed))
    return TableModel(target, inputs, hidden, network)


def loaded(path: str) -> TableModel:
    """The model in a file. Raises ``StateError`` for one that ``train`` did not write; nothing in it is executed."""
    try:
        content = contents(path, MOST_WEIGHTS)
        table = content.get("table")
        if not isinstance(table, dict):
            raise StateError(f"{path} is a state without the columns of a table")
        if table.get("version") != VERSION:
            raise StateError(f"{path} is of version {str(table.get('version'))[:20]}; this release reads {VERSION}")
        target, inputs, hidden = _read(table, path)
        # Before the network is made: a file of a few bytes may say that it is large.
        if _weights(_sizes(target, inputs, hidden)) != len(content["state"]):
            raise StateError(f"{path} has {len(content['state']):,} weights, which is not what its columns need")
        model = made(target, inputs, hidden, 0)
        model.network.load_state_dict(content["state"])
    except StateError as error:
        raise StateError(f"{error}. A model for predict is what autograd-lite train --save wrote") from None
    return model


def _read(table: dict[str, Any], path: str) -> tuple[Target, list[NumberColumn | CategoryColumn], list[int]]:
    """What stands in a file beside the state, each piece checked."""
    match table:
        case {
            "target": {"name": str(name), "classes": list(classes), "mean": mean, "scale": scale},
            "inputs": [_, *_] as inputs,
            "hidden": list(hidden),
        } if _are_texts(classes) and len(classes) != 1 and _is_scaling(mean, scale) and all(map(_is_size, hidden)):
            target = Target(name, tuple(classes), float(mean), float(scale))
            columns = [_column(found, path) for found in inputs]
            if len({column.name for column in columns}) == len(columns):
                return target, columns, hidden
    raise StateError(f"{path}: what it says of its columns and layers cannot be read")


def _column(found: Any, path: str) -> NumberColumn | CategoryColumn:
    match found:
        case {"name": str(name), "mean": mean, "scale": scale} if _is_scaling(mean, scale):
            return NumberColumn(name, float(mean), float(scale))
        case {"name": str(name), "values": [_, *_] as values} if _are_texts(values):
            return CategoryColumn(name, tuple(values))
    raise StateError(f"{path}: what it says of an input cannot be read: {str(found)[:60]}")


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def _is_scaling(mean: Any, scale: Any) -> bool:
    numbers = [x for x in (mean, scale) if isinstance(x, (int, float)) and abs(x) < 1e308 and not isinstance(x, bool)]
    return len(numbers) == 2 and scale > 0


def _is_size(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= MOST_WEIGHTS


def _sizes(target: Target, inputs: list[NumberColumn | CategoryColumn], hidden: list[int]) -> list[int]:
    return [sum(column.width for column in inputs), *hidden, len(target.classes) or 1]


def _weights(sizes: list[int]) -> int:
    return sum((nin + 1) * nout for nin, nout in itertools.pairwise(sizes))
