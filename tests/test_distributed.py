"""distributed.map and distributed.sum, and fit(client=...): two processes, and a worker that is killed.

What travels is closed over here: the workers cannot import the tests.
"""

import importlib.util
import math
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value, distributed, fit, grad, jit, nn, no_grad, optim, value_and_grad
from autograd_lite.errors import AnomalyError, ArgumentError, GraphError, MissingDependencyError, TracingError
from autograd_lite.training import accuracy

XS = np.random.default_rng(0).normal(size=47)
YS = np.random.default_rng(1).normal(size=47)
ROWS = np.random.default_rng(2).normal(size=(47, 3))
CHUNKS = (10, 20, 17)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("dask.array")
    module = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with module.LocalCluster(**settings) as cluster, module.Client(cluster) as client:
        yield client


@pytest.fixture
def client(cluster: Any) -> Any:
    cluster.wait_for_workers(2)
    return cluster


@pytest.fixture
def da(client: Any) -> Any:
    return pytest.importorskip("dask.array")


@pytest.fixture
def dd(client: Any) -> Any:
    pytest.importorskip("pyarrow")
    return pytest.importorskip("dask.dataframe")


def parts(array: Any) -> list[Any]:
    """An array as the chunks divide it."""
    return np.split(array, np.cumsum(CHUNKS)[:-1])


def in_order(totals: list[Any]) -> Any:
    """Numbers, added one by one."""
    total = totals[0]
    for other in totals[1:]:
        total = total + other
    return total


# -- sum --


def test_a_sum_is_that_of_the_partitions_in_their_order_to_the_bit(da: Any) -> None:
    fast = jit(lambda x, y, a: ag.sin(a * x) * ag.exp(y))
    found = distributed.sum(fast, da.from_array(XS, chunks=CHUNKS), da.from_array(YS, chunks=CHUNKS), a=3.0)
    assert found == in_order([fast.sum(x, y, a=3.0) for x, y in zip(parts(XS), parts(YS), strict=True)])
    assert math.isclose(found, fast.sum(XS, YS, a=3.0), rel_tol=1e-13)


def test_a_sum_is_the_same_whoever_computes_it(da: Any) -> None:
    dask = pytest.importorskip("dask")
    fast = jit(lambda x: ag.exp(x) / 3.0)
    x = da.from_array(XS, chunks=CHUNKS)
    found = distributed.sum(fast, x)
    for scheduler in ("sync", "threads"):
        with dask.config.set(scheduler=scheduler):
            assert distributed.sum(fast, x) == found


def as_arrays(da: Any, client: Any) -> tuple[Any, ...]:
    return da.from_array(ROWS, chunks=(CHUNKS, (2, 1))), da.from_array(XS, chunks=CHUNKS)


def as_arrays_of_other_chunks(da: Any, client: Any) -> tuple[Any, ...]:
    return da.from_array(ROWS, chunks=(CHUNKS, 3)), da.from_array(XS, chunks=5)


def as_arrays_of_unknown_sizes(da: Any, client: Any) -> tuple[Any, ...]:
    rows, xs = as_arrays(da, client)
    return rows, xs[xs > -100.0]


def as_futures(da: Any, client: Any) -> tuple[Any, ...]:
    return client.scatter(parts(ROWS)), client.scatter([part.tolist() for part in parts(XS)])


def as_futures_of_tuples(da: Any, client: Any) -> tuple[Any, ...]:
    pairs = list(zip(parts(ROWS), parts(XS), strict=True))
    return (client.map(lambda i: pairs[i], range(3)),)


def as_delayed(da: Any, client: Any) -> tuple[Any, ...]:
    rows, xs = as_arrays(da, client)
    return rows.rechunk({1: 3}).to_delayed().ravel().tolist(), xs.to_delayed().tolist()


@pytest.mark.parametrize(
    "columns",
    [as_arrays, as_arrays_of_other_chunks, as_arrays_of_unknown_sizes, as_futures, as_futures_of_tuples, as_delayed],
)
def test_partitions_of_every_kind_are_summed(columns: Callable[..., Any], da: Any, client: Any) -> None:
    fast = jit(lambda row, x: {"dot": x * ag.sum(row), "first": [row[0], x]})
    found = distributed.sum(fast, *columns(da, client))
    wanted = [fast.sum(row, x) for row, x in zip(parts(ROWS), parts(XS), strict=True)]
    assert found == {
        "dot": in_order([w["dot"] for w in wanted]),
        "first": [in_order([w["first"][i] for w in wanted]) for i in range(2)],
    }


