"""Training in the compiled core: what a model, a loss and an optimiser do, as programs over flat arrays.

A model is recorded for one sample, a loss for the outputs and targets of a batch. Where one of them cannot be recorded,
or does what a recording does not have, the loop in Python trains as ever: what is here is only faster.
"""

import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite import pytree
from autograd_lite._rng import state_of
from autograd_lite.core import COMPILED, modes
from autograd_lite.core.node import numbers_of
from autograd_lite.core.value import Value
from autograd_lite.jit.batch import Place, template_of
from autograd_lite.jit.passes import gather_sums, relax_strong_zeros, share_exponentials
from autograd_lite.optim import Optimizer
from autograd_lite.optim.programs import Parts, parts_of
from autograd_lite.training.trial import (
    NotCompiledError,
    check_mode,
    check_whole_numbers,
    columns,
    numbers_in,
    recorded,
    sources_of,
)

if COMPILED or TYPE_CHECKING:
    from autograd_lite.core.rows import Columns, Rows
    from autograd_lite.core.step import Loss, Rule, Status, Step
    from autograd_lite.core.vm import Code
if TYPE_CHECKING:
    from autograd_lite.jit.cache import Path

__all__ = ["Task", "Trainer"]


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
        check_mode()
        if not modes.current().grad_enabled:
            raise NotCompiledError("it is under no_grad()")
        self.optimizer, self.size, self.count = task.optimizer, min(task.size, len(task.samples)), len(task.samples)
        self._model, self._loss = task.model, task.loss
        self._check_optimizer()
        self._samples, self._wanted = columns([task.samples, task.targets])
        self._targets = task.targets
        self._careful = False
        self.begin()

    # -- What is recorded --

    def begin(self) -> None:
        """Record the model and the loss, and begin with the numbers as they are."""
        self._variant = recorded(self._model, (self._samples.row(0),), draws=True)
        path = self._variant.latest
        self._template = numbers_in(template_of(path, {}))
        self._sources = sources_of(self._variant.environment)
        self._drawn = array.array("d", bytes(8 * self.count * len(path.recording.tracer.draws or ())))
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
        if any(type(x) is not float for target in self._targets[:samples] for x in pytree.flatten(target)[0]):
            outputs = [self._output(path, answer) for _ in targets]
            check_whole_numbers(self._loss, outputs, self._targets[:samples], targets)
        variant = recorded(self._loss, ([self._output(path, answer) for _ in targets], targets))
        if variant.latest.recording.guards():  # so it has to be recorded at the outputs of these samples
            outputs = [self._output(path, self._answer(path, row)) for row in range(samples)]
            variant = recorded(self._loss, (outputs, targets))
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
        samples = Columns(self.count)
        samples.add(self._samples.buffer, self._samples.width)
        if self._draws:
            samples.add(self._drawn, len(self._draws))
        nodes = {leaf.position: i for i, leaf in enumerate(self._template[0]) if isinstance(leaf, Place)}
        first = len(path.recording.floats)
        seeded = [nodes[first + i] for i in range(len(path.recording.nodes))]
        self._rules = self._made_rules()
        self._step: Step = Step(
            self._rows(path, draws), self._shared(), samples, self._wanted.buffer, self._wanted.width, seeded,
            self._params, [rule for rule, _, _, _ in self._rules], self.size,
        )  # fmt: skip
        self._losses = [(self._made_loss(n, v.latest), v.latest) for n, v in self._loss_variants.items()]
        for loss, _ in self._losses:
            self._step.add_loss(loss)
        self._is_written = True
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
        own = set(map(id, self._params))
        for group in optimizer.param_groups:
            params = [p for p in group["params"] if id(p) in own]
            if not params:
                continue
            settings = {name: group[name] for name in optimizer.defaults if name != "lr"}
            parts = parts_of(type(optimizer).rule, settings, len(optimizer.memory))
            if parts is None or "lr" not in group:
                raise NotCompiledError("the rule of the optimiser is no program")
            clocks, others = self._states_of(parts, params)
            given = parts.own.inputs - 2 - len(parts.others)
            by_row = [True] * (2 + len(parts.others)) + [False] * given
            rule = Rule(
                start, len(params), Code(*parts.shared),
                Rows(by_row, parts.own.instructions, parts.own.outputs, results=len(parts.own.outputs)), given,
                group["lr"], clocks, others,
            )  # fmt: skip
            made.append((rule, parts, params, group))
            start += len(params)
        return made

    def _states_of(self, parts: Parts, params: list[Value]) -> tuple[tuple[float, ...], list[list[float]]]:
        """The clocks of some parameters, and of each other number of a state those of all."""
        known, blank = self.optimizer._states(), tuple(self.optimizer.memory.values())
        states = [tuple(known.get(p, blank)) for p in params]
        if any(type(x) is not float for state in states for x in state):
            raise NotCompiledError("the state of the optimiser holds more than floats")
        clocks = {tuple([state[i] for i in parts.clocks]) for state in states}
        if len(clocks) > 1:
            raise NotCompiledError("the parameters have made different numbers of steps")
        return next(iter(clocks)), [[state[i] for state in states] for i in parts.others]

    # -- Running --

    def refresh(self) -> None:
        """Take the numbers and learning rates as they are now; record anew if more has changed."""
        if not self.holds():
            self.begin()
            return
        self._take_numbers()
        for rule, _, _, group in self._rules:
            rule.set_rate(group["lr"])

    def reload(self) -> None:
        """Go on after a step in Python. Raises ``NotCompiledError`` if its states are none of the compiled core's."""
        self._take_numbers()
        for rule, parts, params, _ in self._rules:
            rule.set_states(*self._states_of(parts, params))
        self._state = self.optimizer._state

    def _take_numbers(self) -> None:
        self._step.set_shared(self._shared())
        for loss, path in self._losses:
            loss.set_constants(numbers_of(path.closed_over))

    def draw(self, order: Sequence[int]) -> Callable[[], None]:
        """Draw the random numbers of some steps, sample by sample in their order; what is returned takes that back."""
        count = len(self._draws)
        before = [state_of(source)[1] for source in self._sources] if count else []
        for sample in order if count else ():
            self._drawn[sample * count : (sample + 1) * count] = array.array("d", [draw() for draw in self._draws])

        def take_back() -> None:
            for put_back in before:
                put_back()

        return take_back

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
            self._is_written &= count == 0
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

    def write(self) -> None:
        """Give the parameters and the optimiser the numbers as they are now."""
        if self._is_written:
            return
        states = dict(self.optimizer._states())
        for rule, parts, params, _ in self._rules:
            clocks, others = rule.states()
            numbers = dict(zip(parts.others, others, strict=True))
            numbers |= {i: [x] * len(params) for i, x in zip(parts.clocks, clocks, strict=True)}
            states.update(zip(params, zip(*[numbers[i] for i in range(len(numbers))], strict=True), strict=True))
        self.optimizer.zero_grad()  # also of what no gradient reaches
        self._step.write()
        self.optimizer._state = self._state = states
        self._is_written = True


def _settings(optimizer: Optimizer) -> list[Any]:
    """All that an optimiser has but its learning rates and its state."""
    return [
        [*[x for name, x in group.items() if name not in ("params", "lr", "initial_lr")], *map(id, group["params"])]
        for group in optimizer.param_groups
    ]
