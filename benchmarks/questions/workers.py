"""What Dask costs, and from which size on two processes are worth it."""

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Ready, Workload


def cluster() -> Any:
    """A client of a local cluster: two processes of one thread each."""
    from dask.distributed import Client, LocalCluster

    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    return Client(LocalCluster(**settings))


def small() -> Any:
    from autograd_lite import exp, jit, sin

    return jit(lambda x: sin(x) * x + exp(-x))


def large() -> Any:
    """Value and gradient of 240 operations."""
    from autograd_lite import exp, jit, sin, value_and_grad

    def f(x: Any, a: Any) -> Any:
        for _ in range(40):
            x = sin(x) * a + exp(-x * x)
        return x

    return jit(value_and_grad(f, argnames="a"))


FUNCTIONS: dict[str, tuple[Callable[[], Any], dict[str, float]]] = {
    "sin(x) * x + exp(-x)": (small, {}),
    "240 operations and their gradient": (large, {"a": 0.5}),
}


def alone(name: str, rows: int) -> Ready:
    import numpy as np

    (make, shared), x = FUNCTIONS[name], np.linspace(0.0, 1.0, rows)
    fast = make()
    return Ready(lambda: fast.sum(x, **shared))


def by_dask(name: str, rows: int, partitions: int) -> Ready:
    import dask.array as da

    from autograd_lite import distributed

    make, shared = FUNCTIONS[name]
    fast, client = make(), cluster()
    x = da.linspace(0.0, 1.0, rows, chunks=-(-rows // partitions)).persist()

    def call() -> Any:
        assert client.status == "running"  # it is needed as long as this is called
        return distributed.sum(fast, x, **shared)

    return Ready(call)


def sums(name: str, power: int) -> Workload:
    rows = 10**power
    contenders: dict[str, Callable[[], Ready]] = {
        "autograd_lite": functools.partial(alone, name, rows),
        "dask, 2 partitions": functools.partial(by_dask, name, rows, 2),
        "dask, 16 partitions": functools.partial(by_dask, name, rows, 16),
    }
    return Workload(
        f"{name}, {rows} rows", contenders, per=rows, each="a row", curve=f"sum of {name}", size=rows,
        is_quick=rows == 100_000,
    )  # fmt: skip


def ones(partitions: int) -> Ready:
    import numpy as np

    fast, x = small(), np.ones(partitions)
    return Ready(lambda: fast.sum(x))


def ones_by_dask(partitions: int) -> Ready:
    """Partitions of one row: all there is is Dask's own time."""
    import dask.array as da

    from autograd_lite import distributed

    fast, client = small(), cluster()
    x = da.ones(partitions, chunks=1).persist()

    def call() -> Any:
        assert client.status == "running"
        return distributed.sum(fast, x)

    return Ready(call)


def overhead(partitions: int) -> Workload:
    contenders = {
        "autograd_lite": functools.partial(ones, partitions),
        "dask, two processes": functools.partial(ones_by_dask, partitions),
    }
    return Workload(f"{partitions} partitions of a row", contenders, curve="Dask's own time", size=partitions,
                    is_quick=False)  # fmt: skip


def step(samples: int, has_client: bool) -> Ready:
    """A full-batch step of ``fit``."""
    import numpy as np

    from autograd_lite import fit, nn, optim

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(samples, 16)), rng.normal(size=samples)
    model = nn.MLP(16, [32, 1], rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    settings: dict[str, Any] = {"loss": nn.mse_loss, "optimizer": optimizer, "progress": False}
    parts: Any = (X, y)
    if has_client:
        import dask.array as da

        settings["client"] = cluster()
        parts = [da.from_array(x, chunks=(samples // 2, *x.shape[1:])).persist() for x in (X, y)]

    def call() -> None:
        fit(model, *parts, epochs=1, **settings)

    def figure() -> float:
        return float(min(fit(model, *parts, epochs=6, **settings).times[1:]))

    return Ready(call, lambda: [p.data for p in model.parameters()], figure)


def steps(samples: int) -> Workload:
    contenders = {
        "autograd_lite": functools.partial(step, samples, False),
        "dask, two processes": functools.partial(step, samples, True),
    }
    return Workload(f"a step of fit, {samples} samples", contenders, curve="a step of fit", size=samples,
                    is_quick=samples == 1_000, tolerance=1e-7)  # fmt: skip


WORKLOADS = [
    *[overhead(partitions) for partitions in (2, 16, 128)],
    *[sums("sin(x) * x + exp(-x)", power) for power in range(4, 8)],
    *[sums("240 operations and their gradient", power) for power in range(4, 7)],
    *[steps(10**power) for power in range(2, 5)],
]
