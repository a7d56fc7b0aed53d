"""What Hessians, products with them and Jacobians cost: dense, tall, wide and sparse."""

import functools
from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks import by_hand
from benchmarks.engines import keeping
from benchmarks.functions import pendulum_step, rosenbrock, rosenbrock_at, rosenbrock_of_array
from benchmarks.measure import MissingError, Ready, Workload

HESSIAN, PRODUCT = rosenbrock_at(20).x, rosenbrock_at(100).x
DIRECTION = rosenbrock_at(101).x[1:]


def chained(x: Any, m: Any) -> list[Any]:
    """As many results as arguments, each of three neighbours: a band of three diagonals."""
    n = len(x)
    return [m.sin(x[i]) * x[(i + 1) % n] + x[i - 1] * x[i - 1] for i in range(n)]


def tall(p: Any, m: Any) -> list[Any]:
    """A pendulum's angle and speed after each of 50 steps, by 4 numbers."""
    state, found = (p[2], p[3]), list[Any]()
    for _ in range(50):
        state = pendulum_step(state, p, m)
        found += state
    return found


def wide(x: Any, m: Any) -> list[Any]:
    """3 results of 100 numbers."""
    total, waves, product = 0.0, 0.0, 1.0
    for i in range(len(x) - 1):
        total, waves = total + x[i] * x[i + 1], waves + m.sin(x[i] * x[i + 1])
        product = product * (1.0 + 0.01 * x[i])
    return [total, waves, product]


def casadi_of(make: Callable[[Any, Any], Any], size: int) -> Ready:
    """A function of SX through its buffers, for a point of so many numbers."""
    import casadi

    x = casadi.SX.sym("x", size)
    found = casadi.densify(make(casadi.vertsplit(x), x))
    function = casadi.Function("f", [x], [found])
    buffer: Any
    buffer, evaluate = function.buffer()
    given, results = array("d", rosenbrock_at(size).x), array("d", bytes(8 * found.numel()))
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(results))
    rows, columns = found.shape
    kept = (function, buffer, given, results)

    def by_rows() -> list[float]:  # as it keeps columns
        return [results[j * rows + i] for i in range(rows) for j in range(columns)]

    return Ready(keeping(evaluate, kept), by_rows)


def ours(make: Callable[[Any], Any], x: list[float], backend: str) -> Ready:
    """A compiled transform of ``make(autograd_lite)``; or not compiled at all."""
    import autograd_lite as ag
    from autograd_lite.jit.backends import vm

    if backend == "vm" and not vm.is_there():
        raise MissingError("needs the compiled core")
    transformed = make(ag)
    fast = transformed if backend == "eager" else ag.jit(transformed, backend=backend)
    return Ready(lambda: fast(x))


def all_of_ours(make: Callable[[Any], Any], x: list[float]) -> dict[str, Callable[[], Ready]]:
    return {f"autograd_lite, {b}": functools.partial(ours, make, x, b) for b in ("native", "vm", "eager")}


def jax_of(make: Callable[[Any, Any], Any], x: list[float]) -> Ready:
    """A compiled function of an array: ``make(jax, module)``."""
    import jax
    import jax.numpy as jnp

    fast, point = jax.jit(make(jax, jnp)), jnp.array(x)
    return Ready(lambda: jax.block_until_ready(fast(point)))


def hips_of(make: Callable[[Any, Any], Any], x: list[float]) -> Ready:
    """A function of an array by HIPS autograd: ``make(autograd, module)``."""
    import autograd
    import autograd.numpy as anp

    function, point = make(autograd, anp), anp.array(x)
    return Ready(lambda: function(point))


# ---- Hessian, and its product with a direction ------------------------------------------------


def hessian_of_casadi() -> Ready:
    import casadi

    return casadi_of(lambda parts, x: casadi.hessian(rosenbrock(parts, casadi), x)[0], len(HESSIAN))


