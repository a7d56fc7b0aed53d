"""Training in the compiled core: what a model, a loss and an optimiser do, as programs over flat arrays.

A model is recorded for one sample, a loss for the outputs and targets of a batch. Where one of them cannot be recorded,
or does what a recording does not have, the loop in Python trains as ever: what is here is only faster.
"""

import array
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite import pytree
from autograd_lite.core import COMPILED, modes
from autograd_lite.core.checks import is_real
from autograd_lite.core.loops import Several
from autograd_lite.core.node import number, numbers_of
from autograd_lite.core.value import Value
from autograd_lite.jit.backends.rows import over_rows
from autograd_lite.jit.batch import Place, template_of
from autograd_lite.jit.closures import Environment
from autograd_lite.jit.columns import columns_of
from autograd_lite.jit.compiled import Compiled
from autograd_lite.jit.passes import gather_sums, relax_strong_zeros, share_exponentials
from autograd_lite.jit.program import Program
from autograd_lite.optim import Optimizer
from autograd_lite.optim.programs import parts_of

if COMPILED or TYPE_CHECKING:
    from autograd_lite.core.rows import Columns, Rows
    from autograd_lite.core.step import Loss, Rule, Status, Step
    from autograd_lite.core.vm import Code
if TYPE_CHECKING:
    from autograd_lite.jit.cache import Path

__all__ = ["NotCompiledError", "Predictor", "Task", "Trainer"]


class NotCompiledError(Exception):
    """Why a training is for the loop in Python."""


class Task(NamedTuple):
    """What is trained, in batches of so many samples."""

    model: Callable[[Any], Any]
    samples: list[Any]
    targets: list[Any]
    loss: Callable[[Any, Any], Any]
    optimizer: Optimizer
    size: int


