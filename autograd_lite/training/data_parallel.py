"""``fit(client=...)``: each step's gradients come from Dask's workers, which have the samples, and are added here."""

import array
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from autograd_lite import pytree
from autograd_lite._interrupts import uninterrupted
from autograd_lite.core.checks import describe
from autograd_lite.core.node import number, numbers_of
from autograd_lite.distributed.packing import Call, packed
from autograd_lite.distributed.partitions import key, partitions
from autograd_lite.errors import AnomalyError, ArgumentError, MissingDependencyError
from autograd_lite.nn.module import in_mode, unwrapped
from autograd_lite.optim import SGD, Optimizer
from autograd_lite.training import inputs
from autograd_lite.training.compiled import Task
from autograd_lite.training.epochs import Found, anomaly_at, old_objects_left_alone, step
from autograd_lite.training.evaluation import Measure, evaluated
from autograd_lite.training.progress import Progress

__all__ = ["Partitioned"]

#: From so many samples of each partition is seen whether a loss is a mean over samples.
_LOOKED_AT = 32


class Partitioned:
    """Samples that lie in partitions, with the model that is trained on them.

    Raises ``TypeError`` or ``ArgumentError`` for data that do not fit together, and for a loss or a metric that is no
    mean over samples, before anything is changed.
    """

    def __init__(
        self,
        client: Any,
        X: Any,
        y: Any,
        *,
        model: Callable[[Any], Any],
        loss: Measure,
        optimizer: Optimizer,
        metrics: Mapping[str, Measure],
    ) -> None:
        self._client = _checked(client)
        self._function, self._optimizer = (model, loss, dict(metrics)), optimizer
        call, values = self._packed()
        _check_model(model, optimizer, values)
        #: A Dask array of pairs, one a partition: its samples and its targets.
        self._pairs = partitions((X, y)).each(_pair, None)
        found = self._results(_looked_at, call)
        if not found:
            raise ArgumentError("X and y are empty; there must be one sample at least")
        for seen in found[1:]:
            inputs.check_alike(seen.sample, found[0].sample, "another partition of X", "the first one")
            inputs.check_alike(seen.target, found[0].target, "another partition of y", "the first one")
        #: How many samples there are.
        self.count = sum([seen.size for seen in found])
        #: One of them, and its target.
        self.first = found[0].sample, found[0].target

    def epochs(self, size: int, *, shuffle: bool, draws: random.Random, shown: Progress) -> "_Epochs":
        """The training in batches of so many."""
        return _Epochs(self, size, shuffle=shuffle, draws=draws, shown=shown)

    def epoch(self, size: int, *, shuffle: bool, draws: random.Random, epoch: int, shown: Progress) -> dict[str, float]:
        """Take a step for each batch; return the means of the loss and the metrics, measured before each step."""
        count = self._pairs.numblocks[0]
        if size < min(count, self.count):
            raise ArgumentError(
                f"batch_size is {size}, and there are {count} partitions, which each give a share of every batch; take "
                "larger batches or fewer partitions"
            )
        sums: dict[str, float] = {}
        call, values = self._packed()
        batches = math.ceil(self.count / size)
        seed = draws.getrandbits(63)
        for batch in range(batches):
            now = call._replace(numbers=array.array("d", numbers_of(values)))
            try:
                parts = self._results(_gradients, _Batch(now, batch, batches, seed, shuffle))
                self._take_step(values, parts)
            except AnomalyError as anomaly:
                raise anomaly_at(epoch, batch + 1, anomaly) from None
            for part in parts:
                for name, x in part.numbers.items():
                    sums[name] = sums.get(name, 0.0) + part.size * x
            shown.batch_done(epoch)
        return {name: total / self.count for name, total in sums.items()}

    def _packed(self) -> tuple[Call, list[Any]]:
        with in_mode(self._function[0], training=True):
            return packed(self._function, {})

    def _results(self, function: Callable[..., Any], work: Any) -> list[Any]:
        """What the function gives for each partition that has some samples, in their order."""
        import dask
        import numpy as np

        items = self._pairs.map_blocks(
            _item, function=function, work=dask.delayed(work, traverse=False), dtype=object, meta=np.empty(0, object),
            name=key(function),
        )  # fmt: skip
        return [found for found in self._client.compute(items, sync=True) if found is not None]

    def _take_step(self, values: Sequence[Any], parts: Sequence["_Part"]) -> None:
        """Move the parameters by the mean of the partitions' gradients, weighted by their samples."""
        import numpy as np

        count = sum([part.size for part in parts])
        total = np.zeros(len(values))
        for part in parts:
            total += part.size / count * np.frombuffer(part.gradients)
        self._optimizer.zero_grad()
        for value, gradient in zip(values, total.tolist(), strict=True):
            if not math.isfinite(gradient):
                raise AnomalyError(f"the gradient by {value.name or 'a parameter'} is {gradient}")
            value.grad = number(value.grad) + gradient
        with uninterrupted():
            self._optimizer.step()


class _Epochs:
    """The training, an epoch at a time, as :class:`training.epochs.Epochs` has it."""

    def __init__(self, parts: Partitioned, size: int, **settings: Any) -> None:
        self._parts, self._size, self._settings = parts, size, settings

    def begin(self, jit: Any, epochs: int, *, alone: bool) -> None:
        """Nothing: the workers run the model itself."""

    def end(self) -> None:
        """Nothing: each step is given to the parameters at once."""

    def run(self, epoch: int, most: int, found: list[Found]) -> None:
        """Train for an epoch."""
        started = time.perf_counter()
        numbers = self._parts.epoch(self._size, epoch=epoch, **self._settings)
        found.append(({name: [x] for name, x in numbers.items()}, [time.perf_counter() - started]))


