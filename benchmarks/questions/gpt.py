"""What a step of a scalar GPT costs: one layer, 16 dimensions, 4 heads, a context of 8 (Karpathy's microgpt)."""

import itertools
import math
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks.measure import MissingError, Ready, Workload

CONTEXT, WIDTH, HEADS, LETTERS = 8, 16, 4, 27
TEXT = [0, 5, 13, 13, 1, 18, 9, 5, 0]

SIZES = {"letters": (LETTERS, WIDTH), "places": (CONTEXT, WIDTH), "head": (LETTERS, WIDTH)}
SIZES |= dict.fromkeys(("q", "k", "v", "o"), (WIDTH, WIDTH))
SIZES |= {"up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH)}


def parameters() -> dict[str, list[list[float]]]:
    rng = random.Random(0)
    return {name: [[rng.gauss(0.0, 0.2) for _ in range(b)] for _ in range(a)] for name, (a, b) in SIZES.items()}


# ---- By scalars -----------------------------------------------------------------------------


def linear(x: list[Any], rows: list[list[Any]]) -> list[Any]:
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in rows]


def softmax(logits: list[Any], m: Any) -> list[Any]:
    exps = [m.exp(logit) for logit in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x: list[Any]) -> list[Any]:
    scale = (sum(xi * xi for xi in x) * (1.0 / len(x)) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def added(x: list[Any], y: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y, strict=True)]


def loss_of(p: dict[str, list[list[Any]]], m: Any) -> Any:
    """The mean of -log(probability) of each next letter. ``m`` has exp, log and relu."""
    keys: list[list[Any]] = []
    values: list[list[Any]] = []
    losses = []
    size = WIDTH // HEADS
    for place, (letter, following) in enumerate(itertools.pairwise(TEXT)):
        x = rmsnorm(added(p["letters"][letter], p["places"][place]))
        y = rmsnorm(x)
        query = linear(y, p["q"])
        keys.append(linear(y, p["k"]))
        values.append(linear(y, p["v"]))
        mixed: list[Any] = []
        for start in range(0, WIDTH, size):
            part = slice(start, start + size)
            scores = [sum(a * b for a, b in zip(query[part], k[part], strict=True)) * size**-0.5 for k in keys]
            weights = softmax(scores, m)
            mixed += [sum(w * v[j] for w, v in zip(weights, values, strict=True)) for j in range(start, start + size)]
        x = added(x, linear(mixed, p["o"]))
        x = added(x, linear([m.relu(h) for h in linear(rmsnorm(x), p["up"])], p["down"]))
        losses.append(-m.log(softmax(linear(x, p["head"]), m)[following]))
    return sum(losses) * (1.0 / len(losses))


def by_nodes(number: Callable[[float], Any], m: Any, zero: Any) -> Ready:
    """Forward and backward with nodes that stay."""
    p = {name: [[number(x) for x in row] for row in rows] for name, rows in parameters().items()}
    flat = [w for rows in p.values() for row in rows for w in row]

    def step() -> None:
        for w in flat:
            w.grad = zero
        loss_of(p, m).backward()

    return Ready(step, lambda: [w.grad or 0.0 for w in flat])


def eager() -> Ready:
    import autograd_lite as ag

    return by_nodes(ag.Value, ag, None)


def compiled(backend: str) -> Ready:
    import autograd_lite as ag
    from autograd_lite.jit.backends import vm

    if backend == "vm" and not vm.is_there():
        raise MissingError("needs the compiled core")
    fast, p = ag.jit(ag.grad(lambda p: loss_of(p, ag)), backend=backend), parameters()
    return Ready(lambda: fast(p), lambda: [x for name in p for row in fast(p)[name] for x in row])


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

    def of(self, data: float, slope: float) -> "Closures":
        """A function of this node alone."""
        out = Closures(data, (self,))

        def backward() -> None:
            self.grad += slope * out.grad

        out._backward = backward
        return out

    def __pow__(self, n: float) -> "Closures":
        return self.of(self.data**n, n * self.data ** (n - 1))

    def __neg__(self) -> "Closures":
        return self.__mul__(-1.0)

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


def closures() -> Ready:
    """As micrograd, whose own Value has no exp and no log, and walks by recursion."""

    def exp(x: Closures) -> Closures:
        data = math.exp(x.data)
        return x.of(data, data)

    m = SimpleNamespace(
        exp=exp,
        log=lambda x: x.of(math.log(x.data), 1.0 / x.data),
        relu=lambda x: x.of(max(x.data, 0.0), float(x.data > 0.0)),
    )
    return by_nodes(Closures, m, 0.0)


