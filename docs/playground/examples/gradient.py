# A Value remembers how it was computed, so it knows its gradient.
from autograd_lite import Value, draw, tanh

x, y = Value(1.5, name="x"), Value(-0.5, name="y")
z = tanh(x * y + x)
z.name = "z"
z.backward()

print("dz/dx =", x.grad)
print("dz/dy =", y.grad)

draw(z)  # the last expression is shown
