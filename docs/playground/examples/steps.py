# One neuron, forward and back. The arrow keys go through the steps.
from autograd_lite import Value, steps, tanh

x1, x2 = Value(2.0, name="x1"), Value(0.5, name="x2")
w1, w2 = Value(-1.0, name="w1"), Value(1.5, name="w2")
b = Value(1.0, name="b")

out = tanh(x1 * w1 + x2 * w2 + b)
out.name = "out"

steps(out)
