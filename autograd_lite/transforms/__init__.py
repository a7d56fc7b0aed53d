"""Transforms: functions that make a function of numbers into that of its derivatives.

All take and return plain floats when given plain floats, and Values when given Values, so
they compose with themselves and each other to any order: ``grad(grad(sin))``. Arguments
and results may be nested lists, tuples and dicts of numbers, or NumPy arrays; derivatives
come in the same structure. The names and signatures are JAX's.

Inside a transform, a function that closes over the arguments of an enclosing transform
gets the derivatives of its result as Values, as they depend on those arguments. (That
is known of the thread in which the enclosing transform runs.) Values that a function
closes over otherwise, such as the parameters of a model, count as constants where its
arguments are floats; hand them in as arguments to differentiate by them.
"""

from autograd_lite.transforms.gradients import grad, value_and_grad
from autograd_lite.transforms.jacobians import Coo, hessian, jacfwd, jacobian, jacrev, sparsity
from autograd_lite.transforms.products import hvp, jvp, vjp

__all__ = ["Coo", "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "sparsity", "value_and_grad", "vjp"]