def test_what_is_closed_over_gets_its_gradients(da: Any) -> None:
    model = nn.MLP(3, [4, 1], rng=0)
    fast = jit(lambda row, x: (model(row) - x) ** 2)
    for row, x in zip(parts(ROWS), parts(XS), strict=True):
        fast.sum(row, x).backward()
    wanted = [p.grad for p in model.parameters()]
    model.zero_grad()
    total = distributed.sum(fast, da.from_array(ROWS, chunks=(CHUNKS, 3)), da.from_array(XS, chunks=CHUNKS))
    (2.0 * total).backward()
    assert total.data == in_order([fast.sum(row, x).data for row, x in zip(parts(ROWS), parts(XS), strict=True)])
    assert [p.grad for p in model.parameters()] == pytest.approx([2.0 * g for g in wanted], rel=1e-13)


def test_values_come_by_keyword_too_and_by_transforms(da: Any) -> None:
    x = da.from_array(XS, chunks=CHUNKS)
    shift = Value(0.5)
    fast = jit(lambda x, w: [w["a"] * x + shift, x])
    a = Value(2.0)
    first, second = distributed.sum(fast, x, w={"a": a})
    first.backward()
    assert (a.grad, shift.grad) == (pytest.approx(XS.sum(), rel=1e-13), 47.0)
    assert type(second) is float
    assert grad(lambda a: distributed.sum(fast, x, w={"a": a})[0])(3.0) == pytest.approx(XS.sum(), rel=1e-13)
    by_rows = jit(value_and_grad(lambda x, w: w * w * x, argnames="w"))
    assert distributed.sum(by_rows, x, w=3.0) == pytest.approx((9.0 * XS.sum(), 6.0 * XS.sum()), rel=1e-13)


def test_numbers_of_values_are_those_of_the_moment(da: Any) -> None:
    w = Value(1.0)
    fast, x = jit(lambda x: w * x), da.from_array(XS, chunks=CHUNKS)
    once = distributed.sum(fast, x).data
    w.data = -2.0
    assert distributed.sum(fast, x).data == pytest.approx(-2.0 * once, rel=1e-13)
    with no_grad():
        assert not distributed.sum(fast, x).requires_grad


def test_a_frozen_value_is_a_constant(da: Any) -> None:
    w, b = Value(2.0).requires_grad_(False), Value(1.0)
    distributed.sum(jit(lambda x: w * x + b), da.from_array(XS, chunks=CHUNKS)).backward()
    assert (w.has_grad, b.grad) == (False, 47.0)


def test_a_worker_records_a_function_once(da: Any, tmp_path: Path) -> None:
    log, w = tmp_path / "recordings", Value(1.0)

    def f(x: Any) -> Any:
        with log.open("a") as file:  # a side effect, which happens when the function is recorded
            file.write(f"{os.getpid()}\n")
        return w * x

    fast, x = jit(f), da.from_array(XS, chunks=5)
    for _ in range(3):
        distributed.sum(fast, x)
        w.data += 1.0
    pids = log.read_text().split()
    assert 1 <= len(pids) == len(set(pids)) <= 2


