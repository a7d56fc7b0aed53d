# Gradients written by hand, one of them with a slip. The check finds it.
import math

from autograd_lite.testing import GradientMismatch, check_gradients


def f(x, y):
    return math.exp(-x * x) * math.sin(y)


def right(x, y):
    e = math.exp(-x * x)
    return -2 * x * e * math.sin(y), e * math.cos(y)


def wrong(x, y):
    e = math.exp(-x * x)
    return -2 * e * math.sin(y), e * math.cos(y)


print(check_gradients(f, 0.5, 1.0, grad=right))
try:
    check_gradients(f, 0.5, 1.0, grad=wrong)
except GradientMismatch as found:
    print(found)
