"""A training step of a small GPT, written as one writes it with scalars, against closures as in micrograd.

One layer, 16 dimensions, 4 heads, a context of 8 (the sizes of Karpathy's microgpt). The same code runs on
both: operators, ``exp``, ``log`` and ``relu``. Python's garbage collector is off for both.

    python benchmarks/gpt.py
"""

import gc
import itertools
import math
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import autograd_lite as ag

CONTEXT, WIDTH, HEADS, LETTERS = 8, 16, 4, 27


class Closures:
    """A node as micrograd has it: its operands, and a closure that passes its gradient on to them."""

    def __init__(self, data: float, children: tuple["Closures", ...] = ()) -> None:
        self.data, self.grad, self._prev = data, 0.0, set(children)
        self._backward: Callable[[], None] = lambda: None

    def __add__(self, other: Any) -> "Closures":
        other = other if isinstance(other, Closures) else Closures(other)
        out = Closures(self.data + other.data, (self, other))

        def backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = backward
        return out

    def __mul__(self, other: Any) -> "Closures":
        other = other if isinstance(other, Closures) else Closures(other)
        out = Closures(self.data * other.data, (self, other))

        def backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = backward
        return out

    def _of(self, data: float, slope: float) -> "Closures":
        out = Closures(data, (self,))

        def backward() -> None:
            self.grad += slope * out.grad

        out._backward = backward
        return out

    def __pow__(self, n: float) -> "Closures":
        return self._of(self.data**n, n * self.data ** (n - 1))

    def exp(self) -> "Closures":
        data = math.exp(self.data)
        return self._of(data, data)

    def log(self) -> "Closures":
        return self._of(math.log(self.data), 1.0 / self.data)

    def relu(self) -> "Closures":
        return self._of(max(self.data, 0.0), float(self.data > 0.0))

    def __neg__(self) -> "Closures":
        return self.__mul__(-1.0)

    def __sub__(self, other: Any) -> "Closures":
        return self.__add__(-other)

    def __truediv__(self, other: Any) -> "Closures":
        return self.__mul__(other**-1)

    __radd__, __rmul__ = __add__, __mul__

    def backward(self) -> None:
        order: list[Closures] = []
        seen: set[Closures] = set()
        stack: list[tuple[Closures, bool]] = [(self, False)]
        while stack:
            node, is_done = stack.pop()
            if is_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(child, False) for child in node._prev]
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


def matrix(number: Any, rng: random.Random, rows: int, columns: int) -> list[list[Any]]:
    return [[number(rng.gauss(0.0, 0.2)) for _ in range(columns)] for _ in range(rows)]


def model(number: Any) -> dict[str, list[list[Any]]]:
    rng = random.Random(0)
    sizes = {"letters": (LETTERS, WIDTH), "places": (CONTEXT, WIDTH), "head": (LETTERS, WIDTH)}
    sizes |= dict.fromkeys(("q", "k", "v", "o"), (WIDTH, WIDTH))
    sizes |= {"up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH)}
    return {name: matrix(number, rng, *size) for name, size in sizes.items()}


def linear(x: list[Any], rows: list[list[Any]]) -> list[Any]:
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in rows]


def softmax(logits: list[Any]) -> list[Any]:
    largest = max(logit.data for logit in logits)
    exps = [(logit - largest).exp() for logit in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x: list[Any]) -> list[Any]:
    scale = (sum(xi * xi for xi in x) * (1.0 / len(x)) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def added(x: list[Any], y: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y, strict=True)]


def loss_of(p: dict[str, list[list[Any]]], text: list[int]) -> Any:
    """The mean of -log(probability) of each next letter."""
    keys: list[list[Any]] = []
    values: list[list[Any]] = []
    losses = []
    size = WIDTH // HEADS
    for place, (letter, following) in enumerate(itertools.pairwise(text)):
        x = rmsnorm(added(p["letters"][letter], p["places"][place]))
        y = rmsnorm(x)
        query = linear(y, p["q"])
        keys.append(linear(y, p["k"]))
        values.append(linear(y, p["v"]))
        mixed: list[Any] = []
        for start in range(0, WIDTH, size):
            part = slice(start, start + size)
            scores = [sum(a * b for a, b in zip(query[part], k[part], strict=True)) * size**-0.5 for k in keys]
            weights = softmax(scores)
            mixed += [sum(w * v[j] for w, v in zip(weights, values, strict=True)) for j in range(start, start + size)]
        x = added(x, linear(mixed, p["o"]))
        x = added(x, linear([h.relu() for h in linear(rmsnorm(x), p["up"])], p["down"]))
        losses.append(-softmax(linear(x, p["head"]))[following].log())
    return sum(losses) * (1.0 / len(losses))


def step(p: dict[str, list[list[Any]]], text: list[int]) -> float:
    parameters = [w for rows in p.values() for row in rows for w in row]
    for w in parameters:
        w.grad = 0.0
    loss = loss_of(p, text)
    loss.backward()
    for w in parameters:
        w.data -= 0.01 * w.grad
    return float(loss.data)


def main() -> None:
    text = [0, 5, 13, 13, 1, 18, 9, 5, 0]
    engines: dict[str, Any] = {"closures": Closures, "autograd_lite": ag.Value}
    models = {name: model(number) for name, number in engines.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    gc.disable()
    losses: dict[str, float] = {}
    for _ in range(7):
        for name, p in models.items():
            start = time.perf_counter()
            losses[name] = step(p, text)
            times[name].append(time.perf_counter() - start)
            gc.collect()  # closures are cycles
    assert abs(losses["closures"] - losses["autograd_lite"]) < 1e-9, losses
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}
    for name, seconds in medians.items():
        print(f"{name:14} {seconds * 1e3:8.1f} ms a step")
    print(f"ratio          {medians['closures'] / medians['autograd_lite']:8.1f}")


if __name__ == "__main__":
    main()
