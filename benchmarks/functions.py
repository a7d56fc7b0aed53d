"""The functions that are measured, for any type of number. ``m`` is the module that has its sin, exp, log and so on."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

SAMPLES = 20


class Problem(NamedTuple):
    """A function of a list of numbers and of a module of functions, and a point."""

    f: Callable[[Any, Any], Any]
    x: list[float]
    #: The same function for libraries of arrays, as one writes it there.
    of_array: Callable[[Any, Any], Any] | None = None


# ---- Rosenbrock -----------------------------------------------------------------------------


def rosenbrock(x: Any, m: Any) -> Any:
    total = 0.0
    for i in range(len(x) - 1 if hasattr(x, "__len__") else x.shape[0] - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total = total + (100.0 * (a * a) + b * b)
    return total


def rosenbrock_of_array(x: Any, m: Any) -> Any:
    a, b = x[1:] - x[:-1] * x[:-1], 1.0 - x[:-1]
    return (100.0 * (a * a) + b * b).sum()


def rosenbrock_at(size: int) -> Problem:
    draws = random.Random(2)
    return Problem(rosenbrock, [draws.uniform(-1, 1) for _ in range(size)], rosenbrock_of_array)


# ---- A pendulum -----------------------------------------------------------------------------

PENDULUM_STEPS = 200


def pendulum_step(state: Any, p: Any, m: Any) -> tuple[Any, Any]:
    """One step of Runge and Kutta."""
    angle, speed = state
    h = 0.01

    def slope(a: Any, s: Any) -> tuple[Any, Any]:
        return s, -9.81 / p[0] * m.sin(a) - p[1] * s

    a1, s1 = slope(angle, speed)
    a2, s2 = slope(angle + 0.5 * h * a1, speed + 0.5 * h * s1)
    a3, s3 = slope(angle + 0.5 * h * a2, speed + 0.5 * h * s2)
    a4, s4 = slope(angle + h * a3, speed + h * s3)
    return angle + h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4), speed + h / 6.0 * (s1 + 2.0 * s2 + 2.0 * s3 + s4)


def pendulum(p: Any, m: Any) -> Any:
    """The angle of a damped pendulum after 200 steps, by length, damping, angle and speed."""
    state = p[2], p[3]
    for _ in range(PENDULUM_STEPS):
        state = pendulum_step(state, p, m)
    return state[0]


def pendulum_of_jax(p: Any, m: Any) -> Any:
    """With a loop that JAX compiles once."""
    import jax

    def step(state: Any, _: Any) -> Any:
        return pendulum_step(state, p, m), None

    (angle, _), _ = jax.lax.scan(step, (p[2], p[3]), None, length=PENDULUM_STEPS)
    return angle


PENDULUM = Problem(pendulum, [1.0, 0.1, 0.5, 0.0])


# ---- Black and Scholes ----------------------------------------------------------------------


def cdf(x: Any, m: Any) -> Any:
    """The normal distribution."""
    return 0.5 * (1.0 + m.erf(x * math.sqrt(0.5)))


def black_scholes(p: Any, m: Any) -> Any:
    """The price of a call, by spot, strike, rate, volatility and time."""
    s, k, r, v, t = (p[i] for i in range(5))
    root = v * m.sqrt(t)
    d1 = (m.log(s / k) + (r + v * v / 2.0) * t) / root
    return s * cdf(d1, m) - k * m.exp(-r * t) * cdf(d1 - root, m)


BLACK_SCHOLES = Problem(black_scholes, [100.0, 110.0, 0.03, 0.25, 1.5])


# ---- A multi-layer perceptron ---------------------------------------------------------------


def samples(nin: int) -> tuple[list[list[float]], list[float]]:
    draws = random.Random(1)
    X = [[draws.uniform(-1, 1) for _ in range(nin)] for _ in range(SAMPLES)]
    return X, [draws.choice([-1.0, 1.0]) for _ in X]


def weights(sizes: Sequence[int]) -> list[float]:
    """Of all neurons, one after the other; a neuron's bias comes last."""
    draws = random.Random(1)
    return [draws.uniform(-1, 1) for a, b in itertools.pairwise(sizes) for _ in range((a + 1) * b)]


def output(w: Any, x: Any, sizes: Sequence[int], relu: Callable[[Any], Any]) -> Any:
    """What a network of weights gives, in + and * alone; its last layer without an activation."""
    numbers = iter(w)
    for size in sizes[1:]:
        outputs = []
        for _ in range(size):
            own = [next(numbers) for _ in x]
            total = next(numbers)
            for wi, xi in zip(own, x, strict=True):
                total = total + wi * xi
            outputs.append(total if size == 1 else relu(total))
        x = outputs
    return x[0]


