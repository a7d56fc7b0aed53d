# jit runs a function once, records it, and writes straight-line code.
from autograd_lite import jit, sin, value_and_grad


def f(x, n):
    y = x
    for _ in range(n):
        y = sin(y) * x
    return y


fast = jit(value_and_grad(f), backend="python", static_argnames="n")
print(fast(0.5, 2))
print(fast.source)

fast.draw()