def hessian_of_c() -> Ready:
    ready = by_hand.by_c("rosenbrock_hessian", HESSIAN, len(HESSIAN) ** 2, len(HESSIAN))
    return Ready(ready.call, lambda: ready.call()[1])


def hessian_of_ours(ag: Any) -> Any:
    return ag.hessian(lambda x: rosenbrock(x, ag))


def hessian_of_array() -> Ready:
    import numpy as np

    import autograd_lite as ag

    fast, x = ag.jit(hessian_of_ours(ag), backend="native"), np.array(HESSIAN)
    return Ready(lambda: fast(x))


def hessians() -> dict[str, Callable[[], Ready]]:
    return {
        **all_of_ours(hessian_of_ours, HESSIAN),
        "autograd_lite, native, array": hessian_of_array,
        "casadi": hessian_of_casadi,
        "autograd": lambda: hips_of(lambda a, m: a.hessian(lambda x: rosenbrock_of_array(x, m)), HESSIAN),
        "jax": lambda: jax_of(lambda j, m: j.hessian(lambda x: rosenbrock_of_array(x, m)), HESSIAN),
        "C, gcc -O2": hessian_of_c,
    }


def product_of_casadi() -> Ready:
    import casadi

    def made(parts: Any, x: Any) -> Any:
        gradient = casadi.gradient(rosenbrock(parts, casadi), x)
        return casadi.jtimes(gradient, x, casadi.DM(DIRECTION))

    return casadi_of(made, len(PRODUCT))


def products() -> dict[str, Callable[[], Ready]]:
    def of_ours(ag: Any) -> Any:
        return lambda x: ag.hvp(lambda x: rosenbrock(x, ag), (x,), (DIRECTION,))

    def of_jax(j: Any, m: Any) -> Any:
        slope = j.grad(lambda x: rosenbrock_of_array(x, m))
        return lambda x: j.jvp(slope, (x,), (m.array(DIRECTION),))[1]

    def of_hips(a: Any, m: Any) -> Any:
        product = a.hessian_vector_product(lambda x: rosenbrock_of_array(x, m))
        return lambda x: product(x, m.array(DIRECTION))

    return {
        **all_of_ours(of_ours, PRODUCT),
        "casadi": product_of_casadi,
        "autograd": lambda: hips_of(of_hips, PRODUCT),
        "jax": lambda: jax_of(of_jax, PRODUCT),
    }


# ---- Jacobians ------------------------------------------------------------------------------


def tall_of_jax(p: Any, m: Any) -> Any:
    """With a loop that JAX compiles once."""
    import jax

    def step(state: Any, _: Any) -> Any:
        state = pendulum_step(state, p, m)
        return state, m.stack(state)

    return jax.lax.scan(step, (p[2], p[3]), None, length=50)[1].reshape(-1)


def wide_of_array(x: Any, m: Any) -> Any:
    neighbours = x[:-1] * x[1:]
    return m.stack([neighbours.sum(), m.sin(neighbours).sum(), m.prod(1.0 + 0.01 * x[:-1])])


def jacobians(
    f: Callable[[Any, Any], list[Any]], size: int, of_array: Callable[[Any, Any], Any]
) -> dict[str, Callable[[], Ready]]:
    x = rosenbrock_at(size).x

    def of_casadi() -> Ready:
        import casadi

        module = SimpleNamespace(sin=casadi.sin)
        return casadi_of(lambda parts, x: casadi.jacobian(casadi.vertcat(*f(parts, module)), x), size)

    def of_jax() -> Ready:
        mode = "jacrev" if f is wide else "jacfwd"
        return jax_of(lambda j, m: getattr(j, mode)(lambda x: of_array(x, m)), x)

    return {
        **all_of_ours(lambda ag: ag.jacobian(lambda x: f(x, ag)), x),
        "casadi": of_casadi,
        "jax": of_jax,
    }