def mlp_loss(sizes: Sequence[int]) -> Callable[[Any, Callable[[Any], Any]], Any]:
    """The squared error on 20 samples, by the weights; and the function that is its activation."""
    X, y = samples(sizes[0])

    def loss(w: Any, relu: Callable[[Any], Any]) -> Any:
        return sum((output(w, x, sizes, relu) - label) ** 2 for x, label in zip(X, y, strict=True))

    return loss


def mlp_of_array(sizes: Sequence[int]) -> Callable[[Any, Any], Any]:
    """The same by matrices; ``m`` has maximum and array."""
    X, y = samples(sizes[0])

    def loss(w: Any, m: Any) -> Any:
        x, at = m.array(X), 0
        for a, b in itertools.pairwise(sizes):
            layer = w[at : at + (a + 1) * b].reshape(b, a + 1)
            at += (a + 1) * b
            x = x @ layer[:, :a].T + layer[:, a]
            x = x if b == 1 else m.maximum(x, 0.0)
        return ((x[:, 0] - m.array(y)) ** 2).sum()

    return loss


def mlp(sizes: Sequence[int]) -> Problem:
    loss = mlp_loss(sizes)
    return Problem(lambda w, m: loss(w, m.relu), weights(sizes), mlp_of_array(sizes))


# ---- Others ---------------------------------------------------------------------------------


def transcendental(x: Any, m: Any) -> Any:
    """1,000 operations, most of them transcendental."""
    total = x[0]
    for i in range(100):
        a = x[i % len(x)]
        total = m.sin(total + a) * m.exp(-0.1 * total * total) + m.log(1.5 + m.cos(a * total)) + m.sqrt(1.0 + a * a)
    return total


TRANSCENDENTAL = Problem(transcendental, [0.3, 0.7, 1.1, 0.2])


def sums_and_products(instructions: int) -> Callable[..., Any]:
    """A program of so many instructions of + and *, which all count, in eight chains; no number grows or vanishes."""

    def f(*x: Any) -> Any:
        draws = random.Random(3)
        numbers = list(x)
        for i in range(instructions - 7):
            a, b = numbers[i % 8], x[draws.randrange(8)]
            numbers[i % 8] = a * b if i // 8 % 2 else a + b
        return sum(numbers[1:], numbers[0])

    return f


EIGHT = [0.5 + 0.01 * i for i in range(8)]


# ---- A Gaussian mixture (ADBench) -----------------------------------------------------------

D, K = 2, 5


def gmm_points(count: int) -> list[list[float]]:
    rng = random.Random(0)
    return [[rng.gauss(0, 1) for _ in range(D)] for _ in range(count)]


