"""Nested structures: one flatten and unflatten for transforms, jit and the rest."""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_lite import Value, grad, hessian, jacobian, jit, jvp, nn, value_and_grad, vjp
from autograd_lite.errors import ArgumentError
from autograd_lite.pytree import flatten, map_leaves


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass(frozen=True)
class Params:
    w: Any
    b: Any = None


@dataclasses.dataclass(slots=True)
class Slotted:
    w: Any


class Row(list[Any]):
    label = ""


def row(*items: Any) -> Row:
    made = Row(items)
    made.label = "kept"
    return made


class Table(dict[Any, Any]):
    label = ""

    def __setitem__(self, key: Any, item: Any) -> None:
        raise TypeError("this table is read-only")

    def __copy__(self) -> "Table":
        twin = Table(self)
        twin.label = self.label
        return twin


def table(**items: Any) -> Table:
    made = Table(items)
    made.label = "kept"
    return made


STRUCTURES: dict[str, Any] = {
    "a number": 1.5,
    "a list": [1.0, [2.0, (3.0,)]],
    "a named tuple": Point(1.0, [2.0]),
    "a dict in its order": {"b": 1.0, "a": {"c": 2.0}},
    "an ordered dict": collections.OrderedDict(b=1.0, a=2.0),
    "a default dict": collections.defaultdict(list, a=[1.0, 2.0]),
    "a counter": collections.Counter(a=2, b=1),
    "a dict of the user's": table(a=1.0),
    "a list of the user's": row(1.0, 2.0),
    "nothing": {"a": None, "b": [], "c": 1.0},
    "a frozen dataclass": Params([1.0, 2.0], 3.0),
    "a dataclass with slots": Slotted(1.0),
    "an array": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "an array of no dimension": np.array(2.0),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_unflatten_undoes_flatten(name: str) -> None:
    tree = STRUCTURES[name]
    leaves, structure = flatten(tree)
    again = structure.unflatten(leaves)
    assert type(again) is type(tree)
    assert repr(again) == repr(tree)
    assert getattr(again, "label", None) == getattr(tree, "label", None)
    assert len(structure.paths()) == len(leaves)
    assert flatten(again)[1] == structure


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_gradient_has_the_structure_of_its_argument(name: str) -> None:
    def f(tree: Any) -> Any:
        return sum((leaf * leaf for leaf in flatten(tree)[0]), 0.0)

    tree = STRUCTURES[name]
    for g in (grad(f), jit(grad(f), backend="python")):
        gradient = g(tree)
        assert type(gradient) is type(tree)
        assert flatten(gradient)[0] == [2.0 * leaf for leaf in flatten(tree)[0]]


def test_a_module_is_the_structure_of_its_parameters() -> None:
    layer = nn.Linear(2, 1, rng=0)
    leaves, structure = flatten({"model": layer})
    assert leaves == layer.parameters()
    assert structure.paths() == ["['model'].weight.0.0", "['model'].weight.0.1", "['model'].bias.0"]
    twin = structure.unflatten([1.0, 2.0, 3.0])["model"]
    assert twin([10.0, 100.0]) == [213.0]
    assert layer.parameters() == leaves


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1.0], (1.0,)),
        ([1.0], [1.0, 2.0]),
        ({"a": 1.0}, {"b": 1.0}),
        ({0.0: 1.0}, {-0.0: 1.0}),
        ({1: 1.0}, {True: 1.0}),
        (np.ones((2, 3)), np.ones((3, 2))),
        (None, []),
    ],
)
def test_structures_differ(one: Any, other: Any) -> None:
    assert flatten(one)[1] != flatten(other)[1]


def test_what_is_no_number_is_named_with_its_path() -> None:
    with pytest.raises(TypeError, match=r"got str 'x' at \['a'\]\[1\]\.w"):
        flatten({"a": [1.0, Params("x")]})


