"""What works in a browser tab: run in Pyodide by ``run.mjs``, in .ci/run."""

import gc
import math
import sys
from pathlib import Path

import autograd_lite as ag
from autograd_lite import demo, nn, optim
from autograd_lite.drawing.pictures.render import set_renderer
from autograd_lite.testing import check_gradients


def main() -> None:
    assert sys.platform == "emscripten", sys.platform
    found = ag.info()
    assert found.core == "pure", found
    print(found.version, found.python, found.system)

    x, y = ag.Value(1.5, name="x"), ag.Value(-0.5, name="y")
    z = ag.tanh(x * y + x)
    z.backward()
    slope = 1 - math.tanh(0.75) ** 2
    assert math.isclose(x.grad, 0.5 * slope)
    assert math.isclose(y.grad, 1.5 * slope)
    assert ag.grad(ag.grad(ag.sin))(1.0) == -math.sin(1.0)

    fast = ag.jit(ag.value_and_grad(lambda a: ag.sin(a) * 2.0), backend="python")
    assert fast(0.5) == (2.0 * math.sin(0.5), 2.0 * math.cos(0.5))
    assert fast.source.lstrip().startswith("def")

    assert check_gradients(lambda a, b: ag.exp(a) * ag.log1p(b * b), 0.3, 1.2).ok

    X, labels = ag.data.xor()
    model = nn.MLP(2, [4, 2], activation="tanh", rng=0)
    ag.fit(
        model,
        X,
        labels,
        loss=nn.cross_entropy,
        optimizer=optim.Adam(model.parameters(), lr=0.1),
        epochs=50,
        progress=False,
    )
    assert [scores.index(max(scores)) for scores in ag.predict(model, X)] == labels
    assert demo.iris(epochs=20, out=Path("/tmp/neuron.svg")) > 0.8

    for _ in range(20):  # garbage, which collections take
        nn.MLP(2, [4, 2], activation="tanh")
    gc.collect()

    assert ag.draw(z).source.startswith("digraph")
    set_renderer(globals()["graphviz"])  # run.mjs gives it
    assert ">x</text>" in ag.draw(z).svg
    page = ag.steps(z).save("/tmp/steps.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<svg" in page
    print("well")


if __name__ == "__main__":
    main()