def test_decorated_functions_of_a_script_travel(da: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    w = Value(3.0, name="w")

    @jit
    @value_and_grad
    def loss(x: Any) -> Any:
        return x * x

    @jit
    def other(x: Any) -> Any:
        return w * loss(x)[0]

    functions: tuple[Any, ...] = (loss, other)
    for function in functions:  # as if this were __main__
        function.__module__, function.__qualname__ = "__main__", function.__name__
        monkeypatch.setattr(sys.modules["__main__"], function.__name__, function, raising=False)
    distributed.sum(other, da.from_array(XS, chunks=CHUNKS)).backward()
    assert w.grad == pytest.approx((XS * XS).sum(), rel=1e-13)


def test_values_of_a_module_that_the_workers_import_are_refused(
    da: Any, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_the_user.py").write_text(
        "from autograd_lite import Value, jit\nw = Value(1.0, name='mine')\n@jit\ndef f(x):\n    return w * x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    client.run(lambda place: sys.path.insert(0, place), str(tmp_path))
    module = __import__("of_the_user")
    with pytest.raises(ArgumentError, match=r"mine.* of a module that each worker imports"):
        distributed.sum(module.f, da.from_array(XS, chunks=CHUNKS))


def test_second_derivatives_are_refused(da: Any) -> None:
    w = Value(2.0)
    total = distributed.sum(jit(lambda x: w * w * x), da.from_array(XS, chunks=CHUNKS))
    with pytest.raises(GraphError, match="first derivatives only"):
        total.backward(create_graph=True)


def test_a_compiled_function_does_not_record_other_processes(da: Any) -> None:
    fast, x = jit(lambda x, a: a * x), da.from_array(XS, chunks=CHUNKS)
    for compute in (distributed.sum, distributed.map):
        with pytest.raises(TracingError, match="other processes"):
            jit(lambda a: compute(fast, x, a=a))(2.0)  # noqa: B023 - called at once
    _, tangent = ag.jvp(lambda a: distributed.sum(fast, x, a=a), (2.0,), (1.0,))
    assert tangent == pytest.approx(XS.sum(), rel=1e-13)


def test_rows_of_other_branches_and_partitions_without_rows(da: Any) -> None:
    fast, x = jit(lambda x: x * x if x > 0.0 else -x), da.from_array(XS, chunks=CHUNKS)
    assert distributed.sum(fast, x) == pytest.approx(fast.sum(XS), rel=1e-13)
    none = x[x > 100.0]
    assert distributed.sum(fast, da.concatenate([none, da.ones(3, chunks=3)])) == 3.0
    assert distributed.sum(fast, none) == fast.sum(np.empty(0)) == 0.0


# -- map --


def test_from_arrays_come_arrays_in_the_structure_of_a_result(da: Any) -> None:
    fast = jit(lambda row, x, a: {"dot": a * x * ag.sum(row), "pair": [row[0], (x if x > 0.0 else -x)]})
    found = distributed.map(fast, da.from_array(ROWS, chunks=(CHUNKS, 3)), da.from_array(XS, chunks=CHUNKS), a=2.0)
    wanted = fast.map(ROWS, XS, a=2.0)
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        assert isinstance(array, da.Array)
        assert array.chunks[0] == CHUNKS
        assert np.array_equal(array.compute(), wanted[name])


def test_a_model_predicts_plain_numbers(da: Any) -> None:
    model = nn.MLP(3, [4, 2], rng=0)
    found = distributed.map(jit(model), da.from_array(ROWS, chunks=(CHUNKS, 3)))
    assert found.shape == (47, 2)
    assert found.compute().tolist() == ag.predict(model, ROWS)


def test_from_futures_come_delayed_objects(client: Any) -> None:
    dask = pytest.importorskip("dask")
    fast = jit(lambda x: {"double": 2.0 * x})
    found = dask.compute(*distributed.map(fast, client.scatter([[1.0, 2.0], [3.0]])))
    assert found == ([{"double": 2.0}, {"double": 4.0}], [{"double": 6.0}])


def test_results_that_are_no_numbers_or_change_their_structure_are_refused(da: Any) -> None:
    x = da.from_array(XS, chunks=CHUNKS)
    with pytest.raises(TypeError, match="arrays of numbers"):
        distributed.map(jit(lambda x: (x, "text")), x)
    found = distributed.map(jit(lambda x: [x, x] if x > 0.5 else [x]), x)
    with pytest.raises(ArgumentError, match="another structure"):
        found.compute()


# -- Files that the workers read --


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_workers_read_the_files(kind: str, dd: Any, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"name": ["a", "b"] * 23 + ["c"], "y": YS, "x": XS, "n": range(47)})
    for i, rows in enumerate(parts(np.arange(47))):
        part = frame.iloc[rows]
        part.to_csv(tmp_path / f"{i}.csv", index=False) if kind == "csv" else part.to_parquet(tmp_path / f"{i}.parquet")
    data = getattr(dd, f"read_{kind}")(str(tmp_path / f"*.{kind}"))
    w = Value(1.5)
    fast = jit(lambda x, y, n: (w * x - y) ** 2 * n)
    total = distributed.sum(fast, data.x, data["y"], data.n)
    total.backward()
    gradient, w.grad = w.grad, None
    wanted = fast.sum(XS, YS, np.arange(47))
    wanted.backward()
    assert (total.data, gradient) == pytest.approx((wanted.data, w.grad), rel=1e-12)
    some = data[data.x > 1.0]  # in some partitions there may be none
    assert distributed.sum(jit(lambda row: row[0] - row[1]), some[["x", "y"]]) == pytest.approx(
        (XS - YS)[XS > 1.0].sum(), rel=1e-12
    )
    assert distributed.map(jit(lambda x: 2.0 * x), data.x).compute().tolist() == (2.0 * XS).tolist()


def test_the_columns_of_a_frame_are_read_together(dd: Any, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    log = tmp_path / "reads"

    def read(i: int) -> Any:
        with log.open("a") as file:
            file.write(f"{i}\n")
        return pandas.DataFrame({"x": [float(i)], "y": [2.0]})

    data = dd.from_map(read, [1, 2], meta={"x": float, "y": float})
    assert distributed.sum(jit(lambda x, y: x * y), data.x, data.y) == 6.0
    assert sorted(log.read_text().split()) == ["1", "2"]


def test_the_workers_read_the_files_by_a_function_of_ones_own(client: Any, tmp_path: Path) -> None:
    dask = pytest.importorskip("dask")
    for i, rows in enumerate(parts(ROWS)):
        np.savetxt(tmp_path / f"{i}.csv", rows, delimiter=",")
    files = [dask.delayed(np.loadtxt)(tmp_path / f"{i}.csv", delimiter=",") for i in range(len(CHUNKS))]
    fast = jit(lambda row: ag.exp(row[0]) * row[2])
    assert distributed.sum(fast, files) == in_order([fast.sum(rows) for rows in parts(ROWS)])


# -- Misuse --


def with_a_lock() -> Any:
    lock = threading.Lock()
    return jit(lambda x: x if lock else -x)


MISUSE: dict[str, tuple[Callable[[Any, Any], Any], type[Exception], str]] = {
    "no column": (lambda da, x: distributed.sum(jit(ag.sin)), ArgumentError, "one column at least"),
    "a plain function": (lambda da, x: distributed.sum(ag.sin, x), TypeError, r"distributed.sum\(jit\(f\)"),
    "a plain array": (lambda da, x: distributed.map(jit(ag.sin), XS), TypeError, "from_array"),
    "a list of numbers": (lambda da, x: distributed.sum(jit(ag.sin), [1.0]), TypeError, "from_array"),
    "two kinds": (lambda da, x: distributed.sum(jit(ag.hypot), x, x.to_delayed().tolist()), TypeError, "of one kind"),
    "other lengths": (lambda da, x: distributed.sum(jit(ag.hypot), x, x[1:]), ArgumentError, "47 and 46 rows"),
    "a number": (lambda da, x: distributed.sum(jit(ag.sin), x.sum()), TypeError, "no dimension"),
    "other parts": (
        lambda da, x: distributed.sum(jit(ag.hypot), x.to_delayed().tolist(), x.to_delayed().tolist()[1:]),
        ArgumentError,
        "3 and 2 parts",
    ),
    "unknown chunks": (
        lambda da, x: distributed.sum(jit(ag.hypot), x, da.concatenate([x[x > 0], x[x < 0]])),
        ArgumentError,
        "unknown",
    ),
    "a lock": (lambda da, x: distributed.sum(with_a_lock(), x), ArgumentError, "cannot travel.*lock"),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_says_what_was_expected(name: str, da: Any) -> None:
    call, error, message = MISUSE[name]
    with pytest.raises(error, match=message):
        call(da, da.from_array(XS, chunks=CHUNKS))


@pytest.mark.parametrize("package", ["dask.array", "cloudpickle"])
def test_without_dask_the_extra_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograd_lite.distributed import packing

    packing._pickler.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r"autograd_lite\[distributed\]"):
        packing.packed(ag.sin, {}) if package == "cloudpickle" else distributed.sum(jit(ag.sin), XS)


# -- fit --

LABELS = (ROWS[:, 0] * ROWS[:, 1] > 0.0).astype(int)


def training(client: Any, X: Any, y: Any, **settings: Any) -> tuple[nn.MLP, Any]:
    """A small model, trained in this process or by the workers."""
    model = nn.MLP(3, [4, 1], rng=0)
    given: dict[str, Any] = {
        "loss": nn.binary_cross_entropy_with_logits, "optimizer": optim.Adam(model.parameters(), lr=0.05), "epochs": 3,
        "metrics": [accuracy], "progress": False, "client": client, "rng": 0,
    }  # fmt: skip
    return model, fit(model, X, y, **(given | settings))


def samples(da: Any) -> tuple[Any, Any]:
    return da.from_array(ROWS, chunks=(CHUNKS, 3)), da.from_array(LABELS, chunks=CHUNKS)


def test_fit_on_partitions_is_fit_in_one_process_but_for_rounding(da: Any, client: Any) -> None:
    validation = ROWS[:5], LABELS[:5]
    model, history = training(None, ROWS, LABELS, validation=validation)
    other, found = training(client, *samples(da), validation=validation)
    assert set(found) == set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for name in history:
        assert found[name] == pytest.approx(history[name], rel=1e-12)
    assert list(other.state_dict().values()) == pytest.approx(list(model.state_dict().values()), rel=1e-10)


def test_a_compiled_model_is_trained_on_classes(da: Any, client: Any) -> None:
    found = []
    for own, X, y in ((None, ROWS, LABELS), (client, *samples(da))):
        model = nn.MLP(3, [4, 2], rng=0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        history = fit(
            jit(model), X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=2, rng=0, progress=False, client=own
        )
        found.append(history["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_futures_of_lists_are_samples_too(client: Any, da: Any) -> None:
    found = training(
        client, client.scatter([p.tolist() for p in parts(ROWS)]), client.scatter([p.tolist() for p in parts(LABELS)])
    )
    assert found[0].state_dict() == training(client, *samples(da))[0].state_dict()


def test_a_frame_and_a_series_are_samples_too(client: Any, dd: Any, da: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=["a", "b", "c"]).assign(label=LABELS)
    data = dd.from_pandas(frame, npartitions=2)
    _, found = training(client, data[["a", "b", "c"]], data.label)
    assert found["loss"] == pytest.approx(training(None, ROWS, LABELS)[1]["loss"], rel=1e-12)


def test_batches_take_every_sample_once_in_an_order_that_the_seed_decides(da: Any, client: Any) -> None:
    def of(seed: int, lr: float) -> tuple[Any, Any]:
        model = nn.MLP(3, [4, 1], rng=0)
        optimizer = optim.SGD(model.parameters(), lr=lr)
        history = fit(
            model, *samples(da), loss=nn.binary_cross_entropy_with_logits, optimizer=optimizer, epochs=1, batch_size=24,
            rng=seed, progress=False, client=client,
        )  # fmt: skip
        return model.state_dict(), history

    _, history = of(0, 0.0)
    whole = ag.evaluate(nn.MLP(3, [4, 1], rng=0), ROWS, LABELS, loss=nn.binary_cross_entropy_with_logits)
    assert history["loss"] == pytest.approx([whole["loss"]], rel=1e-12)
    assert of(1, 0.5)[0] == of(1, 0.5)[0] != of(2, 0.5)[0]


def test_dropout_draws_on_the_workers_from_the_seed_of_fit(da: Any, client: Any) -> None:
    def of(seed: int) -> Any:
        model = nn.Sequential(nn.Linear(3, 8, rng=0), nn.Dropout(0.5), nn.Linear(8, 1, rng=1))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        X, y = da.from_array(ROWS, chunks=(CHUNKS, 3)), da.from_array(XS.reshape(-1, 1), chunks=(CHUNKS, 1))
        fit(
            model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=2, rng=seed, shuffle=False, progress=False,
            client=client,
        )  # fmt: skip
        return model.state_dict()

    assert of(1) == of(1) != of(2)


def test_a_loss_that_turns_infinite_names_epoch_and_batch_and_moves_nothing(da: Any, client: Any) -> None:
    model = nn.MLP(3, [4, 1], rng=0)
    before = model.state_dict()
    with pytest.raises(AnomalyError, match=r"epoch 1, batch 1: the loss is inf; .* mul gave inf"):
        fit(
            model, *samples(da), loss=lambda z, t: nn.mse_loss(z, t) * 1e308 * 1e308, epochs=1, client=client,
            optimizer=optim.SGD(model.parameters(), lr=0.1), progress=False,
        )  # fmt: skip
    assert model.state_dict() == before


def of_own_rng() -> dict[str, Any]:
    model = nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.5, rng=1))
    return {"model": model, "optimizer": optim.SGD(model.parameters(), lr=0.1)}


FIT_MISUSE: dict[str, tuple[Callable[[Any], dict[str, Any]], type[Exception], str]] = {
    "a sum": (lambda da: {"loss": nn.MSELoss("sum")}, ArgumentError, "the loss is not the mean over samples"),
    "a root": (lambda da: {"loss": lambda z, t: nn.mse_loss(z, t) ** 0.5}, ArgumentError, "is not the mean"),
    "a metric": (lambda da: {"metrics": {"worst": lambda z, t: max(z)}}, ArgumentError, "the metric worst is not"),
    "a list": (lambda da: {"X": ROWS.tolist()}, TypeError, "from_array"),
    "small batches": (lambda da: {"batch_size": 2}, ArgumentError, "batch_size is 2, and there are 3 partitions"),
    "nan": (lambda da: {"X": da.from_array(ROWS * math.nan, chunks=(CHUNKS, 3))}, ArgumentError, "of X.* is nan"),
    "a stranger": (
        lambda da: {"optimizer": optim.SGD([Value(1.0, name="stranger")], lr=0.1), "model": lambda x: x[0]},
        ArgumentError,
        "the optimizer has stranger",
    ),
    "random numbers of its own": (lambda da: of_own_rng(), ArgumentError, "Leave out its rng"),
    "other lengths": (lambda da: {"y": da.from_array(LABELS[1:], chunks=16)}, ArgumentError, "rows"),
    "no client": (lambda da: {"client": "tcp://localhost"}, TypeError, "client is a dask.distributed.Client"),
    "a held-out width": (lambda da: {"validation": ([[1.0]], [1])}, ArgumentError, "a list of 1 for each sample"),
}


@pytest.mark.parametrize("name", FIT_MISUSE)
def test_misuse_of_fit_says_what_was_expected(name: str, da: Any, client: Any) -> None:
    changes, error, message = FIT_MISUSE[name]
    X, y = samples(da)
    model = nn.MLP(3, [4, 1], rng=0)
    given = {
        "model": model, "X": X, "y": y, "loss": nn.mse_loss, "optimizer": optim.SGD(model.parameters(), lr=0.1),
        "epochs": 1, "progress": False, "client": client,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        fit(**(given | changes(da)))


# -- The guide --


def test_the_guide_is_so(da: Any, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "distributed.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    names: dict[str, Any] = {"client": client}
    (tmp_path / "decay").mkdir()
    (tmp_path / "decay" / "0.csv").write_text("t,y\n0.0,1.0\n1.0,0.5\n")
    monkeypatch.chdir(tmp_path)
    for block in blocks[1:]:  # the first starts a cluster
        if "dask.dataframe" in block:
            if importlib.util.find_spec("pyarrow"):
                exec(block.replace("decay", str(tmp_path / "decay")), names)
            continue
        exec(block, names)
        for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == expected


# -- A worker is killed --


def test_a_worker_that_is_killed_in_the_middle_of_a_sum_changes_nothing(da: Any, client: Any, tmp_path: Path) -> None:
    log = tmp_path / "blocks"

    def slowly(block: Any) -> Any:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.05)
        return block

    w = Value(1.0)
    fast = jit(lambda x: w * ag.exp(x))
    x = da.from_array(XS, chunks=4)
    undisturbed = distributed.sum(fast, x)
    victim = next(iter(client.run(os.getpid).values()))

    def strike() -> None:
        for _ in range(3000):
            if log.exists() and log.read_text().split().count(str(victim)) > 1:
                os.kill(victim, signal.SIGKILL)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=strike)
    thread.start()
    total = distributed.sum(fast, x.map_blocks(slowly, dtype=float, meta=np.empty(0)))
    thread.join()
    assert len(log.read_text().split()) > 12  # some blocks were computed again
    total.backward()
    gradient, w.grad = w.grad, None
    undisturbed.backward()
    assert (total.data, gradient) == (undisturbed.data, w.grad)


def test_a_worker_that_is_killed_in_the_middle_of_fit_changes_nothing(da: Any, client: Any) -> None:
    victim = next(iter(client.run(os.getpid).values()))

    def strike(model: Any, history: Any) -> None:
        if history.epochs == 2:
            os.kill(victim, signal.SIGKILL)

    X, y = (x.persist() for x in samples(da))
    model, history = training(client, X, y, callbacks=[strike])
    assert history.epochs == 3
    assert model.state_dict() == training(client, *samples(da))[0].state_dict()
