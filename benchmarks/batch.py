"""Many rows: training at machine speed, sums and maps over data, beside PyTorch's loop and JAX.

    python benchmarks/batch.py            all of it; each engine in processes of its own, which take turns
    python benchmarks/batch.py steps      one part: steps, gmm, map, greeks, rk4, memory
    python benchmarks/batch.py steps --turns 5

PyTorch and JAX are used where they are installed, with one thread each, in float64. A step is zero_grad, forward,
loss, backward, update. "from nothing" is everything from the model on: recording and compiling too.
"""

import argparse
import functools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

# ---- Training -----------------------------------------------------------------------------

#: Sizes, activation inside and at the end, optimiser and rate, samples, batch, epochs from nothing.
NETS: dict[str, dict[str, Any]] = {
    "XOR 2-2-1, 4 samples, SGD": {
        "sizes": (2, 2, 1), "inside": "sigmoid", "end": "sigmoid", "rule": "sgd", "lr": 0.5, "n": 4, "batch": 4,
        "epochs": 10_000,
    },
    "10-50-20-1 ReLU, 32 samples, Adam": {
        "sizes": (10, 50, 20, 1), "inside": "relu", "end": None, "rule": "adam", "lr": 1e-3, "n": 32, "batch": 32,
        "epochs": 1_000,
    },
    "64-30-10 sigmoid, mini-batch 10, SGD": {
        "sizes": (64, 30, 10), "inside": "sigmoid", "end": "sigmoid", "rule": "sgd", "lr": 0.1, "n": 500, "batch": 10,
        "epochs": 20,
    },
    "784-30-10 sigmoid, mini-batch 10, SGD": {
        "sizes": (784, 30, 10), "inside": "sigmoid", "end": "sigmoid", "rule": "sgd", "lr": 0.1, "n": 500, "batch": 10,
        "epochs": 20,
    },
}  # fmt: skip


def data_of(net: dict[str, Any]) -> tuple[list[list[float]], list[list[float]]]:
    """Samples and targets."""
    rng = random.Random(0)
    X = [[rng.uniform(-1, 1) for _ in range(net["sizes"][0])] for _ in range(net["n"])]
    return X, [[rng.random() for _ in range(net["sizes"][-1])] for _ in range(net["n"])]


def steps_of_ours(net: dict[str, Any]) -> dict[str, float]:
    """Seconds of a step in steady state, and of all epochs from nothing."""
    from autograd_lite import fit, nn, optim

    X, y = data_of(net)
    activations = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}
    rules: dict[str, Any] = {"sgd": optim.SGD, "adam": optim.Adam}

    def trained(epochs: int) -> float:
        started = time.perf_counter()
        layers: list[Any] = []
        for i, (nin, nout) in enumerate(zip(net["sizes"], net["sizes"][1:], strict=False)):
            last = i == len(net["sizes"]) - 2
            layers.append(nn.Linear(nin, nout, rng=i))
            name = net["end"] if last else net["inside"]
            layers += [activations[name]()] if name else []
        model = nn.Sequential(*layers)
        optimizer = rules[net["rule"]](model.parameters(), lr=net["lr"])
        fit(
            model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=epochs, batch_size=net["batch"], shuffle=False,
            progress=False,
        )  # fmt: skip
        return time.perf_counter() - started

    return compared(trained, net)


def compared(trained: Callable[[int], float], net: dict[str, Any]) -> dict[str, float]:
    """A step by the difference of a long and a short training; and the whole from nothing."""
    whole = trained(net["epochs"])
    steps = math.ceil(net["n"] / net["batch"])
    few, many = net["epochs"], 4 * net["epochs"]
    each = (trained(many) - trained(few)) / ((many - few) * steps)
    return {"step": each, "whole": whole}