def gmm_parameters() -> list[float]:
    """Of each of the components: its weight, means, logarithms of the diagonal, and what is below it."""
    rng = random.Random(1)
    return [rng.gauss(0, 0.5) for _ in range(K * (1 + D + D * (D + 1) // 2))]


def logsumexp(terms: list[Any], m: Any) -> Any:
    return m.log(sum((m.exp(t) for t in terms[1:]), m.exp(terms[0])))


def gmm(points: list[list[float]]) -> Callable[[Any, Any], Any]:
    """ADBench's objective without its constants: the likelihood of all points, and the Wishart prior."""
    width = 1 + D + D * (D + 1) // 2

    def objective(p: Any, m: Any) -> Any:
        parts = [[p[width * k + i] for i in range(width)] for k in range(K)]
        scales = [[m.exp(q) for q in part[1 + D : 1 + 2 * D]] for part in parts]
        total = 0.0
        for x in points:
            terms = [of_component(x, part, scale) for part, scale in zip(parts, scales, strict=True)]
            total = total + logsumexp(terms, m)
        prior = 0.0
        for part, scale in zip(parts, scales, strict=True):
            prior = prior + 0.5 * (sum(s * s for s in scale) + sum(q * q for q in part[1 + 2 * D :]))
        return total - len(points) * logsumexp([part[0] for part in parts], m) + prior

    return objective


def of_component(x: Any, part: list[Any], scale: list[Any]) -> Any:
    """The logarithm of a component's density at a point."""
    d = [a - b for a, b in zip(x, part[1 : 1 + D], strict=True)]
    rows = [scale[i] * d[i] for i in range(D)]
    at = 1 + 2 * D
    for i in range(D):
        for j in range(i + 1, D):
            rows[j] = rows[j] + part[at] * d[i]
            at += 1
    return part[0] + sum(part[1 + D : 1 + 2 * D]) - 0.5 * sum(r * r for r in rows)


def gmm_problem(count: int) -> Problem:
    return Problem(gmm(gmm_points(count)), gmm_parameters())


# ---- Bundle adjustment (ADBench): the error of one projection --------------------------------


def projection_error(p: Any, m: Any) -> list[Any]:
    """By rotation (3), camera's centre (3), focal length, principal point (2), distortion (2), point (3), weight."""
    r, c, x = [p[i] for i in range(3)], [p[i] for i in range(3, 6)], [p[i] for i in range(11, 14)]
    square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
    theta = m.sqrt(square)
    cosine, sine = m.cos(theta), m.sin(theta)
    w = [a / theta for a in r]
    d = [a - b for a, b in zip(x, c, strict=True)]
    cross = [w[1] * d[2] - w[2] * d[1], w[2] * d[0] - w[0] * d[2], w[0] * d[1] - w[1] * d[0]]
    along = (w[0] * d[0] + w[1] * d[1] + w[2] * d[2]) * (1.0 - cosine)
    q = [d[i] * cosine + cross[i] * sine + w[i] * along for i in range(3)]
    u, v = q[0] / q[2], q[1] / q[2]
    rr = u * u + v * v
    radial = 1.0 + p[9] * rr + p[10] * rr * rr
    return [p[14] * (u * radial * p[6] + p[7] - 0.3), p[14] * (v * radial * p[6] + p[8] - 0.2)]


BA_POINT = [0.1, 0.2, 0.3, 0.5, -0.4, 0.2, 1.2, 0.1, 0.05, 0.01, 0.002, 0.3, 0.7, 4.0, 0.8]


# ---- A network with memory (ADBench) --------------------------------------------------------

LSTM_WIDTH, LSTM_LAYERS, LSTM_STEPS = 8, 2, 10


def lstm_sequence() -> list[list[float]]:
    rng = random.Random(3)
    return [[float(rng.random() < 0.5) for _ in range(LSTM_WIDTH)] for _ in range(LSTM_STEPS + 1)]


def lstm_cell(x: Any, w: Any, memory: Any, m: Any) -> tuple[Any, Any]:
    """Of one number, or of an array of them: hidden and cell, by weights and biases of the four gates."""
    hidden, cell = memory
    forget, outgate = (1.0 / (1.0 + m.exp(-(x * w[i] + w[i + 1]))) for i in (0, 4))
    ingate = 1.0 / (1.0 + m.exp(-(hidden * w[2] + w[3])))
    cell = cell * forget + ingate * m.tanh(hidden * w[6] + w[7])
    return outgate * m.tanh(cell), cell


def lstm(p: Any, m: Any) -> Any:
    """ADBench's loss of predicting each next element, by the rows of main and extra parameters, one after the other."""
    b, sequence, total = LSTM_WIDTH, lstm_sequence(), 0.0
    row = [[p[i * b + j] for j in range(b)] for i in range(8 * LSTM_LAYERS + 3)]
    memory = [[(0.1, 0.2)] * b for _ in range(LSTM_LAYERS)]
    for given, following in itertools.pairwise(sequence):
        x = [g * w for g, w in zip(given, row[-3], strict=True)]
        for layer in range(LSTM_LAYERS):
            own = row[8 * layer : 8 * layer + 8]
            memory[layer] = [lstm_cell(x[j], [w[j] for w in own], memory[layer][j], m) for j in range(b)]
            x = [hidden for hidden, _ in memory[layer]]
        y = [x[j] * row[-2][j] + row[-1][j] for j in range(b)]
        norm = m.log(sum((m.exp(each) for each in y[1:]), m.exp(y[0])) + 2.0)
        total = total + sum((f * (each - norm) for f, each in zip(following, y, strict=True)), 0.0)
    return -1.0 * total / (LSTM_STEPS * b)


def lstm_of_array(p: Any, m: Any) -> Any:
    """The same by rows."""
    rows, sequence, total = p.reshape(8 * LSTM_LAYERS + 3, LSTM_WIDTH), m.array(lstm_sequence()), 0.0
    memory: list[Any] = [(0.1, 0.2)] * LSTM_LAYERS
    for t in range(LSTM_STEPS):
        x = sequence[t] * rows[-3]
        for layer in range(LSTM_LAYERS):
            memory[layer] = lstm_cell(x, rows[8 * layer : 8 * layer + 8], memory[layer], m)
            x = memory[layer][0]
        y = x * rows[-2] + rows[-1]
        total = total + (sequence[t + 1] * (y - m.log(m.exp(y).sum() + 2.0))).sum()
    return -1.0 * total / (LSTM_STEPS * LSTM_WIDTH)


def lstm_parameters() -> list[float]:
    rng = random.Random(4)
    return [rng.uniform(-1, 1) for _ in range((8 * LSTM_LAYERS + 3) * LSTM_WIDTH)]


LSTM = Problem(lstm, lstm_parameters(), lstm_of_array)