def sparse_of_ours(size: int, backend: str) -> Ready:
    """The entries alone, in their order of rows."""
    ready = ours(lambda ag: ag.jacobian(lambda x: chained(x, ag), sparse=True), rosenbrock_at(size).x, backend)
    return Ready(ready.call, lambda: by_rows(*_parts(ready.call())))


def _parts(coo: Any) -> tuple[Any, Any, Any]:
    return coo.data, coo.row, coo.col


def by_rows(data: Any, row: Any, col: Any) -> list[float]:
    return [float(x) for _, _, x in sorted(zip(row, col, data, strict=True))]


def sparse_of_casadi(size: int) -> Ready:
    import casadi

    x = casadi.SX.sym("x", size)
    found = casadi.jacobian(casadi.vertcat(*chained(casadi.vertsplit(x), casadi)), x)
    row, col = found.sparsity().get_triplet()
    function = casadi.Function("f", [x], [found])
    buffer: Any
    buffer, evaluate = function.buffer()
    given, results = array("d", rosenbrock_at(size).x), array("d", bytes(8 * found.nnz()))
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(results))
    kept = (function, buffer, given, results)
    return Ready(keeping(evaluate, kept), lambda: by_rows(results, row, col))


def sparse(size: int) -> Workload:
    contenders: dict[str, Callable[[], Ready]] = {
        f"autograd_lite, {b}": functools.partial(sparse_of_ours, size, b) for b in ("native", "vm", "eager")
    }
    contenders["casadi"] = functools.partial(sparse_of_casadi, size)
    return Workload(
        f"sparse Jacobian, {size} x {size}", contenders, per=3 * size, each="an entry", curve="sparse Jacobians",
        slow=frozenset({"autograd_lite, native"} if size > 100 else ()),
        size=size, behind=LISTS,
    )  # fmt: skip


# ---- A loop ---------------------------------------------------------------------------------

STEPS, DT, RATES = 200, 0.05, [1.1, 0.4, 0.1, 0.4]


def lotka_volterra(state: Any, p: Any) -> list[Any]:
    """One step of Runge and Kutta."""

    def slope(s: Any) -> list[Any]:
        x, y = s
        return [p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y]

    def moved(k: Any, h: float) -> list[Any]:
        return [s + h * d for s, d in zip(state, k, strict=True)]

    k1 = slope(state)
    k2 = slope(moved(k1, DT / 2))
    k3 = slope(moved(k2, DT / 2))
    k4 = slope(moved(k3, DT))
    slopes = zip(state, k1, k2, k3, k4, strict=True)
    return [s + DT / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in slopes]


def loops() -> dict[str, Callable[[], Ready]]:
    def of_ours(ag: Any) -> Any:
        def simulated(p: Any) -> Any:
            return ag.fori_loop(0, STEPS, lambda i, state: lotka_volterra(state, p), [10.0, 5.0])

        return ag.jacfwd(simulated)

    def of_jax(j: Any, m: Any) -> Any:
        def simulated(p: Any) -> Any:
            start = [m.float64(10.0), m.float64(5.0)]
            return m.stack(j.lax.fori_loop(0, STEPS, lambda i, state: lotka_volterra(state, p), start))

        return j.jacfwd(simulated)

    return {**all_of_ours(of_ours, RATES), "jax": lambda: jax_of(of_jax, RATES)}


LISTS = "The results are lists of Python's floats, made at each call; CasADi and C write into a buffer."
WORKLOADS = [
    Workload("Hessian, Rosenbrock-20", hessians(), behind=LISTS),
    Workload("Hessian-vector product, Rosenbrock-100", products(), behind=LISTS),
    Workload("tall Jacobian, 100 x 4", jacobians(tall, 4, tall_of_jax), behind=LISTS),
    Workload("wide Jacobian, 3 x 100", jacobians(wide, 100, wide_of_array), behind=LISTS),
    sparse(100),
    sparse(1000),
    Workload("Jacobian of a loop of 200 steps, 2 x 4", loops(), tolerance=1e-7),
]