# ---- By arrays ------------------------------------------------------------------------------


def torch() -> Ready:
    """By tensors, as one writes it in PyTorch."""
    import torch

    p = {name: torch.tensor(rows, requires_grad=True) for name, rows in parameters().items()}
    text = torch.tensor(TEXT)
    mask = torch.full((CONTEXT, CONTEXT), -math.inf).triu(1)

    def norm(x: Any) -> Any:
        return x * ((x * x).mean(-1, keepdim=True) + 1e-5) ** -0.5

    def step() -> None:
        for w in p.values():
            w.grad = None
        x = norm(p["letters"][text[:-1]] + p["places"])
        y = norm(x)
        q, k, v = ((y @ p[name].T).reshape(CONTEXT, HEADS, -1).transpose(0, 1) for name in "qkv")
        weights = torch.softmax(q @ k.transpose(1, 2) * (WIDTH // HEADS) ** -0.5 + mask, -1)
        x = x + (weights @ v).transpose(0, 1).reshape(CONTEXT, WIDTH) @ p["o"].T
        x = x + torch.relu(norm(x) @ p["up"].T) @ p["down"].T
        torch.nn.functional.cross_entropy(x @ p["head"].T, text[1:]).backward()

    return Ready(step, lambda: [p[name].grad for name in SIZES])


def numpy() -> Ready:
    """Forward and backward by hand."""
    import numpy as np

    p = {name: np.array(rows) for name, rows in parameters().items()}
    text, size = np.array(TEXT), WIDTH // HEADS
    mask = np.triu(np.full((CONTEXT, CONTEXT), -np.inf), 1)

    def norm(x: Any) -> tuple[Any, Any]:
        scale = ((x * x).mean(-1, keepdims=True) + 1e-5) ** -0.5
        return x * scale, scale

    def norm_back(x: Any, scale: Any, b: Any) -> Any:
        return b * scale - x * scale**3 * (b * x).mean(-1, keepdims=True)

    def normal(x: Any) -> Any:
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def call() -> Any:
        g = {}
        x0 = p["letters"][text[:-1]] + p["places"]
        x1, scale0 = norm(x0)
        y, scale1 = norm(x1)
        q, k, v = ((y @ p[name].T).reshape(CONTEXT, HEADS, size).swapaxes(0, 1) for name in "qkv")
        weights = normal(q @ k.swapaxes(1, 2) * size**-0.5 + mask)
        mixed = (weights @ v).swapaxes(0, 1).reshape(CONTEXT, WIDTH)
        x2 = x1 + mixed @ p["o"].T
        z, scale2 = norm(x2)
        up = z @ p["up"].T
        h = np.maximum(up, 0.0)
        x3 = x2 + h @ p["down"].T
        b = normal(x3 @ p["head"].T)
        b[np.arange(CONTEXT), text[1:]] -= 1.0
        b /= CONTEXT
        g["head"], b3 = b.T @ x3, b @ p["head"]
        g["down"], bh = b3.T @ h, (b3 @ p["down"]) * (up > 0.0)
        g["up"] = bh.T @ z
        b2 = b3 + norm_back(x2, scale2, bh @ p["up"])
        g["o"], bm = b2.T @ mixed, (b2 @ p["o"]).reshape(CONTEXT, HEADS, size).swapaxes(0, 1)
        bw, bv = bm @ v.swapaxes(1, 2), weights.swapaxes(1, 2) @ bm
        bs = weights * (bw - (bw * weights).sum(-1, keepdims=True)) * size**-0.5
        by = np.zeros_like(y)
        for name, part in zip("qkv", (bs @ k, bs.swapaxes(1, 2) @ q, bv), strict=True):
            rows = part.swapaxes(0, 1).reshape(CONTEXT, WIDTH)
            g[name] = rows.T @ y
            by += rows @ p[name]
        b0 = norm_back(x0, scale0, b2 + norm_back(x1, scale1, by))
        g["places"], g["letters"] = b0, np.zeros_like(p["letters"])
        np.add.at(g["letters"], text[:-1], b0)
        return [g[name] for name in SIZES]

    return Ready(call)


WORKLOADS = [
    Workload(
        "gradient of a GPT",
        {
            "autograd_lite, eager": eager,
            "autograd_lite, vm": lambda: compiled("vm"),
            "autograd_lite, native": lambda: compiled("native"),
            "python, closures as in micrograd": closures,
            "torch": torch,
            "numpy": numpy,
        },
        slow=frozenset({"autograd_lite, native"}),
        behind="By arrays the step is some fifty operations of matrices, which NumPy and PyTorch run in C.",
    )
]
