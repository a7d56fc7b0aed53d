"""What a compiled function reads besides its arguments: a change of it counts, wherever it stands."""

import array
import collections
import contextvars
import dataclasses
import enum
import functools
import sys
import types
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from autograd_lite import Op, Value, jit
from autograd_lite.errors import ArgumentError, TracingError

Case = tuple[Callable[..., Any], Callable[[], object]]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[types.ModuleType]:
    """A package of the user's: ``cfg`` with a number, and ``cfg.sub`` with another."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "cfg").mkdir()
    (folder / "cfg" / "__init__.py").write_text("SCALE = 2.0\nfrom cfg import sub\n")
    (folder / "cfg" / "sub.py").write_text("RATE = 2.0\n\ndef rate():\n    return RATE\n")
    (folder / "cfg" / "inner.py").write_text(
        "def f(x):\n    from . import sub\n    return x * sub.RATE\n"
        "def g(x):\n    import cfg.sub\n    return x * cfg.sub.RATE\n"
    )
    sys.path.insert(0, str(folder))
    import cfg.inner  # type: ignore[import-not-found]

    yield cfg
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "cfg"]:
        del sys.modules[name]


class Holder:
    pass


def case(name: str) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    def mark(make: Callable[..., Case]) -> Callable[..., Case]:
        CASES[name] = make
        return make

    return mark


CASES: dict[str, Callable[..., Case]] = {}
IN_MODULES: dict[str, Callable[[Any], Any]] = {
    "a submodule": lambda cfg: lambda x: x * cfg.sub.RATE,
    "a module by a default": lambda cfg: lambda x, m=cfg.sub: x * m.RATE,
    "a module by an instance": lambda cfg: functools.partial(lambda holder, x: x * holder.cfg.sub.RATE, holder_of(cfg)),
    "a module by a list": lambda cfg: lambda x, ms=[cfg]: x * ms[0].sub.RATE,
    "getattr by a constant": lambda cfg: lambda x: x * getattr(cfg.sub, "RATE"),  # noqa: B009
    "getattr by a computed name": lambda cfg: lambda x: x * getattr(cfg.sub, "RA" + "TE"),
    "vars": lambda cfg: lambda x: x * vars(cfg.sub)["RATE"],
    "a function of the module": lambda cfg: lambda x: x * cfg.sub.rate(),
    "a relative import inside": lambda cfg: cfg.inner.f,
    "an import inside": lambda cfg: cfg.inner.g,
}


def holder_of(thing: Any) -> Holder:
    holder = Holder()
    holder.cfg = thing  # type: ignore[attr-defined]
    return holder


@pytest.mark.parametrize("name", IN_MODULES)
def test_a_number_in_a_module_may_change(name: str, config: Any) -> None:
    config.sub.RATE = 2.0
    f = IN_MODULES[name](config)
    fast = jit(f)
    for rate in (2.0, 2.0, 5.0, -0.0, 3.0):
        config.sub.RATE = rate
        assert repr(fast(10.0)) == repr(f(10.0))


RATE = 2.0
variable: contextvars.ContextVar[float] = contextvars.ContextVar("variable", default=2.0)


@case("globals()")
def _() -> Case:
    globals()["RATE"] = 2.0
    return lambda x: x * globals()["RATE"], lambda: globals().update(RATE=5.0)


@case("globals() by a computed name")
def _() -> Case:
    globals()["RATE"] = 2.0
    return lambda x: x * globals()["RA" + "TE"], lambda: globals().update(RATE=5.0)


@case("a context variable")
def _() -> Case:
    variable.set(2.0)
    return lambda x: x * variable.get(), lambda: variable.set(5.0)


@case("an array of no dimension")
def _() -> Case:
    a = np.array(2.0)
    return lambda x: x * float(a), lambda: a.fill(5.0)


@case("a structured array")
def _() -> Case:
    a = np.array([(1.0, 2)], dtype=[("p", float), ("q", int)])
    return lambda x: x * float(a["p"][0]), lambda: a["p"].fill(5.0)


@case("an array of strings")
def _() -> Case:
    a = np.array(["2.0", "3.0"])
    return lambda x: x * float(a[0]), lambda: a.__setitem__(0, "5.0")


@case("a masked array")
def _() -> Case:
    a = np.ma.MaskedArray([2.0, 3.0], mask=[False, False])
    return lambda x: x * a.sum(), lambda: a.__setitem__(0, np.ma.masked)


@case("a bound get")
def _() -> Case:
    table = {"k": 2.0}
    get = table.get
    return lambda x: x * get("k"), lambda: table.update(k=5.0)


@case("a bound __getitem__")
def _() -> Case:
    xs = [2.0]
    item = xs.__getitem__
    return lambda x: x * item(0), lambda: xs.__setitem__(0, 5.0)


@case("a ChainMap")
def _() -> Case:
    table = {"k": 2.0}
    chain = collections.ChainMap({}, table)
    return lambda x: x * chain["k"], lambda: table.update(k=5.0)


@case("a memoryview")
def _() -> Case:
    data = array.array("d", [2.0])
    view = memoryview(data)
    return lambda x: x * view[0], lambda: data.__setitem__(0, 5.0)


@case("what lru_cache holds")
def _() -> Case:
    @functools.lru_cache
    def table() -> dict[str, float]:
        return {"k": 2.0}

    return lambda x: x * table()["k"], lambda: table().update(k=5.0)


@case("what cache holds by its arguments")
def _() -> Case:
    @functools.cache
    def table(name: str) -> list[float]:
        return [2.0]

    return lambda x: x * table("k")[0], lambda: table("k").__setitem__(0, 5.0)


class Partial:
    rate = [2.0]  # noqa: RUF012

    def _times(self, rate: list[float], x: Any) -> Any:
        return x * rate[0]

    times = functools.partialmethod(_times, rate)


@case("a partialmethod")
def _() -> Case:
    Partial.rate[0] = 2.0
    return Partial().times, lambda: Partial.rate.__setitem__(0, 5.0)


class Private:
    __slots__ = ("__rate",)

    def __init__(self) -> None:
        self.__rate = 2.0

    def set(self) -> None:
        self.__rate = 5.0

    def __call__(self, x: Any) -> Any:
        return x * self.__rate


@case("a private slot")
def _() -> Case:
    private = Private()
    return private, private.set


class Listed(list[float]):
    rate = 1.0


@case("an attribute of a list")
def _() -> Case:
    listed = Listed([2.0])
    return lambda x: x * listed.rate, lambda: setattr(listed, "rate", 5.0)


class Odd:
    __module__ = 3  # type: ignore[assignment]
    rate = 2.0


@case("a class whose __module__ is no string")
def _() -> Case:
    odd = Odd()
    return lambda x: x * odd.rate, lambda: setattr(odd, "rate", 5.0)


@pytest.mark.parametrize("name", CASES)
def test_a_change_counts(name: str) -> None:
    f, change = CASES[name]()
    fast = jit(f, verify=True)
    before = fast(10.0)
    assert fast(10.0) == before
    change()
    assert fast(10.0) == f(10.0) != before


# ---- Arguments ----


class Colour(enum.IntEnum):
    RED = 1
    BLUE = 2


class Word(str):
    rate = 1.0


class Table(dict[str, float]):
    rate = 1.0


def with_rate(thing: Any, rate: float) -> Any:
    thing.rate = rate
    return thing


class Rotated(Value):
    """A Value with an operator of its own."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return self * 10.0 - other


