"""Optimisers: they apply an update rule to the parameters of a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autograd_lite.core import COMPILED, modes
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import number
from autograd_lite.core.value import Value, assignment, at_once
from autograd_lite.errors import ArgumentError, StateError
from autograd_lite.nn.module import zero_grad
from autograd_lite.optim import rules
from autograd_lite.optim.programs import Programs

if COMPILED or TYPE_CHECKING:
    from autograd_lite.core import update

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]


class Optimizer:
    """Base class: groups of parameters, each with settings of its own, and the state of each parameter.

    A subclass has a ``rule``, a function as in :mod:`optim.rules`, and a ``memory``: the names
    of the rule's state, each with its first value. The settings come through ``__init__``.

    Args:
        params: the parameters, such as ``model.parameters()``; or a list of dicts, each with
            its ``"params"`` and settings that differ from the others'.
        settings: of the rule, for all groups that have none of their own.

    Raises ``TypeError`` or ``ArgumentError`` (a ``ValueError``) for anything but leaves, for leaves
    none of which takes gradients, for one given twice, for none at all, and for impossible settings.
    Some may be frozen, as long as others are not.

    >>> x = Value(5.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (x * x).backward()
    ...     optimizer.step()
    >>> round(x.data, 3)
    2.56
    """

    rule: Callable[..., tuple[Any, ...]]
    memory: Mapping[str, float]

    def __init__(self, params: Iterable[Value] | Iterable[dict[str, Any]], **settings: Any) -> None:
        self.defaults = settings
        #: One dict for each group: its ``"params"``, and its settings, which may be changed between steps.
        self.param_groups: list[dict[str, Any]] = []
        # The state of each parameter that has been updated, in the order of memory. Never changed, but replaced.
        self._state: update.States | dict[Value, Sequence[float]] = {}
        self._programs = Programs()
        if isinstance(params, (Value, dict)) or not isinstance(params, Iterable):
            raise TypeError(f"an optimiser takes a list of Values, such as model.parameters(); got {describe(params)}")
        given: list[Any] = list(params)
        if not given:
            raise ArgumentError("an optimiser needs one parameter at least, got an empty list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters: a dict with their list as ``"params"``, and settings of their own."""
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f'a group is a dict with its "params" and settings, got {describe(group)}')
        settings = {**self.defaults, **group}
        params = [group["params"]] if isinstance(group["params"], Value) else list(group["params"])
        unknown = [name for name in group if name not in ("params", *self.defaults)]
        if unknown:
            raise ArgumentError(
                f"{type(self).__name__} has no setting {unknown[0]!r}; it has {', '.join(self.defaults)}"
            )
        settings |= self._checked({name: settings[name] for name in self.defaults})
        known = {id(p) for other in self.param_groups for p in other["params"]}
        has_any = any(q.requires_grad for q in params if isinstance(q, Value))
        for p in params:
            if not isinstance(p, Value):
                raise TypeError(f"an optimiser takes Values, got {describe(p)}")
            if not p.is_leaf or not has_any:
                raise ArgumentError(
                    f"{p!r} is no leaf that takes gradients, so it cannot be optimised; give its leaves"
                )
            if id(p) in known:
                raise ArgumentError(f"{p!r} is given twice; it would be updated twice a step")
            known.add(id(p))
        self.param_groups.append({**settings, "params": params})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient and is not frozen: all of them or, if anything fails, none.

        Ctrl-C comes before the step or after it, never in between. ``closure``, if given, computes
        the loss and its gradients first, and the loss is returned.
        """
        loss = closure() if closure is not None else None
        states, write = self._computed_at_once() or self._computed()
        self._state = states  # Ctrl-C comes before this line or after the next, never between them
        write()
        return loss

    def _computed_at_once(self) -> tuple[Any, Callable[[], None]] | None:
        """What a step gives, by the compiled core; None if it leaves that to :meth:`_computed`."""
        if not COMPILED or modes.in_a_mode:
            return None
        work = self._programs.work(type(self).rule, self.param_groups, self.defaults, len(self.memory))
        states = work and update.computed(self._state, work, tuple(self.memory.values()))
        return (states, states.commit) if states else None

    def _computed(self) -> tuple[Any, Callable[[], None]]:
        """The states after a step, and what writes the new numbers into the parameters."""
        rule, blank = type(self).rule, tuple(self.memory.values())
        updates: list[tuple[Value, float]] = []
        known = self._states()
        states = dict(known)
        for group in self.param_groups:
            settings = {name: group[name] for name in self.defaults}
            for p in group["params"]:
                if p.has_grad and p.requires_grad:
                    data, *state = rule(p.data, number(p.grad), *known.get(p, blank), **settings)
                    updates.append((p, data))
                    states[p] = state
        return states, partial(at_once, assignment(updates))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to 0, before the next ``backward()`` adds to them."""
        for group in self.param_groups:
            zero_grad(group["params"], set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """All that it takes to resume later, as in PyTorch: parameters are numbered in the order of the groups.

        It holds plain dicts, lists and numbers only, so that JSON can write it.
        """
        params, states = self._params(), self._states()
        position = {id(p): i for i, p in enumerate(params)}
        return {
            "state": {i: dict(zip(self.memory, states[p], strict=True)) for i, p in enumerate(params) if p in states},
            "param_groups": [
                {**group, "params": [position[id(p)] for p in group["params"]]} for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from what :meth:`state_dict` gave, through JSON too. A state that does not fit changes nothing.

        Raises ``StateError`` (a ``ValueError``) if it is of other groups, or of another kind of optimiser.
        """
        params = self._params()
        try:
            groups = [dict(group) for group in state_dict["param_groups"]]
            state = {int(i): {name: as_float(x) for name, x in item.items()} for i, item in state_dict["state"].items()}
            sizes = [len(group.pop("params")) for group in groups]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise StateError(f"this is no state of an optimiser: {describe(state_dict)}") from None
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise StateError(f"this state is of groups of {sizes} parameters, and this optimiser has {own}")
        if any(set(group) - {"initial_lr"} != set(self.defaults) for group in groups) or any(
            set(item) != set(self.memory) or not 0 <= i < len(params) for i, item in state.items()
        ):
            raise StateError(f"this state is not of {type(self).__name__}, but of another kind of optimiser")
        checked = [group | self._checked({name: group[name] for name in self.defaults}) for group in groups]
        new: dict[Value, Sequence[float]] = {
            params[i]: tuple(item[name] for name in self.memory) for i, item in state.items()
        }
        new_settings = map(dict.update, self.param_groups, checked)
        self._state = new  # Ctrl-C comes before this line or after the next, never between them
        at_once(new_settings)

    def _states(self) -> dict[Value, Sequence[float]]:
        return self._state if isinstance(self._state, dict) else dict(self._state.items())

    def _params(self) -> list[Value]:
        return [p for group in self.param_groups for p in group["params"]]

    def _checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings as floats and bools. Raises ``ArgumentError`` for those that no rule can work with."""
        found: dict[str, Any] = {}
        for name, setting in settings.items():
            if name == "betas":
                if not isinstance(setting, (tuple, list)) or len(setting) != 2:
                    raise ArgumentError(f"betas of {type(self).__name__} is a pair of numbers, got {describe(setting)}")
                found[name] = tuple(self._checked_number(name, beta, below=1.0) for beta in setting)
            elif name in ("nesterov", "centered"):
                if not isinstance(setting, bool):
                    raise ArgumentError(f"{name} of {type(self).__name__} is True or False, got {describe(setting)}")
                found[name] = setting
            else:
                found[name] = self._checked_number(name, setting, below=1.0 if name == "alpha" else float("inf"))
        if found.get("nesterov") and not found["momentum"]:
            raise ArgumentError("nesterov looks ahead by the momentum, and there is none; give momentum=0.9, say")
        return found

    def _checked_number(self, name: str, x: Any, below: float) -> float:
        if not is_real(x) or not 0.0 <= x < below:
            limit = ", less than 1" if below == 1.0 else ""
            raise ArgumentError(f"{name} of {type(self).__name__} is a number of 0 or more{limit}; got {describe(x)}")
        return as_float(x)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            settings = ", ".join(f"{name}={group[name]}" for name in self.defaults)
            lines.append(f"  group {i}: {len(group['params'])} parameters, {settings}")
        return "\n".join([*lines, ")"])


class SGD(Optimizer):
    """Stochastic gradient descent; the rule is :func:`optim.rules.sgd`.

    Args:
        params: the parameters, or groups of them; as for all optimisers.
        lr: the learning rate.
        momentum: how much of the last step goes into the next one.
        weight_decay: how much of a parameter is added to its gradient.
        nesterov: whether to look ahead by the momentum; needs some.
    """

    rule = staticmethod(rules.sgd)
    memory = MappingProxyType({"momentum_buffer": 0.0})

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0.0, *, weight_decay: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)


class RMSprop(Optimizer):
    """Steps by the root of the mean square of the gradients; the rule is :func:`optim.rules.rmsprop`.

    Args:
        params: the parameters, or groups of them; as for all optimisers.
        lr: the learning rate.
        alpha: how much of the mean square stays at each step.
        eps: what is added to the root, against division by 0.
        weight_decay: how much of a parameter is added to its gradient.
        momentum: how much of the last step goes into the next one.
        centered: whether to take the variance in the place of the mean square.
    """

    rule = staticmethod(rules.rmsprop)
    memory = MappingProxyType({"square_avg": 0.0, "grad_avg": 0.0, "momentum_buffer": 0.0})

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered
        )


class Adagrad(Optimizer):
    """Steps by the root of the sum of all squares of the gradients; the rule is :func:`optim.rules.adagrad`.

    Args:
        params: the parameters, or groups of them; as for all optimisers.
        lr: the learning rate.
        lr_decay: the learning rate is divided by 1 + lr_decay * (the steps so far).
        weight_decay: how much of a parameter is added to its gradient.
        eps: what is added to the root, against division by 0.
    """

    rule = staticmethod(rules.adagrad)
    memory = MappingProxyType({"step": 0.0, "sum": 0.0})

    def __init__(
        self, params: Any, lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0, *, eps: float = 1e-10
    ) -> None:
        super().__init__(params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)


class Adam(Optimizer):
    """Steps by running means of the gradient and its square; the rule is :func:`optim.rules.adam`.

    Args:
        params: the parameters, or groups of them; as for all optimisers.
        lr: the learning rate.
        betas: how much of the mean, and of the mean square, stays at each step.
        eps: what is added to the root, against division by 0.
        weight_decay: how much of a parameter is added to its gradient.
    """

    rule = staticmethod(rules.adam)
    memory = MappingProxyType({"step": 0.0, "exp_avg": 0.0, "exp_avg_sq": 0.0})

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


class AdamW(Adam):
    """:class:`Adam` with weight decay that is not part of the gradient; the rule is :func:`optim.rules.adamw`."""

    rule = staticmethod(rules.adamw)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