class Trainer:
    """Steps of a training. Raises ``NotCompiledError`` where it cannot be compiled."""

    def __init__(self, task: Task) -> None:
        if not COMPILED:
            raise NotCompiledError("the core is not compiled")
        mode = modes.current()
        if mode.anomaly or not mode.interpreter.is_eager or not mode.grad_enabled:
            raise NotCompiledError("the mode is not the usual one")
        self.optimizer, self.size, self.count = task.optimizer, min(task.size, len(task.samples)), len(task.samples)
        self._model, self._loss = task.model, task.loss
        self._check_optimizer()
        self._samples, self._wanted = columns_of([task.samples, task.targets])
        self._careful = False
        self.begin()

    # -- What is recorded --

    def begin(self) -> None:
        """Record the model and the loss, and begin with the numbers as they are."""
        self._variant = _recorded(self._model, (self._samples.row(0),))
        path = self._variant.latest
        self._template = _numbers_in(template_of(path, {}))
        self._loss_variants = {n: self._recorded_loss(path, n) for n in self._sizes()}
        self._params = self._reached(path)
        self._build()

    def _sizes(self) -> list[int]:
        """How many samples the batches have."""
        return sorted({self.size, self.count % self.size or self.size})

    def _recorded_loss(self, path: "Path", samples: int) -> Any:
        """The loss of the first so many samples."""
        targets = [self._wanted.row(row) for row in range(samples)]
        answer = path.recording.traced_results()
        variant = _recorded(self._loss, ([self._output(path, answer) for _ in targets], targets))
        if variant.latest.recording.guards():  # so it has to be recorded at the outputs of these samples
            outputs = [self._output(path, self._answer(path, row)) for row in range(samples)]
            variant = _recorded(self._loss, (outputs, targets))
        results = variant.latest.recording
        if len(results.nodes) != 1 or results.floats:
            raise NotCompiledError("the loss is not one Value")
        return variant

    def _answer(self, path: "Path", row: int) -> Sequence[float]:
        """The results of the model for a sample."""
        numbers = pytree.flatten(self._samples.row(row))[0]
        answer = path.recording.values().run(*numbers, *numbers_of(path.closed_over))
        if type(answer) is int:
            raise NotCompiledError("the samples of the first batch take several branches")
        return answer  # type: ignore[no-any-return]

    def _output(self, path: "Path", answer: Sequence[float]) -> Any:
        """Results as the loss takes them: Values where they depend on parameters."""
        first = len(path.recording.floats)
        leaves = [
            leaf if not isinstance(leaf, Place)
            else Value(answer[leaf.position]) if leaf.position >= first else answer[leaf.position]
            for leaf in self._template[0]
        ]  # fmt: skip
        return self._template[1].unflatten(leaves)

    def _reached(self, path: "Path") -> list[Value]:
        """The parameters that are trained, in the order of their groups."""
        reached = {id(p) for p in self._operands(path)}
        for variant in self._loss_variants.values():
            reached |= {id(p) for p in self._operands(variant.latest)}
        groups = self.optimizer.param_groups
        params = [p for group in groups for p in group["params"] if id(p) in reached]
        if len(params) < len(reached) or any(type(p) is not Value for p in params):
            raise NotCompiledError("a gradient goes to what is not trained, or to Values of a class of its own")
        return params

    @staticmethod
    def _operands(path: "Path") -> list[Value]:
        """The closed-over Values that gradients reach."""
        return [value for value in path.operands if value is not None]

    def holds(self) -> bool:
        """Whether all is as it was recorded."""
        variants = [self._variant, *self._loss_variants.values()]
        return (
            all(variant.environment.holds() for variant in variants)
            and self.optimizer._state is self._state
            and self._settings == _settings(self.optimizer)
        )

    # -- What runs --

    def _build(self) -> None:

        path = self._variant.latest
        draws = path.recording.tracer.draws or {}
        own = set(map(id, self._params))
        self._others = [value for value in path.closed_over if id(value) not in own and value not in draws]
        self._draws = [draws[value] for value in path.closed_over if value in draws]
        columns = Columns(self.count)
        columns.add(self._samples.buffer, self._samples.width)
        self._drawn = array.array("d", bytes(8 * self.count * len(self._draws)))
        if self._draws:
            columns.add(self._drawn, len(self._draws))
        nodes = {leaf.position: i for i, leaf in enumerate(self._template[0]) if isinstance(leaf, Place)}
        first = len(path.recording.floats)
        seeded = [nodes[first + i] for i in range(len(path.recording.nodes))]
        self._rules = self._made_rules()
        self._step: Step = Step(
            self._rows(path, draws), self._shared(), columns, self._wanted.buffer, self._wanted.width, seeded,
            self._params, [rule for rule, _, _, _ in self._rules], self.size,
        )  # fmt: skip
        for samples, variant in self._loss_variants.items():
            self._step.add_loss(self._made_loss(samples, variant.latest))
        self._state, self._settings = self.optimizer._state, _settings(self.optimizer)

    def _shared(self) -> list[float]:
        """What is the same for all samples: the parameters, then what else the model closes over."""
        return numbers_of([*self._params, *self._others])

    def _rows(self, path: "Path", draws: Any) -> "Rows":
        """The model with its adjoints: from a sample, the random numbers, what is shared, and the adjoints."""
        recording = path.recording
        width, closed = self._samples.width, len(path.closed_over)
        place = {id(value): width + i for i, value in enumerate(path.closed_over)}
        seeds = range(width + closed, width + closed + len(recording.nodes))
        order: list[int | None] = [*range(width), *(place[id(value)] for value in path.closed_over if value in draws)]
        shared = [place.get(id(value)) for value in (*self._params, *self._others)]
        program = recording.results_and_pull([*order, *shared, *seeds])
        count = len(recording.floats) + len(recording.nodes)
        gradient = dict(zip(map(id, self._operands(path)), program.outputs[count:], strict=True))
        leaves = self._template[0]
        outputs = [program.outputs[leaf.position] if isinstance(leaf, Place) else float(leaf) for leaf in leaves]
        program = replace(program, outputs=(*outputs, *(gradient.get(id(p), 0.0) for p in self._params)))
        _check_plain(program)
        if not self._careful:
            program = share_exponentials(gather_sums(relax_strong_zeros(program)))
        by_row = [*[True] * len(order), *[False] * len(shared), *[True] * len(seeds)]
        return Rows(
            by_row, program.instructions, program.outputs, program.guards,
            results=len(leaves), late=len(seeds), checked=program.checked,
        )  # fmt: skip

    def _made_loss(self, samples: int, path: "Path") -> "Loss":

        recording = path.recording
        program = recording.results_and_gradient()
        _check_plain(program)
        count = len(program.inputs) - len(path.closed_over)
        at = {place: 1 + i for i, place in enumerate(recording.places)}
        params = {id(p): i for i, p in enumerate(self._params)}
        own = [(params.get(id(v), -1), at.get(count + i, -1)) for i, v in enumerate(path.closed_over)]
        return Loss(
            samples,
            Code(len(program.inputs), program.instructions, program.outputs, program.guards),
            [at.get(i, -1) for i in range(samples * len(self._template[0]))],
            own,
            numbers_of(path.closed_over),
        )

    # -- The rules --

    def _check_optimizer(self) -> None:
        kind = type(self.optimizer)
        if any(getattr(kind, name) is not getattr(Optimizer, name) for name in ("step", "zero_grad", "_computed")):
            raise NotCompiledError("the optimiser steps in a way of its own")
        if "step" in vars(self.optimizer) or "zero_grad" in vars(self.optimizer):
            raise NotCompiledError("the optimiser steps in a way of its own")

    def _made_rules(self) -> list[tuple["Rule", Any, list[Value], dict[str, Any]]]:

        optimizer, made, start = self.optimizer, [], 0
        own, known, blank = set(map(id, self._params)), optimizer._states(), tuple(optimizer.memory.values())
        for group in optimizer.param_groups:
            params = [p for p in group["params"] if id(p) in own]
            if not params:
                continue
            settings = {name: group[name] for name in optimizer.defaults if name != "lr"}
            parts = parts_of(type(optimizer).rule, settings, len(blank))
            states = [tuple(known.get(p, blank)) for p in params]
            if parts is None or "lr" not in group or any(type(x) is not float for state in states for x in state):
                raise NotCompiledError("the rule of the optimiser is no program")
            clocks = {tuple([state[i] for i in parts.clocks]) for state in states}
            if len(clocks) > 1:
                raise NotCompiledError("the parameters have made different numbers of steps")
            given = parts.own.inputs - 2 - len(parts.others)
            by_row = [True] * (2 + len(parts.others)) + [False] * given
            rule = Rule(
                start, len(params), Code(*parts.shared),
                Rows(by_row, parts.own.instructions, parts.own.outputs, results=len(parts.own.outputs)), given,
                group["lr"], next(iter(clocks)), [[state[i] for state in states] for i in parts.others],
            )  # fmt: skip
            made.append((rule, parts, params, group))
            start += len(params)
        return made

    # -- Running --

    def refresh(self) -> None:
        """Take the numbers and learning rates as they are now; record anew if more has changed."""
        if not self.holds():
            self.begin()
            return
        self._step.set_shared(self._shared())
        for rule, _, _, group in self._rules:
            rule.set_rate(group["lr"])

    def reload(self) -> None:
        """Go on after a step in Python."""
        self._build()

    def draw(self, order: Sequence[int]) -> None:
        """Draw the random numbers of an epoch, sample by sample in their order."""
        count = len(self._draws)
        for sample in order if count else ():
            self._drawn[sample * count : (sample + 1) * count] = array.array("d", [draw() for draw in self._draws])

    @property
    def has_draws(self) -> bool:
        """Whether the model draws random numbers."""
        return bool(self._draws)

    def run(self, order: Any, start: int, stop: int, losses: list[float]) -> int:
        """Steps for the samples from start to stop, in an order that may go over several epochs, or as they are.

        Adds the loss of each. Returns how far it came: the next step, if there is one, is for Python.
        """
        found = array.array("d", bytes(8 * (-(-self.count // self.size) * -(-(stop - start) // self.count) + 1)))
        while True:
            start, count, status = self._step.run(order, start, stop, self.count, found)
            losses += found[:count]
            if status != Status.UNSURE or self._careful:
                return start
            # A number that is multiplied by 0 was not finite: from now on every product is looked at.
            self.write()
            self._careful = True
            self._build()

    def outputs(self, samples: int) -> list[Any]:
        """The outputs of the latest step as the model gives them, as plain numbers."""
        numbers, width = self._step.latest_outputs(samples), len(self._template[0])
        return [self._template[1].unflatten(numbers[i * width : (i + 1) * width]) for i in range(samples)]

    def write(self, *, with_gradients: bool = True) -> None:
        """Give the parameters and the optimiser the numbers as they are now."""
        states = dict(self.optimizer._states())
        for rule, parts, params, _ in self._rules:
            clocks, others = rule.states()
            for k, p in enumerate(params):
                state = [0.0] * (len(parts.clocks) + len(parts.others))
                for i, x in zip(parts.clocks, clocks, strict=True):
                    state[i] = x
                for i, column in zip(parts.others, others, strict=True):
                    state[i] = column[k]
                states[p] = state
        self._step.write(with_gradients)
        self.optimizer._state = self._state = states


def _check_plain(program: Program) -> None:
    if any(isinstance(op, Several) for op, _ in program.instructions):
        raise NotCompiledError("it has a scan, fori_loop or while_loop in it")


class Predictor:
    """The outputs of a model in the mode that it is in, as plain numbers; recorded anew when something has changed."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._variant: Any = None
        self._key: Any = None

    def outputs(self, samples: list[Any]) -> list[Any]:
        """The output for each sample. Raises ``NotCompiledError``."""
        if not COMPILED or modes.current().anomaly or not modes.current().interpreter.is_eager:
            raise NotCompiledError("the mode is not the usual one")
        column = columns_of([samples])[0]
        key = (column.width, column.structure)
        if self._variant is None or key != self._key or not self._variant.environment.holds():
            self._variant, self._key = _recorded(self._model, (column.row(0),)), key
        path = self._variant.latest
        if path.recording.tracer.draws:
            raise NotCompiledError("it draws random numbers")
        leaves, structure = _numbers_in(template_of(path, {}))
        code = path.recording.over_rows(over_rows, column.width, is_sum=False)
        width = len(code.program.outputs)
        out, failed = array.array("d", bytes(8 * len(samples) * width)), array.array("i", [-1]) * len(samples)
        of_all = code.map([column], None, numbers_of(path.closed_over), out, failed, 1)
        if of_all is not None:
            raise NotCompiledError("it takes another branch now")
        places = [leaf.position if isinstance(leaf, Place) else None for leaf in leaves]
        numbers, found = out.tolist(), []
        for i, sample in enumerate(samples):
            if failed[i] >= 0:
                found.append(pytree.map_leaves(number, self._model(sample)))
                continue
            row = numbers[i * width : (i + 1) * width]
            own = row if places == list(range(width)) else [
                leaf if place is None else row[place] for leaf, place in zip(leaves, places, strict=True)
            ]  # fmt: skip
            found.append(structure.unflatten(own))
        return found


def _settings(optimizer: Optimizer) -> list[Any]:
    """All that an optimiser has but its learning rates and its state."""
    return [
        [*[x for name, x in group.items() if name not in ("params", "lr", "initial_lr")], *map(id, group["params"])]
        for group in optimizer.param_groups
    ]


def _numbers_in(template: Any) -> tuple[list[Any], pytree.Structure]:
    """The places and constants in the structure of an output, and the structure."""
    leaves: list[Any] = []

    def look(tree: Any) -> Any:
        level = pytree.branch(tree)
        if level is None:
            if not isinstance(tree, Place) and not is_real(tree):
                raise NotCompiledError("the model gives more than numbers")
            leaves.append(tree)
            return 0.0
        return level.rebuild([look(child) for child in level.children])

    structure = pytree.flatten(look(template))[1]
    places = [leaf.position for leaf in leaves if isinstance(leaf, Place)]
    if len(set(places)) < len(places):
        raise NotCompiledError("the model gives one number twice")
    return leaves, structure


def _recorded(f: Any, args: tuple[Any, ...]) -> Any:
    """A function recorded; twice, as what comes out differently would be frozen, such as random numbers."""
    fast = Compiled(
        f.f if isinstance(f, Compiled) else f,
        backend="vm", static_argnames=(), fast_math=False, max_paths=64, verify=False,
    )  # fmt: skip
    environment = Environment([fast.f], often=False)
    with _random_numbers_kept(environment) as has_drawn:
        try:
            variant = fast.recorded(*args, draws=True)
            again = variant.latest.recording.tracer if environment.is_of_libraries() else fast.traced(*args)
        except Exception as error:  # of whatever kind: the model itself will raise it, if it is one of its own
            raise NotCompiledError(str(error)) from error
        first = variant.latest.recording.tracer
        if (first.instructions, first.guards) != (again.instructions, again.guards):
            raise NotCompiledError("it does not do the same at each call")
        if has_drawn() and not first.draws:
            raise NotCompiledError("it draws random numbers")
    return variant


@contextmanager
def _random_numbers_kept(environment: Environment) -> Iterator[Callable[[], bool]]:
    """Put all generators back that a function may draw from; what is given says whether it has."""
    numpy = sys.modules.get("numpy.random")
    generators: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [(random.getstate, random.setstate)]
    if numpy is not None:
        generators.append((numpy.get_state, numpy.set_state))
    for thing in environment.things():
        if isinstance(thing, random.Random):
            generators.append((thing.getstate, thing.setstate))
        elif hasattr(thing, "bit_generator"):
            generators.append(_state_of(thing.bit_generator))
    before = [get() for get, _ in generators]
    try:
        yield lambda: any(repr(get()) != repr(state) for (get, _), state in zip(generators, before, strict=True))
    finally:
        for (_, put), state in zip(generators, before, strict=True):
            put(state)


def _state_of(generator: Any) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    return lambda: generator.state, lambda state: setattr(generator, "state", state)