ARGUMENTS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "a Fraction": (lambda x: (x * x * 9 == 1) * 1.0, [Fraction(1, 3), Fraction(2, 3)]),
    "a Counter": (lambda c: c["a"] * 2.0, [collections.Counter(a=2), collections.Counter(a=3)]),
    "an IntEnum": (lambda c: len(c.name) * 1.0, [Colour.RED, Colour.BLUE]),
    "an IntEnum as a number": (lambda c: c * 2.0, [Colour.RED, Colour.BLUE]),
    "a list with an attribute": (lambda v: v[0] * v.rate, [with_rate(Listed([2.0]), r) for r in (1.0, 5.0)]),
    "a dict with an attribute": (lambda d: d["k"] * d.rate, [with_rate(Table(k=2.0), r) for r in (1.0, 5.0)]),
    "a str with an attribute": (lambda w: 2.0 * w.rate, [with_rate(Word("a"), r) for r in (1.0, 5.0)]),
    "keys 0.0 and -0.0": (lambda d: repr(next(iter(d))) == "0.0", [{0.0: 1.0}, {-0.0: 1.0}]),
    "keys 1 and True": (lambda d: [str(key) for key in d], [{1: 1.0}, {True: 1.0}, {1.0: 1.0}]),
    "a Value of another class": (lambda v: (v + 1.0).data, [Rotated(2.0), Value(2.0), Rotated(3.0)]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_other_kinds(name: str) -> None:
    f, given = ARGUMENTS[name]
    fast = jit(f, verify=True)
    for argument in (*given, *given):
        assert repr(fast(argument)) == repr(f(argument))


def test_a_result_is_of_its_own_class() -> None:
    class Named(Value):
        pass

    result = jit(lambda v: v * 2.0)(Named(2.0))
    assert type(result) is Named
    assert result.data == 4.0


def test_freezing_what_is_closed_over_counts() -> None:
    w, b = Value(3.0), Value(1.0)
    fast = jit(lambda x: w * x + b, verify=True)
    for _ in range(2):
        for frozen in ([], [w], [w, b], [b]):
            for value in (w, b):
                value.requires_grad_(all(value is not other for other in frozen))
                value.grad = None
            result = fast(2.0)
            assert result.requires_grad == (len(frozen) < 2)
            if result.requires_grad:
                result.backward()
            assert (w.has_grad, b.has_grad) == tuple(all(v is not other for other in frozen) for v in (w, b))


def test_containers_that_are_one_stay_one() -> None:
    fast = jit(lambda a, b: (a is b, a[0] + b[1]), verify=True)
    one, other = [1.0, 2.0], [1.0, 2.0]
    for a, b in ((one, one), (one, other), (one, one)):
        assert fast(a, b) == (a is b, 3.0)
    nested = jit(lambda v: v[0] is v[1], verify=True)
    assert (nested([one, one]), nested([one, other])) == (True, False)


def test_an_int_that_is_no_float_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"int 9007199254740993 is none; name the argument in static_argnames"):
        jit(lambda n: n - 1)(2**53 + 1)
    assert jit(lambda n: n - 1, static_argnames="n")(2**53 + 1) == 2**53
    assert jit(lambda n: n - 1)(2**53) == 2**53 - 1


