"""What a compiled value and gradient costs, call after call, beside compilers of others and derivatives by hand."""

import functools
from typing import Any

from benchmarks import by_hand, engines, functions
from benchmarks.functions import BLACK_SCHOLES, PENDULUM, SAMPLES, Problem
from benchmarks.measure import Ready, Workload

ROSENBROCK = functions.rosenbrock_at(100)
MLP = (2, 16, 16, 1)
NET = functions.mlp(MLP)
POINTS = 100
GMM = functions.gmm_problem(POINTS)
NO_RELU = ("micrograd",)


def mlp_in_c() -> Ready:
    X, y = functions.samples(MLP[0])
    rows = [number for x, label in zip(X, y, strict=True) for number in (*x, label)]
    return by_hand.by_c("mlp", [*NET.x, *rows], len(NET.x), SAMPLES)


def mlp_loop(backend: str) -> Ready:
    """``jit`` written around a loss of Values, and ``backward()``, as a loop of training has it."""
    from autograd_lite import Value, jit

    loss_of, w = functions.mlp_loss(MLP), [Value(x) for x in NET.x]
    loss = jit(lambda: loss_of(w, Value.relu), backend=backend)
    value: list[float] = []

    def step() -> None:
        for each in w:
            each.grad = None
        found = loss()
        found.backward()
        value[:] = [found.data]

    return Ready(step, lambda: [value, [each.grad for each in w]])


def gmm_by_sum() -> Ready:
    """What depends on the points as a sum over rows, the rest as a function of its own."""
    import autograd_lite as ag

    points, width = functions.gmm_points(POINTS), 1 + functions.D + functions.D * (functions.D + 1) // 2

    def of_a_point(x: Any, p: Any) -> Any:
        parts = [p[width * k : width * (k + 1)] for k in range(functions.K)]
        d = functions.D
        terms = [functions.of_component(x, part, [ag.exp(q) for q in part[1 + d : 1 + 2 * d]]) for part in parts]
        return functions.logsumexp(terms, ag)

    def rest(p: Any) -> Any:
        return functions.gmm([])(p, ag) - POINTS * functions.logsumexp([p[width * k] for k in range(functions.K)], ag)

    over_points, other = ag.jit(ag.value_and_grad(of_a_point, argnames="p")), ag.jit(ag.value_and_grad(rest))

    def call() -> Any:
        value, slopes = over_points.sum(points, p=GMM.x)
        of_rest, more = other(GMM.x)
        return value + of_rest, [a + b for a, b in zip(slopes, more, strict=True)]

    return Ready(call)


def gmm_of_array(p: Any, m: Any) -> Any:
    """The same objective by arrays."""
    d, points = functions.D, m.array(functions.gmm_points(POINTS))
    parts = p.reshape(functions.K, 1 + d + d * (d + 1) // 2)
    alphas, means, q, low = parts[:, 0], parts[:, 1 : 1 + d], parts[:, 1 + d : 1 + 2 * d], parts[:, 1 + 2 * d :]
    differences = points[:, None, :] - means[None]
    first = m.exp(q[:, 0]) * differences[:, :, 0]
    second = m.exp(q[:, 1]) * differences[:, :, 1] + low[:, 0] * differences[:, :, 0]
    terms = alphas + q.sum(1) - 0.5 * (first * first + second * second)
    prior = 0.5 * ((m.exp(q) ** 2).sum() + (low * low).sum())
    return m.log(m.exp(terms).sum(1)).sum() - POINTS * m.log(m.exp(alphas).sum()) + prior


def projection(p: Any, m: Any) -> Any:
    u, v = functions.projection_error(p, m)
    return u * u + v * v


C = "gcc sees the loop, and keeps the numbers in registers; here they pass through lists of floats."
ARRAYS = "By arrays it is a few operations of vectors; here every one is scalar."
BUFFERS = "CasADi's buffers are filled once, so its call converts no floats."

WORKLOADS = [
    Workload(
        "Rosenbrock-100",
        engines.everybody(
            ROSENBROCK,
            {
                "numba": lambda: by_hand.by_numba(by_hand.rosenbrock_loop, ROSENBROCK.x),
                "C, gcc -O2": lambda: by_hand.by_c("rosenbrock", ROSENBROCK.x, 100),
            },
        ),
        behind=f"numba's arrays and CasADi's buffers are filled once, so no floats are converted. {C}",
    ),
    Workload(
        "pendulum",
        engines.everybody(
            PENDULUM,
            {
                "jax": lambda: engines.jax(PENDULUM, functions.pendulum_of_jax),
                "C, gcc -O2": lambda: by_hand.by_c("pendulum", PENDULUM.x, 4),
            },
            but=NO_RELU,
        ),
        behind=C,
    ),
    Workload(
        "Black-Scholes",
        engines.everybody(
            BLACK_SCHOLES,
            {
                "numba": lambda: by_hand.by_numba(by_hand.black_scholes_loop, BLACK_SCHOLES.x),
                "C, gcc -O2": lambda: by_hand.by_c("black_scholes", BLACK_SCHOLES.x, 5),
            },
            but=NO_RELU,
        ),
        behind=BUFFERS,
    ),
    Workload(
        "MLP 2-16-16-1, 20 samples",
        engines.everybody(
            NET,
            {
                "autograd_lite, jit around a loop": functools.partial(mlp_loop, "native"),
                "C, gcc -O2": mlp_in_c,
            },
        ),
        behind=f"{C} {ARRAYS}",
    ),
    Workload(
        "GMM (ADBench), 100 points",
        engines.everybody(
            GMM._replace(of_array=gmm_of_array), {"autograd_lite, sum over rows": gmm_by_sum}, but=NO_RELU
        ),
        behind=ARRAYS,
    ),
    Workload(
        "LSTM (ADBench), 2 layers, 8 wide, 10 steps",
        engines.everybody(functions.LSTM, but=NO_RELU),
        behind=ARRAYS,
    ),
    Workload(
        "BA (ADBench), one projection",
        engines.everybody(Problem(projection, functions.BA_POINT), but=NO_RELU),
        behind=BUFFERS,
    ),
]
