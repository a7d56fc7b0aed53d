"""Value and gradient of a problem by each peer: one function a contender, from a problem to what is timed.

All get the same point as floats and give the value and the gradient. Peers with arrays hold the point as one already.
"""

from array import array
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

from benchmarks.functions import Problem
from benchmarks.measure import MissingError, Ready

Contender = Callable[[], Ready]


def ours(problem: Problem, backend: str) -> Ready:
    """``jit(value_and_grad(f))``."""
    import autograd_lite as ag
    from autograd_lite.jit.backends import vm

    if backend == "vm" and not vm.is_there():
        raise MissingError("needs the compiled core")
    fast, x = ag.jit(ag.value_and_grad(lambda x: problem.f(x, ag)), backend=backend), problem.x
    return Ready(lambda: fast(x))


def ours_of_array(problem: Problem) -> Ready:
    """The same with NumPy's arrays, as SciPy calls it."""
    import numpy as np

    import autograd_lite as ag

    fast, x = ag.jit(ag.value_and_grad(lambda x: problem.f(x, ag)), backend="native"), np.array(problem.x)
    return Ready(lambda: fast(x))


def ours_eager(problem: Problem) -> Ready:
    """``value_and_grad(f)``, which records and goes back at each call."""
    import autograd_lite as ag

    plain, x = ag.value_and_grad(lambda x: problem.f(x, ag)), problem.x
    return Ready(lambda: plain(x))


def micrograd(problem: Problem) -> Ready:
    """Nodes with closures; it has +, *, powers and relu."""
    from micrograd.engine import Value

    module = SimpleNamespace(relu=lambda x: x.relu())
    held: list[Any] = []

    def call() -> Any:
        x = [Value(each) for each in problem.x]
        y = problem.f(x, module)
        y.backward()
        held[:] = [y.data, [each.grad for each in x]]

    return Ready(call, lambda: held)


def xad(problem: Problem) -> Ready:
    """Active reals and a tape, which is recorded at each call."""
    import xad.math
    from xad.adj_1st import Real, Tape

    tape = Tape()
    tape.activate()
    names = ("sin", "cos", "exp", "log", "sqrt", "erf", "tanh")
    functions = {name: getattr(xad.math, name) for name in names}
    module = SimpleNamespace(**functions, relu=lambda x: x if x > 0 else Real(0.0))

    def call() -> Any:
        tape.clearAll()
        x = [Real(each) for each in problem.x]
        tape.registerInputs(x)
        tape.newRecording()
        y = problem.f(x, module)
        tape.registerOutput(y)
        tape.setDerivative(y, 1.0)
        tape.computeAdjoints()
        return y.getValue(), [tape.getDerivative(each) for each in x]

    return Ready(call)


def casadi(problem: Problem) -> Ready:
    """SX, through its buffers: the least that a call costs from Python."""
    import casadi

    x = casadi.SX.sym("x", len(problem.x))
    names = ("sin", "cos", "exp", "log", "sqrt", "erf", "tanh")
    module = SimpleNamespace(relu=lambda x: casadi.fmax(x, 0.0), **{name: getattr(casadi, name) for name in names})
    value = problem.f(casadi.vertsplit(x), module)
    function = casadi.Function("f", [x], [value, casadi.gradient(value, x)])
    buffer: Any
    buffer, evaluate = function.buffer()
    given, found, gradient = array("d", problem.x), array("d", [0.0]), array("d", problem.x)
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(found))
    buffer.set_res(1, memoryview(gradient))
    kept = (function, buffer, given, found, gradient)
    return Ready(keeping(evaluate, kept), lambda: (found[0], gradient.tolist()))


def keeping(call: Callable[[], Any], kept: Any) -> Callable[[], Any]:
    """A call that keeps alive what it needs and does not hold, as CasADi's buffers do not hold their memory."""

    def keeper(_: Any = kept) -> Any:
        return call()

    return keeper


def autograd(problem: Problem) -> Ready:
    """HIPS autograd on an array."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    fast, x = value_and_grad(_of_array(problem, anp)), anp.array(problem.x)
    return Ready(lambda: fast(x))


def torch(problem: Problem) -> Ready:
    """A tensor, and ``backward()``."""
    import torch

    module = SimpleNamespace(
        **{name: getattr(torch, name) for name in ("sin", "cos", "exp", "log", "sqrt", "erf", "tanh")}
    )
    module.array, module.maximum = torch.tensor, lambda x, low: torch.clamp(x, min=low)
    f, x = problem.of_array or problem.f, torch.tensor(problem.x, requires_grad=True)

    def call() -> Any:
        y = f(x, module)
        (gradient,) = torch.autograd.grad(y, x)
        return y, gradient

    return Ready(call, lambda: [part.tolist() for part in call()])


def jax(problem: Problem, of_array: Callable[[Any, Any], Any] | None = None) -> Ready:
    """``jax.jit(jax.value_and_grad(f))`` in float64."""
    import jax
    import jax.numpy as jnp

    names = ("sin", "cos", "exp", "log", "sqrt", "maximum", "array", "tanh")
    module = SimpleNamespace(**{name: getattr(jnp, name) for name in names}, erf=jax.scipy.special.erf)
    f = of_array or problem.of_array or problem.f
    fast, x = jax.jit(jax.value_and_grad(lambda x: f(x, module))), jnp.array(problem.x)
    return Ready(lambda: jax.block_until_ready(fast(x)))


def _of_array(problem: Problem, anp: Any) -> Callable[[Any], Any]:
    f = problem.of_array or problem.f
    module = SimpleNamespace(
        **{name: getattr(anp, name) for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "maximum", "array")}
    )
    if problem.f.__name__ == "black_scholes":
        from autograd.scipy.special import erf

        module.erf = erf
    return lambda x: f(x, module)


def everybody(
    problem: Problem, more: Mapping[str, Contender] | None = None, but: Collection[str] = ()
) -> dict[str, Contender]:
    """All that can do a problem, with more of them; ``but`` names those that cannot."""
    found: dict[str, Contender] = {
        "autograd_lite, native": lambda: ours(problem, "native"),
        "autograd_lite, native, array": lambda: ours_of_array(problem),
        "autograd_lite, vm": lambda: ours(problem, "vm"),
        "autograd_lite, python": lambda: ours(problem, "python"),
        "autograd_lite, eager": lambda: ours_eager(problem),
        "micrograd": lambda: micrograd(problem),
        "xad": lambda: xad(problem),
        "casadi": lambda: casadi(problem),
        "autograd": lambda: autograd(problem),
        "torch": lambda: torch(problem),
        "jax": lambda: jax(problem),
    }
    return {name: contender for name, contender in (found | dict(more or {})).items() if name not in but}
