"""What Dask costs, and from which size on two workers are worth it.

    python benchmarks/workers.py            some minute
    python benchmarks/workers.py --quick    fewer rounds

A local cluster of two processes of one thread each. Times are the best of several rounds. Needs the extra
``distributed``.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster

from autograd_lite import distributed, exp, fit, jit, nn, optim, sin, value_and_grad


def small(x: Any) -> Any:
    return sin(x) * x + exp(-x)


def large(x: Any, a: Any) -> Any:
    for _ in range(40):
        x = sin(x) * a + exp(-x * x)
    return x


def best(run: Callable[[], Any], rounds: int) -> float:
    """The shortest time of some runs, in milliseconds; the first, which compiles, does not count."""
    run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def overhead(rounds: int) -> None:
    """Partitions of one row: all there is is Dask's own time."""
    fast = jit(small)
    print("a sum of n partitions with one row each, ms")
    for count in (2, 16, 128):
        x = da.ones(count, chunks=1).persist()
        print(f"{count:12,}  {best(partial(distributed.sum, fast, x), rounds):8.1f}")


def sizes(name: str, fast: Any, shared: dict[str, float], most: int, rounds: int) -> None:
    print(f"\n{name}, ms\n        rows  one process  two workers, 2 partitions  16 partitions")
    for power in range(4, most + 1):
        x = np.linspace(0.0, 1.0, 10**power)
        alone = best(partial(fast.sum, x, **shared), rounds)
        row = [f"{len(x):12,}", f"{alone:11.1f}"]
        for count, width in ((2, 26), (16, 14)):
            parts = da.linspace(0.0, 1.0, len(x), chunks=-(-len(x) // count)).persist()
            row.append(f"{best(partial(distributed.sum, fast, parts, **shared), rounds):{width}.1f}")
        print("  ".join(row))


def training(client: Client, rounds: int) -> None:
    print("\na full-batch step of MLP(16, [32, 1]) by fit, ms\n     samples  one process  two workers")
    for count in (100, 1_000, 10_000):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(count, 16)), rng.normal(size=count)
        parts = [da.from_array(x, chunks=(count // 2, *x.shape[1:])).persist() for x in (X, y)]
        times = []
        for samples, targets, own in ((X, y, None), (*parts, client)):
            model = nn.MLP(16, [32, 1], rng=0)
            optimizer = optim.SGD(model.parameters(), lr=0.01)
            settings: dict[str, Any] = {"loss": nn.mse_loss, "optimizer": optimizer, "progress": False, "client": own}
            history = fit(model, samples, targets, epochs=2 + rounds, **settings)
            times.append(1e3 * min(history.times[1:]))
        print(f"{count:12,}  {times[0]:11.1f}  {times[1]:11.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = 5 if parser.parse_args().quick else 15
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        overhead(rounds)
        sizes("sin(x) * x + exp(-x)", jit(small), {}, 7, rounds)
        sizes("value and gradient of 240 operations", jit(value_and_grad(large, argnames="a")), {"a": 0.5}, 6, rounds)
        training(client, rounds)


if __name__ == "__main__":
    main()