def steps_of_torch(net: dict[str, Any]) -> dict[str, float]:
    """The same by PyTorch's usual loop."""
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    X, y = map(torch.tensor, data_of(net))
    activations = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}
    rules: dict[str, Any] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    steps = math.ceil(net["n"] / net["batch"])

    def trained(epochs: int) -> float:
        started = time.perf_counter()
        layers: list[Any] = []
        for i, (nin, nout) in enumerate(zip(net["sizes"], net["sizes"][1:], strict=False)):
            name = net["end"] if i == len(net["sizes"]) - 2 else net["inside"]
            layers += [torch.nn.Linear(nin, nout), *([activations[name]()] if name else [])]
        model = torch.nn.Sequential(*layers)
        optimizer = rules[net["rule"]](model.parameters(), lr=net["lr"])
        loss_function = torch.nn.MSELoss()
        for _ in range(epochs):
            for start in range(0, net["n"], net["batch"]):
                optimizer.zero_grad()
                loss = loss_function(model(X[start : start + net["batch"]]), y[start : start + net["batch"]])
                loss.backward()
                optimizer.step()
        return time.perf_counter() - started

    trained(3)  # what it imports when it is first used
    whole = trained(max(1, net["epochs"] // 10)) * 10  # by a tenth of them, as it compiles nothing
    return {"step": whole / (net["epochs"] * steps), "whole": whole}


def steps_of_jax(net: dict[str, Any]) -> dict[str, float]:
    """The same by JAX: one compiled scan over all steps."""
    jax = jax_of_one_thread()
    jnp = jax.numpy
    steps = math.ceil(net["n"] / net["batch"])
    X, y = (jnp.array(part).reshape(steps, net["batch"], -1) for part in data_of(net))
    activations = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, None: lambda x: x}

    def model(params: Any, x: Any) -> Any:
        for i, (w, b) in enumerate(params):
            x = activations[net["end"] if i == len(params) - 1 else net["inside"]](x @ w + b)
        return x

    def loss(params: Any, x: Any, t: Any) -> Any:
        return jnp.mean((model(params, x) - t) ** 2)

    def update(state: Any, batch: Any) -> Any:
        params, m, v, count = state
        value, g = jax.value_and_grad(loss)(params, *batch)
        tree = jax.tree_util.tree_map
        if net["rule"] == "sgd":
            return (tree(lambda p, q: p - net["lr"] * q, params, g), m, v, count), value
        count = count + 1
        m = tree(lambda a, q: 0.9 * a + 0.1 * q, m, g)
        v = tree(lambda a, q: 0.999 * a + 0.001 * q * q, v, g)
        new = tree(
            lambda p, a, b: p - net["lr"] * (a / (1 - 0.9**count)) / (jnp.sqrt(b / (1 - 0.999**count)) + 1e-8),
            params, m, v,
        )  # fmt: skip
        return (new, m, v, count), value

    def trained(epochs: int) -> float:
        started = time.perf_counter()
        keys = jax.random.split(jax.random.PRNGKey(0), len(net["sizes"]))
        pairs = zip(keys, net["sizes"], net["sizes"][1:], strict=False)
        params = [(jax.random.normal(key, (nin, nout)) / math.sqrt(nin), jnp.zeros(nout)) for key, nin, nout in pairs]
        zeros = jax.tree_util.tree_map(jnp.zeros_like, params)

        def epoch(state: Any, _: Any) -> Any:
            return jax.lax.scan(update, state, (X, y))

        run = jax.jit(lambda state: jax.lax.scan(epoch, state, None, length=epochs)[0])
        jax.block_until_ready(run((params, zeros, zeros, 0.0)))
        if epochs == net["epochs"]:
            return time.perf_counter() - started
        again = time.perf_counter()
        jax.block_until_ready(run((params, zeros, zeros, 0.0)))
        return time.perf_counter() - again

    whole = trained(net["epochs"])
    long = 2 * net["epochs"]
    return {"step": trained(long) / (long * steps), "whole": whole}


def jax_of_one_thread() -> Any:
    """JAX in float64."""
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


# ---- A Gaussian mixture (ADBench) ---------------------------------------------------------

D, K, POINTS = 2, 5, 1000


def gmm_data() -> tuple[list[list[float]], dict[str, Any]]:
    """Points and parameters."""
    rng = random.Random(0)
    points = [[rng.gauss(0, 1) for _ in range(D)] for _ in range(POINTS)]
    params = {
        "alphas": [rng.gauss(0, 1) for _ in range(K)],
        "means": [[rng.random() for _ in range(D)] for _ in range(K)],
        "icf": [[rng.gauss(0, 1) for _ in range(D * (D + 1) // 2)] for _ in range(K)],
    }
    return points, params


def gmm_of_ours() -> dict[str, float]:
    """The mixture's objective and gradient: what depends on the points is a sum over rows."""
    from autograd_lite import exp, jit, lgamma, log, logsumexp, value_and_grad

    points, params = gmm_data()

    def of_a_point(x: Any, params: Any) -> Any:
        terms = []
        for alpha, mean, icf in zip(params["alphas"], params["means"], params["icf"], strict=True):
            d = [a - b for a, b in zip(x, mean, strict=True)]
            rows = [exp(icf[i]) * d[i] for i in range(D)]
            at = D
            for i in range(D):
                for j in range(i + 1, D):
                    rows[j] = rows[j] + icf[at] * d[i]
                    at += 1
            terms.append(alpha + sum(icf[:D]) - 0.5 * sum(r * r for r in rows))
        return logsumexp(terms)

    def rest(params: Any) -> Any:
        n, m, gamma = POINTS, 0, 1.0
        wishart = sum(
            0.5 * gamma**2 * (sum(exp(q) ** 2 for q in icf[:D]) + sum(q * q for q in icf[D:])) - m * sum(icf[:D])
            for icf in params["icf"]
        )
        constant = D * (D + 1) * (math.log(gamma) - 0.5 * math.log(2)) - sum(
            lgamma(0.5 * (D + 1 + m + 1 - j)) for j in range(1, D + 1)
        )
        return -n * logsumexp(params["alphas"]) + wishart - K * constant - n * D * 0.5 * log(2 * math.pi)

    started = time.perf_counter()
    over_points, others = jit(value_and_grad(of_a_point, argnames="params")), jit(value_and_grad(rest))

    def called() -> Any:
        return over_points.sum(points, params=params), others(params)

    called()
    first = time.perf_counter() - started
    return {"first": first, "later": best(called, 20)}


def gmm_of_jax() -> dict[str, float]:
    """The same by JAX."""
    jax = jax_of_one_thread()
    jnp = jax.numpy
    points, params = gmm_data()
    x = jnp.array(points)
    params = {name: jnp.array(part) for name, part in params.items()}

    def objective(params: Any) -> Any:
        q, low = params["icf"][:, :D], params["icf"][:, D:]
        d = x[:, None, :] - params["means"][None]
        rows = jnp.exp(q) * d
        at = 0
        for i in range(D):
            for j in range(i + 1, D):
                rows = rows.at[:, :, j].add(low[:, at] * d[:, :, i])
                at += 1
        terms = params["alphas"] + q.sum(1) - 0.5 * (rows**2).sum(-1)
        inside = jax.scipy.special.logsumexp(terms, axis=1).sum()
        prior = 0.5 * ((jnp.exp(q) ** 2).sum() + (low**2).sum())
        return inside - POINTS * jax.scipy.special.logsumexp(params["alphas"]) + prior

    started = time.perf_counter()
    fast = jax.jit(jax.value_and_grad(objective))
    jax.block_until_ready(fast(params))
    first = time.perf_counter() - started
    return {"first": first, "later": best(lambda: jax.block_until_ready(fast(params)), 20)}


def best(function: Callable[[], Any], times: int) -> float:
    """Seconds of the quickest of some calls."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        found.append(time.perf_counter() - started)
    return min(found)


# ---- map ----------------------------------------------------------------------------------


def map_of_ours() -> dict[str, float]:
    """Nanoseconds of an instruction and row, and how many times as fast two threads are."""
    import numpy as np

    from autograd_lite import jit

    found = {}
    for count in (500, 2_000, 10_000):
        rng = random.Random(1)
        plan = [(rng.choice("*+-"), rng.randrange(1, 40), rng.randrange(1, 40)) for _ in range(count)]

        def f(a: Any, b: Any, plan: Any = plan) -> Any:
            known = [a, b] * 20
            for op, i, j in plan:
                x, y = known[-i], known[-j]
                known.append(x * y if op == "*" else x + y if op == "+" else x - y)
            return known[-1]

        fast = jit(f)
        X, Y = (np.random.default_rng(i).uniform(0.5, 1.0, 20_000) for i in (0, 1))
        fast.map(X, Y)
        length = len(fast_program(fast, X, Y))
        found[f"{count} instructions"] = best(functools.partial(fast.map, X, Y), 7) / length / len(X) * 1e9
    one, two = (best(functools.partial(fast.map, X, Y, workers=k), 7) for k in (1, 2))
    return {**found, "two threads": one / two}


def fast_program(fast: Any, X: Any, Y: Any) -> Any:
    """What is run for a row."""
    fast(float(X[0]), float(Y[0]))
    return fast.program.instructions


def black_scholes(s: Any, k: Any, r: Any, v: Any, t: Any, *, library: Any, cdf: Any) -> Any:
    """The price of a call."""
    root = v * library.sqrt(t)
    d1 = (library.log(s / k) + (r + v * v / 2) * t) / root
    return s * cdf(d1) - k * library.exp(-r * t) * cdf(d1 - root)


def market() -> Any:
    """A million options."""
    import numpy as np

    rng = np.random.default_rng(0)
    bounds = ((50, 150), (50, 150), (0.0, 0.1), (0.1, 0.6), (0.1, 3.0))
    return [rng.uniform(low, high, 1_000_000) for low, high in bounds]


def greeks_of_ours() -> dict[str, float]:
    """Rows a second: the price of an option and its five Greeks."""
    import autograd_lite as ag

    fast = ag.jit(
        ag.value_and_grad(lambda s, k, r, v, t: black_scholes(s, k, r, v, t, library=ag, cdf=ag.norm_cdf), range(5))
    )
    columns = market()
    fast.map(*[column[:1000] for column in columns])
    return {"rows a second": 1e6 / best(lambda: fast.map(*columns), 3)}


def greeks_of_jax() -> dict[str, float]:
    """The same by vmap."""
    jax = jax_of_one_thread()
    jnp = jax.numpy

    def price(s: Any, k: Any, r: Any, v: Any, t: Any) -> Any:
        return black_scholes(s, k, r, v, t, library=jnp, cdf=jax.scipy.stats.norm.cdf)

    fast = jax.jit(jax.vmap(jax.value_and_grad(price, range(5))))
    columns = [jnp.array(column) for column in market()]
    jax.block_until_ready(fast(*columns))
    return {"rows a second": 1e6 / best(lambda: jax.block_until_ready(fast(*columns)), 3)}


def greeks_of_numpy() -> dict[str, float]:
    """The same by hand, the derivatives as a textbook has them."""
    import numpy as np
    from scipy.special import ndtr

    s, k, r, v, t = market()

    def by_hand() -> Any:
        root = v * np.sqrt(t)
        d1 = (np.log(s / k) + (r + v * v / 2) * t) / root
        d2 = d1 - root
        n1, n2, discount = ndtr(d1), ndtr(d2), np.exp(-r * t)
        density = np.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
        price = s * n1 - k * discount * n2
        vega = s * density * np.sqrt(t)
        theta = s * density * v / (2 * np.sqrt(t)) + r * k * discount * n2
        return price, n1, -discount * n2, k * t * discount * n2, vega, theta

    return {"rows a second": 1e6 / best(by_hand, 3)}


# ---- A simulation -------------------------------------------------------------------------

STEPS, DT, RATES = 200, 0.05, [1.1, 0.4, 0.1, 0.4]


def predators(state: Any, p: Any) -> list[Any]:
    """The equations of Lotka and Volterra."""
    x, y = state
    return [p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y]


def runge_kutta(state: Any, p: Any) -> list[Any]:
    """One step."""

    def moved(k: Any, h: float) -> list[Any]:
        return [s + h * d for s, d in zip(state, k, strict=True)]

    k1 = predators(state, p)
    k2 = predators(moved(k1, DT / 2), p)
    k3 = predators(moved(k2, DT / 2), p)
    k4 = predators(moved(k3, DT), p)
    slopes = zip(state, k1, k2, k3, k4, strict=True)
    return [s + DT / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in slopes]


def rk4_of_ours() -> dict[str, float]:
    """The Jacobian of the last state by the four rates."""
    from autograd_lite import fori_loop, jacfwd, jit

    started = time.perf_counter()
    fast = jit(jacfwd(lambda p: fori_loop(0, STEPS, lambda i, state: runge_kutta(state, p), [10.0, 5.0])))
    fast(RATES)
    first = time.perf_counter() - started
    soon = best(lambda: fast(RATES), 20)
    started = time.perf_counter()
    while time.perf_counter() - started < 1.0:  # until machine code is there
        fast(RATES)
    return {"first": first, "soon": soon, "later": best(lambda: fast(RATES), 200)}


def rk4_of_jax() -> dict[str, float]:
    """The same by JAX."""
    jax = jax_of_one_thread()
    jnp = jax.numpy

    def simulated(p: Any) -> Any:
        start = [jnp.float64(10.0), jnp.float64(5.0)]
        return jnp.stack(jax.lax.fori_loop(0, STEPS, lambda i, state: runge_kutta(state, p), start))

    rates = jnp.array(RATES)
    started = time.perf_counter()
    fast = jax.jit(jax.jacfwd(simulated))
    jax.block_until_ready(fast(rates))
    first = time.perf_counter() - started
    return {"first": first, "later": best(lambda: jax.block_until_ready(fast(rates)), 200)}


def memory_of_ours() -> dict[str, float]:
    """Kilobytes that map and sum take beside the data and the result, of four million rows."""
    import resource

    import numpy as np

    from autograd_lite import exp, jit, sin

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    fast = jit(lambda x, y: sin(x) * y + exp(-x * x))
    X = np.random.default_rng(0).normal(size=4_000_000)
    Y = X + 1.0
    fast.map(X[:1000], Y[:1000])
    before = peak()
    made = fast.map(X, Y).nbytes // 1024
    after = peak()
    fast.sum(X, Y)
    return {"map, kB": after - before - made, "sum, kB": peak() - after}


# ---- Running ------------------------------------------------------------------------------

PARTS: dict[str, dict[str, Callable[[], dict[str, float]]]] = {
    **{
        f"steps: {name}": {
            "autograd_lite": functools.partial(steps_of_ours, net),
            "torch": functools.partial(steps_of_torch, net),
            "jax": functools.partial(steps_of_jax, net),
        }
        for name, net in NETS.items()
    },
    "gmm: value and gradient": {"autograd_lite": gmm_of_ours, "jax": gmm_of_jax},
    "map: ns an instruction and row": {"autograd_lite": map_of_ours},
    "rk4: Jacobian of 200 steps by 4 rates": {"autograd_lite": rk4_of_ours, "jax": rk4_of_jax},
    "memory: beside the data": {"autograd_lite": memory_of_ours},
    "greeks: a million options": {"autograd_lite": greeks_of_ours, "jax": greeks_of_jax, "numpy": greeks_of_numpy},
}


def main() -> None:
    """Measure, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default="")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        part, engine = options.one
        print(json.dumps(PARTS[part][engine]()))
        return
    # Modules are compiled once, as they are where they are installed.
    environment = {name: x for name, x in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for part, engines in PARTS.items():
        if not part.startswith(options.part):
            continue
        print(part)
        found: dict[str, list[dict[str, float]]] = {engine: [] for engine in engines}
        for _ in range(options.turns):
            for engine, figures in found.items():
                done = subprocess.run(
                    [sys.executable, __file__, "--one", part, engine],
                    capture_output=True, text=True, check=False, env=environment,
                )  # fmt: skip
                if done.returncode == 0:
                    figures.append(json.loads(done.stdout.splitlines()[-1]))
        for engine, figures in found.items():
            if not figures:
                print(f"  {engine:14} not measured: is it installed?")
                continue
            medians = {name: statistics.median(f[name] for f in figures) for name in figures[0]}
            print(f"  {engine:14} " + "  ".join(f"{name} {shown(name, x)}" for name, x in medians.items()))


def shown(name: str, x: float) -> str:
    """A figure with its unit."""
    if name not in ("step", "whole", "first", "soon", "later"):
        return f"{x:,.0f}" if x > 1000 else f"{x:.3f}"
    return f"{x * 1e6:.2f} us" if x < 1e-3 else f"{x * 1e3:.1f} ms"


if __name__ == "__main__":
    main()
