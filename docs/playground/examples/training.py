# Two half moons, told apart by a small network.
from autograd_lite import data, draw, fit, nn, optim, predict
from autograd_lite.training import accuracy

X, y = data.moons(60, noise=0.1, rng=0)
model = nn.MLP(2, [8, 1], activation="tanh", rng=1)
print(model)

loss = nn.binary_cross_entropy_with_logits
adam = optim.Adam(model.parameters(), lr=0.1)
fit(model, X, y, loss=loss, optimizer=adam, epochs=80, metrics=[accuracy], rng=0)
print(f"{accuracy(predict(model, X), y):.0%} are right")

draw(model, X[0], depth=1)  # each layer as one box
