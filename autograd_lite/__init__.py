"""A scalar automatic differentiation engine: values that remember how they were computed.

>>> import autograd_lite as ag
>>> x = ag.Value(0.5, name="x")
>>> y = ag.tanh(x) * x
>>> y.backward()
>>> round(x.grad, 6)
0.855341
>>> ag.grad(ag.grad(ag.sin))(1.0) == -ag.sin(1.0)
True
"""

from typing import TYPE_CHECKING, Any

from autograd_lite import data, functions, linalg, nn, ops
from autograd_lite._rng import manual_seed
from autograd_lite._version import __version__ as __version__
from autograd_lite.core.blocks import detect_anomaly, no_grad
from autograd_lite.core.ops import *  # noqa: F403 - the table is the list of primitives
from autograd_lite.core.ops import absolute, power, round_
from autograd_lite.data import ones, rand, randn, tensor, zeros
from autograd_lite.engine import Value
from autograd_lite.functions import *  # noqa: F403 - its list of names
from autograd_lite.functions import sum_
from autograd_lite.jit import jit
from autograd_lite.loops import fori_loop, scan, while_loop
from autograd_lite.nn.state import load, save
from autograd_lite.transforms import grad, hessian, hvp, jacfwd, jacobian, jacrev, jvp, sparsity, value_and_grad, vjp

if TYPE_CHECKING:
    from autograd_lite import distributed, optim, plotting, testing, training
    from autograd_lite._info import info
    from autograd_lite.drawing.draw import draw, draw_dot
    from autograd_lite.drawing.explain.explanation import explain
    from autograd_lite.drawing.steps.steps import steps
    from autograd_lite.training import evaluate, fit, predict

__all__ = [
    "Value",
    "data",
    "detect_anomaly",
    "distributed",
    "draw",
    "draw_dot",
    "evaluate",
    "explain",
    "fit",
    "float32",
    "float64",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "info",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linalg",
    "load",
    "long",
    "manual_seed",
    "nn",
    "no_grad",
    "ones",
    "optim",
    "plotting",
    "predict",
    "rand",
    "randn",
    "save",
    "scan",
    "sparsity",
    "steps",
    "tensor",
    "testing",
    "training",
    "value_and_grad",
    "vjp",
    "while_loop",
    "zeros",
]
__all__ += ops.__all__
__all__ += functions.__all__
__all__.remove("sum_")  # it is exported as sum

# Python's own names are not in __all__: a star import must not take the builtins away.
abs, pow, round, sum = absolute, power, round_, sum_

# PyTorch's names of dtypes. A float has double precision whatever it is called.
float32 = float64 = float
long = int


# A third of the import together, and not for all programs: so when they are first asked for.
_LATER = {
    "distributed": "distributed",
    "draw": "drawing",
    "draw_dot": "drawing",
    "drawing": "drawing",
    "evaluate": "training",
    "explain": "drawing",
    "fit": "training",
    "info": "_info",
    "optim": "optim",
    "plotting": "plotting",
    "predict": "training",
    "steps": "drawing",
    "testing": "testing",
    "training": "training",
}


def __getattr__(name: str) -> Any:
    if name == "float":  # PyTorch's dtype; as a global of this module it would hide Python's own
        return float
    if name not in _LATER:
        raise AttributeError(f"module 'autograd_lite' has no attribute {name!r}")
    import importlib

    module = importlib.import_module(f"autograd_lite.{_LATER[name]}")
    return module if name == _LATER[name] else getattr(module, name)


def __dir__() -> list[str]:
    shown = {"__doc__", "__file__", "__name__", "__path__", "__version__"}
    return sorted({*__all__, "abs", "engine", "errors", "ops", "pow", "round", "sum", *shown})