def test_a_primitive_gives_a_float_whatever_its_value_gives() -> None:
    value: Any = lambda x: np.float32(x) if x < 1.0 else int(x)
    own = Op("own", value, lambda ans, x: (1.0,))
    fast = jit(lambda x: own(x) * 0.1, verify=True)
    for x in (0.1, 2.5, 0.1):
        assert fast(x) == float(np.float32(x) if x < 1.0 else int(x)) * 0.1


# ---- What a review found ----


@dataclasses.dataclass
class Squared:
    w: float

    def __post_init__(self) -> None:
        self.square = self.w * self.w


class Unit(Value):
    factor = 2.0

    def scaled(self) -> Value:
        return self * self.factor


def test_what_a_dataclass_keeps_besides_its_fields_counts() -> None:
    fast = jit(lambda p: p.square * 1.0, verify=True)
    assert [fast(Squared(w)) for w in (2.0, 3.0, 2.0)] == [4.0, 9.0, 4.0]


def test_attributes_names_and_classes_of_values_count() -> None:
    v: Any = Value(1.0, name="a")
    v.k = 2.0
    for fast in (jit(lambda x: x * x.k, verify=True), jit(lambda x: v * v.k + 0.0 * x, verify=True)):
        for k in (2.0, 3.0, 2.0):
            v.k = k
            assert fast(v).data == k
    w = Value(1.0, name="a")
    named = jit(lambda x: x * 2.0 if w.name == "a" else x * 3.0, verify=True)
    for name, factor in (("a", 2.0), ("b", 3.0), ("a", 2.0)):
        w.name = name
        assert named(1.0) == factor
    scaled = jit(lambda x: x.scaled(), verify=True)
    for factor in (2.0, 5.0):
        Unit.factor = factor
        assert scaled(Unit(3.0)).data == 3.0 * factor


def test_a_change_that_a_later_path_makes_counts_for_earlier_ones() -> None:
    class Model:
        scale = 1.0

        def loss(self, x: Any) -> Any:
            if x > 10.0:
                self.scale = 0.5
            return x * self.scale

    fast = jit(Model().loss)
    assert [fast(x) for x in (1.0, 1.0, 20.0, 1.0, 1.0)] == [1.0, 1.0, 10.0, 0.5, 0.5]


def test_results_keep_their_names_and_the_types_of_their_arrays() -> None:
    def named(x: Any) -> Any:
        y = x * 2.0
        y.name = "loss"
        return y

    fast = jit(named)
    assert [fast(Value(x)).name for x in (1.0, 2.0, 3.0)] == ["loss"] * 3
    indices = jit(np.argsort)
    for a in ([2.0, 1.0], [1.0, 2.0]):
        assert indices(np.array(a)).dtype.kind == "i"
    assert jit(lambda a: np.clip(a, 0, 1))(np.array([-1.0, 0.5])).dtype == float


def test_what_would_come_back_frozen_is_refused() -> None:
    with pytest.raises(TracingError, match="text of a traced number"):
        jit(lambda x: f"{[x]}")(1.0)
    with pytest.raises(TracingError, match="attribute 'square' is a traced number"):
        jit(Squared)(2.0)
    with pytest.raises(TypeError, match="plain NumPy arrays"):
        jit(lambda a: a.sum())(np.ma.MaskedArray([1.0, 2.0], mask=[True, False]))


def test_a_complex_power_cannot_be_swallowed() -> None:
    def f(x: Any) -> Any:
        try:
            return abs(x**0.5)
        except Exception:
            return -1.0

    with pytest.raises(TracingError, match="complex"):
        jit(f)(-4.0)


def test_f_may_catch_what_its_operation_raises() -> None:
    def value(x: float) -> float:
        if x < 0.0:
            raise KeyError(x)
        return x

    own = Op("own", value, lambda ans, x: (1.0,))

    def f(x: Any) -> Any:
        try:
            return own(x) * 2.0
        except KeyError:
            return x * 100.0

    for backend in ("auto", "python", "native"):
        fast = jit(f, backend=backend)
        assert [fast(x) for x in (1.0, 1.0, 1.0, -1.0, 1.0, -1.0)] == [2.0, 2.0, 2.0, -100.0, 2.0, -100.0]