def _checked(client: Any) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise MissingDependencyError('this needs Dask: pip install "autograd_lite[distributed]"') from None
    if not isinstance(client, Client) or client.asynchronous:
        raise TypeError(f"client is a dask.distributed.Client, and not asynchronous; got {describe(client)}")
    return client


def _check_model(model: Any, optimizer: Optimizer, values: Sequence[Any]) -> None:
    known = set(map(id, values))
    for group in optimizer.param_groups:
        for p in group["params"]:
            if id(p) not in known and p.requires_grad:
                raise ArgumentError(
                    f"the optimizer has {p.name or 'a parameter'}, which the model and the loss do not take along to "
                    "the workers. Make it part of a Module, or close over it in a function of the program itself"
                )
    module = unwrapped(model)
    for part in [] if module is None else module.modules():
        if any(isinstance(thing, random.Random) or hasattr(thing, "bit_generator") for thing in vars(part).values()):
            raise ArgumentError(
                f"{type(part).__name__} draws random numbers of its own, and each worker would draw the same ones. "
                "Leave out its rng: then the workers draw from seeds that fit's rng gives"
            )


# -- On a worker --


class _Batch(NamedTuple):
    """Which samples of each partition belong to a batch."""

    call: Call
    number: int
    #: How many there are in the epoch.
    of: int
    seed: int
    shuffle: bool

    def rows(self, count: int, partition: int) -> Any:
        """The batch's share of a partition of so many samples."""
        import numpy as np

        order = np.arange(count)
        if self.shuffle:
            order = np.random.default_rng([self.seed, partition]).permutation(count)
        return order[self.number * count // self.of : (self.number + 1) * count // self.of]


class _Seen(NamedTuple):
    """What a partition holds."""

    size: int
    sample: Any
    target: Any


class _Part(NamedTuple):
    """What a partition gives for a batch."""

    size: int
    numbers: dict[str, float]
    gradients: "array.array[float]"


def _pair(columns: list[Any], call: None) -> tuple[Any, Any]:
    X, y = columns
    if len(X) != len(y):
        raise ArgumentError(f"a partition of X has {len(X)} samples and that of y {len(y)}; they must be as many")
    return X, y


def _item(pairs: Any, *, function: Callable[..., Any], work: Any, block_id: tuple[int, ...]) -> Any:
    import numpy as np

    item = np.empty(1, object)
    item[0] = function(*pairs[0], work, block_id[0])
    return item


def _looked_at(X: Any, y: Any, call: Call, partition: int) -> _Seen | None:
    """Look at all samples of a partition, and with the first few whether the loss and the metrics are means."""
    if not len(X):
        return None
    samples, targets = inputs.checked(_as_list(X), _as_list(y), (f"partition {partition} of X", "that of y"))
    with call.opened() as ((model, loss, metrics), _, _):
        some = min(_LOOKED_AT, len(samples))
        for n, (name, measure) in enumerate({"the loss": loss, **metrics}.items()):
            what = name if n == 0 else f"the metric {name}"
            _check_mean(what, model, measure, samples[:some], targets[:some])
    return _Seen(len(samples), samples[0], targets[0])


def _check_mean(what: str, model: Any, measure: Measure, samples: list[Any], targets: list[Any]) -> None:
    half = len(samples) // 2
    if not half:
        return

    def total(start: int, stop: int) -> float:
        return (stop - start) * evaluated(model, samples[start:stop], targets[start:stop], measure, {})["loss"]

    whole, parts = total(0, len(samples)), [total(0, half), total(half, len(samples))]
    if abs(whole - sum(parts)) > 1e-6 * sum(map(abs, (whole, *parts))):
        raise ArgumentError(
            f"{what} is not the mean over samples that training on partitions takes it for: {whole} for "
            f"{len(samples)} samples, and {parts[0]} and {parts[1]} for the two halves. Take a loss with "
            "reduction='mean'; any other metric can be evaluated in a callback"
        )


def _gradients(X: Any, y: Any, batch: _Batch, partition: int) -> _Part | None:
    """What a batch's share of a partition gives: a step as in one process, by an optimiser that moves nothing."""
    rows = batch.rows(len(X), partition)
    if not len(rows):
        return None
    before = random.getstate()
    try:
        random.seed(f"{batch.seed} {batch.number} {partition}")  # for Dropout and its like
        with batch.call.opened() as ((model, loss, metrics), _, values), old_objects_left_alone():
            samples, targets = _floats(_taken(X, rows)), _taken(y, rows)
            task = Task(model, samples, targets, loss, SGD(values, lr=0.0), len(rows))
            numbers = step(task, samples, targets, metrics)
            return _Part(len(rows), numbers, array.array("d", [number(value.grad) for value in values]))
    finally:
        random.setstate(before)


def _as_list(part: Any) -> Any:
    """Part of a column, of pandas' say, as a list or an array."""
    if isinstance(part, (list, tuple)) or pytree.is_any_array(part):
        return part
    import numpy as np

    return np.asarray(part)


def _taken(part: Any, rows: Any) -> list[Any]:
    """Some of the rows, as lists."""
    items = _as_list(part)
    return [items[i] for i in rows.tolist()] if isinstance(items, (list, tuple)) else items[rows].tolist()


def _floats(samples: list[Any]) -> list[Any]:
    return pytree.map_leaves(float, samples)  # type: ignore[no-any-return]