def test_a_list_that_contains_itself_is_refused() -> None:
    loop: list[Any] = [1.0]
    loop.append(loop)
    calls: list[Callable[[Any], Any]] = [flatten, grad(lambda v: v[0]), jit(lambda v: v[0])]
    for call in calls:
        with pytest.raises(ArgumentError, match="contains itself"):
            call(loop)


nested = st.recursive(
    st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3) | st.none(),
    max_leaves=10,
)


@given(nested)
def test_mapping_is_flattening_and_filling_again(tree: Any) -> None:
    leaves, structure = flatten(tree)
    assert map_leaves(lambda leaf: leaf + 1.0, tree) == structure.unflatten(leaf + 1.0 for leaf in leaves)


def test_the_jacobian_of_an_array_function_is_an_array() -> None:
    x = np.array([1.0, 2.0])
    for f in (jacobian(lambda v: v * v), hessian(lambda v: (v * v * v / 3).sum())):
        rows = f(x)
        assert isinstance(rows, np.ndarray)
        assert rows.dtype == float
        assert rows == pytest.approx(np.diag([2.0, 4.0]))
    assert jacobian(lambda v: v[0] * v)(np.array([[1.0, 2.0]])).shape == (1, 2, 1, 2)


def test_zero_dimensional_arrays_go_in_and_come_out() -> None:
    gradient = grad(lambda x: x * x)(np.array(3.0))
    assert isinstance(gradient, np.ndarray)
    assert gradient.shape == ()
    assert gradient == 6.0
    assert jit(lambda x: x * x)(np.array(3.0)) == 9.0
    assert jvp(lambda x: x * x, (np.array(3.0),), (np.array(1.0),)) == (9.0, 6.0)


def test_aux_holds_the_kind_of_numbers_that_was_given() -> None:
    def f(x: Any) -> Any:
        return x * x, {"half": x / 2, "word": "aux", "none": None, "row": np.array([x, 1.0])}

    (value, aux), gradient = value_and_grad(f, has_aux=True)(3.0)
    assert (value, gradient, aux["half"], aux["word"], aux["none"]) == (9.0, 6.0, 1.5, "aux", None)
    assert aux["row"].tolist() == [3.0, 1.0]
    assert type(aux["half"]) is float
    model = nn.Linear(1, 1)
    assert grad(lambda x: (x, model), has_aux=True)(1.0)[1] is model
    (_, aux), _ = value_and_grad(f, has_aux=True)(Value(3.0))
    assert isinstance(aux["half"], Value)


def test_dataclasses_go_through_vjp() -> None:
    results, pullback = vjp(lambda p: Params(p.w[0] * p.w[1], p.b), Params([2.0, 3.0], 1.0))
    assert results == Params(6.0, 1.0)
    assert pullback(Params(1.0, 10.0)) == (Params([3.0, 2.0], 10.0),)


def test_second_derivatives_by_a_module() -> None:
    model = nn.Linear(1, 1, rng=0)
    w, b = (p.data for p in model.parameters())

    def loss(m: Any) -> Any:
        return (m([2.0])[0] - 3.0) ** 2

    def gradient_norm(m: Any) -> Any:
        gradient = grad(loss)(m)
        return gradient.weight[0][0] ** 2 + gradient.bias[0] ** 2

    residual = 2.0 * w + b - 3.0
    assert grad(gradient_norm)(model).weight[0][0].data == pytest.approx(2 * (16.0 + 4.0) * residual * 2.0)
    second = jacobian(lambda m: grad(loss)(m).weight[0][0])(model)
    assert (second.weight[0][0].data, second.bias[0].data) == pytest.approx((8.0, 4.0))


def test_tangents_may_come_in_another_order() -> None:
    f: Any = lambda d: d["a"] * 2.0 + d["b"]
    assert jvp(f, ({"a": 1.0, "b": 2.0},), ({"b": 1.0, "a": 0.0},)) == (4.0, 1.0)


def test_a_result_of_no_dimension_is_one_number() -> None:
    assert grad(lambda x: np.where(x > 0, x * x, -x))(3.0) == 6.0
