# Newton's method needs second derivatives: they are exact too.
from autograd_lite import exp, grad


def f(x):
    return exp(x) - 2.0 * x  # least at log(2)


slope = grad(f)
curvature = grad(slope)

x = 0.0
for i in range(6):
    print(f"{i}: x = {x:.16f}, f'(x) = {slope(x): .1e}")
    x -= slope(x) / curvature(x)
