"""The update rules, each once, as a function of numbers.

``rule(p, g, *state, **settings)`` takes a parameter, its gradient and its state (0.0 each at
first), and gives the next ``(p, *state)``. The settings are those of the optimiser of the same
name. A rule uses operators and primitives only, so that it takes Values as well as floats.

>>> sgd(1.0, 0.5, 0.0, lr=0.1, momentum=0.9, weight_decay=0.0, nesterov=False)
(0.95, 0.5)
"""

from typing import Any

from autograd_lite.core.ops import sqrt

__all__ = ["adagrad", "adam", "adamw", "rmsprop", "sgd"]

Numbers = tuple[Any, ...]


def sgd(p: Any, g: Any, velocity: Any, *, lr: Any, momentum: float, weight_decay: float, nesterov: bool) -> Numbers:
    """Stochastic gradient descent, with momentum and Nesterov's form of it as in Sutskever et al., 2013."""
    if weight_decay:
        g = g + weight_decay * p
    if momentum:
        velocity = momentum * velocity + g
        g = g + momentum * velocity if nesterov else velocity
    return p - lr * g, velocity


def rmsprop(
    p: Any,
    g: Any,
    square_avg: Any,
    grad_avg: Any,
    velocity: Any,
    *,
    lr: Any,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
) -> Numbers:
    """The gradient over the root of its mean square (Hinton, 2012); centered: of its variance (Graves, 2013)."""
    if weight_decay:
        g = g + weight_decay * p
    square_avg = alpha * square_avg + (1 - alpha) * g * g
    if centered:
        grad_avg = alpha * grad_avg + (1 - alpha) * g
    step = g / (sqrt(square_avg - grad_avg * grad_avg) + eps)
    if momentum:
        step = velocity = momentum * velocity + step
    return p - lr * step, square_avg, grad_avg, velocity


def adagrad(
    p: Any, g: Any, step: Any, total: Any, *, lr: Any, lr_decay: float, weight_decay: float, eps: float
) -> Numbers:
    """The gradient over the root of the sum of all its squares (Duchi, Hazan and Singer, 2011)."""
    if weight_decay:
        g = g + weight_decay * p
    total = total + g * g
    return p - lr / (1 + step * lr_decay) * g / (sqrt(total) + eps), step + 1, total


def adam(
    p: Any,
    g: Any,
    step: Any,
    mean: Any,
    square: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> Numbers:
    """The running mean of the gradient over the root of that of its square (Kingma and Ba, 2015)."""
    if weight_decay:
        g = g + weight_decay * p
    beta1, beta2 = betas
    step = step + 1
    mean = beta1 * mean + (1 - beta1) * g
    square = beta2 * square + (1 - beta2) * g * g
    # Both means start at 0 and are too small at first; the divisions correct that.
    unbiased_root = sqrt(square) / sqrt(1 - beta2**step) + eps
    return p - lr / (1 - beta1**step) * mean / unbiased_root, step, mean, square


def adamw(
    p: Any, g: Any, step: Any, mean: Any, square: Any, *, lr: Any, weight_decay: float, **settings: Any
) -> Numbers:
    """Adam with weight decay beside the gradient, not in it (Loshchilov and Hutter, 2019)."""
    return adam(p - lr * weight_decay * p, g, step, mean, square, lr=lr, weight_decay=0.0, **settings)
