"""Value: construction, arithmetic, backward, and its manners as a Python object."""

import copy
import decimal
import fractions
import gc
import math
import operator
import pickle
import statistics
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value
from autograd_lite.errors import GraphError

NP: Any = np  # its types do not know object scalars

# ---- Construction -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        3,
        True,
        3.5,
        fractions.Fraction(1, 3),
        decimal.Decimal("0.1"),
        np.float64(2),
        np.float32(2),
        np.int8(2),
        np.True_,
    ],
    ids=repr,
)
def test_any_real_number_becomes_a_float(number: Any) -> None:
    value = Value(number)
    assert type(value.data) is float
    assert value.data == float(number)


@pytest.mark.parametrize(
    ("thing", "advice"),
    [
        ("3", r"got str '3': a string must be read first: float\(text\)"),
        (None, "got NoneType None: only real numbers"),
        (1j, "got complex 1j: only real numbers"),
        (np.complex128(1), "got complex128"),
        ([1.0], r"got list \[1.0\]: one Value holds one number"),
        (np.ones(3), r"got ndarray array\(\[1., 1., 1.\]\): one Value holds one number"),
        (Value(1.0), "a Value is already one"),
        (np.array(1.0), "write .item\\(\\) after an array of one number"),
        (object, "got the class object"),
    ],
    ids=str,
)
def test_anything_else_is_a_type_error_that_says_what_to_do(thing: Any, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        Value(thing)


def test_an_int_too_large_is_an_overflow_error() -> None:
    with pytest.raises(OverflowError, match="beyond the largest float"):
        Value(10**400)
    with pytest.raises(OverflowError, match="beyond the largest float"):
        Value(1.0) + 10**400


def test_names_are_strings_and_show() -> None:
    assert repr(Value(2.0, name="x")) == "Value(data=2.0, grad=0.0, name='x')"
    assert repr(Value(2.0)) == "Value(data=2.0, grad=0.0)"
    with pytest.raises(TypeError, match="a Value's name is a string, got int 3"):
        Value(2.0, name=3)  # type: ignore[arg-type]
    value = Value(2.0)
    value.name = "y"
    assert value.name == "y"


def test_label_is_the_name() -> None:
    value = Value(2.0, label="x")
    assert (value.name, value.label) == ("x", "x")
    value.label = "y"
    assert value.name == "y"
    with pytest.raises(TypeError, match=r"name and label are the same; give one of them, not 'a' and 'b'"):
        Value(2.0, "a", label="b")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x: Value(math.tanh(x.data), (x,), "tanh"),  # type: ignore[arg-type]
        lambda x: Value(math.tanh(x.data), {x}, "tanh"),  # type: ignore[arg-type]
        lambda x: Value(1.0, "out", "tanh"),  # type: ignore[arg-type]
        lambda x: setattr(x * x, "_backward", lambda: None),
        lambda x: x._backward(),
    ],
)
def test_operations_in_the_manner_of_micrograd_are_refused_with_the_op_to_write(attempt: Any) -> None:
    with pytest.raises((TypeError, AttributeError), match=r"my_tanh = Op\('tanh', math.tanh, lambda ans, x: "):
        attempt(Value(0.5))


def test_the_op_that_the_refusal_shows_works() -> None:
    my_tanh = ag.Op("tanh", math.tanh, lambda ans, x: (1 - ans * ans,))
    x = Value(0.5)
    my_tanh(x).backward()
    assert x.grad == 1 - math.tanh(0.5) ** 2


def test_attributes_of_ones_own_may_be_set_on_any_value() -> None:
    x = Value(1.0)
    y = x * 2.0
    x.m, y._vis_color = 0.5, "red"  # type: ignore[attr-defined]
    assert (x.m, y._vis_color) == (0.5, "red")  # type: ignore[attr-defined]
    y.backward()
    assert x.grad == 2.0
    with pytest.raises(AttributeError):
        x.v  # type: ignore[attr-defined]


def test_data_and_grad_take_numbers_only() -> None:
    x = Value(1.0)
    x.data = 2
    assert type(x.data) is float
    with pytest.raises(TypeError, match=r"Value.data takes one real number, got str 'a'"):
        x.data = "a"
    with pytest.raises(TypeError, match=r"Value.grad takes one real number, got list"):
        x.grad = [1.0]
    assert x.data == 2.0
    assert not x.has_grad


# ---- Arithmetic -------------------------------------------------------------------------

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]


@pytest.mark.parametrize("operation", BINARY)
@pytest.mark.parametrize("other", [2, 2.5, True, np.float64(3), np.int64(3), fractions.Fraction(7, 2)], ids=repr)
def test_operators_take_numbers_on_either_side(operation: Callable[[Any, Any], Any], other: Any) -> None:
    x = Value(1.75)
    for result, expected in (
        (operation(x, other), operation(1.75, float(other))),
        (operation(other, x), operation(float(other), 1.75)),
        (operation(x, Value(other)), operation(1.75, float(other))),
    ):
        assert isinstance(result, Value)
        assert result.data == expected


@pytest.mark.parametrize(
    ("function", "data"),
    [
        (operator.neg, -2.5),
        (operator.pos, 2.5),
        (abs, 2.5),
        (round, 2.0),
        (math.floor, 2.0),
        (math.ceil, 3.0),
        (math.trunc, 2.0),
        (lambda v: round(v, 1), 2.5),
        (lambda v: divmod(v, 2.0)[1], 0.5),
        (lambda v: divmod(7.0, v)[0], 2.0),
    ],
)
def test_unary_operators_and_rounding_give_values(function: Callable[[Any], Any], data: float) -> None:
    result = function(Value(2.5))
    assert isinstance(result, Value)
    assert result.data == data


@pytest.mark.parametrize("operation", BINARY)
@pytest.mark.parametrize("other", ["a", None, 1j, [1.0], object()], ids=lambda thing: type(thing).__name__)
def test_operators_refuse_what_is_not_a_number(operation: Callable[[Any, Any], Any], other: Any) -> None:
    with pytest.raises(TypeError, match=r"unsupported operand type|not all arguments|can't multiply"):
        operation(Value(1.0), other)


def test_operands_keep_their_order_and_their_multiplicity() -> None:
    x, y = Value(2.0), Value(3.0)
    assert (x - y).operands == (x, y)
    assert (x * x).operands == (x, x)
    assert (1.0 - x).operands == (1.0, x)
    assert (x - 1.0).partials == (1.0, -1.0)


def test_in_place_operators_rebind() -> None:
    a = before = Value(1.0)
    a += 1
    assert before.data == 1.0
    assert a.data == 2.0
    assert a is not before


def test_comparisons_look_at_the_data_and_hashes_at_the_object() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert a == 1.0
    assert a != 2
    assert a < 2 <= Value(2.0)
    assert operator.gt(2, a)
    assert (a == "1") is False
    assert len({a, b}) == 2
    assert bool(a)
    assert not Value(0.0)
    with pytest.raises(TypeError, match="not supported between"):
        operator.lt(a, "1")


def test_format_specs_reach_the_number() -> None:
    x = Value(math.pi)
    assert f"{x:.3f}" == "3.142"
    assert f"{x}" == repr(x)


def _plotted(value: Any) -> None:
    from matplotlib.figure import Figure

    Figure().add_subplot().plot([value])


@pytest.mark.parametrize(
    "function",
    [
        *(float, int, complex, math.sin, math.exp, math.isnan),
        lambda v: operator.mod("%.2f", v),
        lambda v: np.array([1.0, v], dtype=float),
        lambda v: statistics.mean([v, v]),
        lambda v: statistics.fmean([v, v]),
        _plotted,
    ],
)
def test_a_value_does_not_silently_become_a_float_and_the_error_names_the_way_out(
    function: Callable[[Any], Any],
) -> None:
    match = r"write autograd_lite.sin\(v\) or v.sin\(\).*autograd_lite.mean.* to test, print or plot it, write v.data"
    with pytest.raises(TypeError, match=match):
        function(Value(1.0))


# ---- backward ---------------------------------------------------------------------------


def test_the_published_example_of_micrograd() -> None:
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"


def test_backward_twice_doubles_the_leaves_and_resets_the_interior() -> None:
    x = Value(3.0)
    y = x * x
    z = y * y
    z.backward()
    first, interior = x.grad, y.grad
    z.backward()
    assert x.grad == 2 * first
    assert y.grad == interior == 18.0


def test_a_node_used_by_two_paths_gets_the_sum() -> None:
    x = Value(3.0)
    y = x * 2.0
    (y + y * y).backward()
    assert y.grad == 1 + 2 * 6.0
    assert x.grad == 2 * 13.0


def test_backward_takes_a_seed() -> None:
    x = Value(3.0)
    (x * x).backward(10)
    assert x.grad == 60.0
    with pytest.raises(TypeError, match=r"the seed of backward\(\) takes one real number, got str"):
        (x * x).backward("1")  # type: ignore[arg-type]


def test_backward_from_a_leaf_gives_it_the_seed() -> None:
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0


def test_data_assigned_after_recording_does_not_change_the_gradient() -> None:
    x, y = Value(3.0), Value(5.0)
    z = x * y
    x.data = 100.0
    z.backward()
    assert (x.grad, y.grad) == (5.0, 3.0)


def test_a_zero_adjoint_contributes_nothing_and_marks_the_leaf() -> None:
    x = Value(0.0)
    ag.where(x > 0, ag.log(x), 0.0).backward()
    assert x.grad == 0.0
    assert x.has_grad


def test_interior_gradients_are_reset_where_nothing_arrives_any_more() -> None:
    x, w = Value(2.0), Value(1.0)
    y = x * 3.0
    (w * y).backward()
    assert y.grad == 1.0
    ((y * 0.0) * y.detach()).backward()
    assert y.grad == 0.0


def test_gradients_of_gradients() -> None:
    x = Value(2.0)
    (x**4).backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.backward(create_graph=True)
    second = x.grad
    x.grad = None
    second.backward()
    assert (first.data, second.data, x.grad) == (32.0, 48.0, 48.0)


def test_the_seed_may_be_a_value_to_differentiate_by() -> None:
    x, seed = Value(3.0), Value(2.0)
    (x * x).backward(seed, create_graph=True)
    gradient = x.grad
    x.grad = None
    gradient.backward()
    assert seed.grad == 6.0


def test_create_graph_keeps_what_a_zero_adjoint_still_depends_on() -> None:
    x, z = Value(3.0), Value(0.0)
    (x * x * z).backward(create_graph=True)
    gradient = x.grad
    z.grad = None
    gradient.backward()
    assert z.grad == 6.0


def test_create_graph_after_data_was_changed_is_an_error() -> None:
    x = Value(2.0, name="x")
    y = ag.sin(x)
    x.data = 3.0
    with pytest.raises(GraphError, match=r"needs the operands of sin as they were recorded.*x = 3.0"):
        y.backward(create_graph=True)
    assert not x.has_grad


def test_constants_take_no_gradient_and_record_nothing() -> None:
    x = Value(3.0, name="x")
    c = x.detach()
    assert (c.data, c.name, c.requires_grad, c.is_leaf) == (3.0, "x", False, True)
    y = x * c
    y.backward()
    assert x.grad == 3.0
    assert not c.has_grad
    assert (c * 2.0 + c).operands == ()
    assert (2.0 * c).requires_grad is False


def test_backward_on_a_constant_is_an_error() -> None:
    x = Value(3.0)
    with ag.no_grad():
        y = x * x
    for constant in (y, x.detach(), x.detach() * 2):
        with pytest.raises(GraphError, match=r"computed under no_grad\(\), comes from detach\(\)"):
            constant.backward()


def test_micrograd_names_mean_what_they_mean_there() -> None:
    x = Value(3.0)
    y = x * 2
    assert y._op == "*"
    assert x._op == ""
    assert x._prev == ()
    assert y._prev[0] is x
    assert y._prev[1].data == 2.0
    assert y._prev[1] is y._prev[1]
    assert ag.where(x > 0, x, 1.0)._prev[2] is not y._prev[1]
    assert y.item() == 6.0


def test_a_frozen_leaf_is_a_constant_until_it_is_unfrozen() -> None:
    w, x = Value(2.0), Value(3.0)
    assert w.requires_grad_(False) is w
    assert not w.requires_grad
    assert not (w * w).requires_grad
    (w * x).backward()
    assert (w.has_grad, x.grad) == (False, 2.0)
    w.requires_grad = True
    (w * x).backward()
    assert (w.grad, w.is_leaf) == (3.0, True)
    with pytest.raises(GraphError, match=r"only leaves can be frozen, .* result of <Op mul>; write v.detach\(\)"):
        (w * x).requires_grad_(False)
    assert (w * x).requires_grad_().requires_grad
    with pytest.raises(TypeError, match="requires_grad is True or False, got int 1"):
        w.requires_grad_(1)  # type: ignore[arg-type]


def test_what_jit_recorded_with_a_frozen_leaf_is_recorded_anew_once_it_is_not() -> None:
    w, x = Value(2.0).requires_grad_(False), Value(3.0)
    f = ag.jit(lambda: w * x * w)
    f().backward()
    assert not w.has_grad
    w.requires_grad_()
    f().backward()
    assert w.grad == 12.0


def test_pytorchs_names_mean_what_they_mean_there() -> None:
    x = Value(3.0)
    twin = x.clone()
    assert twin is not x
    y = twin * x.clamp(min=0.0, max=2.0) + x.clamp(max=1.0) + x.clamp(min=5.0) + x.clamp(None, Value(4.0))
    y.backward(retain_graph=True)
    y.backward(retain_graph=False)
    assert (y.data, x.grad) == (6.0 + 1.0 + 5.0 + 3.0, 2 * (2.0 + 1.0))


@pytest.mark.parametrize("name", ["add", "pow", "maximum", "hypot", "mod"])
def test_named_methods_refuse_what_is_not_a_number(name: str) -> None:
    with pytest.raises(TypeError, match="takes numbers and Values, or lists and arrays of them"):
        getattr(Value(1.0), name)("a")


def test_the_gradient_of_a_linear_function_is_a_constant_value() -> None:
    x = Value(3.0)
    (2 * x).backward(create_graph=True)
    assert isinstance(x.grad, Value)
    with pytest.raises(GraphError, match="The gradient of a linear function is one too"):
        x.grad.backward()


def test_gradients_that_are_graphs_add_up_inside_no_grad_too() -> None:
    x = Value(3.0)
    y = x * x
    with ag.no_grad():
        y.backward(create_graph=True)
        y.backward(create_graph=True)
    assert x.grad.data == 12.0
    assert x.grad.requires_grad


def test_comparisons_with_numpy_give_plain_bools() -> None:
    assert type(Value(1.0) < np.float64(2)) is bool
    assert type(Value(1.0) == np.float64(1)) is bool


def test_a_leaf_whose_gradient_is_a_graph_copies_with_its_number() -> None:
    x = Value(3.0)
    (x * x).backward(create_graph=True)
    assert copy.deepcopy(x).grad == 6.0


# ---- Size, memory, threads --------------------------------------------------------------


def test_a_million_operations_deep() -> None:
    x = Value(1.0)
    y = x
    for _ in range(500_000):
        y = y * 1.0 + 0.0
    y.backward()
    assert x.grad == 1.0
    del y


def test_a_deep_graph_is_freed_in_a_thread_with_a_small_stack() -> None:
    freed = []

    def build_and_drop() -> None:
        y = Value(1.0)
        for _ in range(200_000):
            y = y + 1.0
        del y
        freed.append(True)

    # Python 3.13 itself overruns a stack of 128 kB when it frees any deep structure, such as nested lists.
    before = threading.stack_size((2048 if sys.version_info[:2] == (3, 13) else 128) * 1024)
    try:
        thread = threading.Thread(target=build_and_drop)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert freed


def test_a_dropped_graph_is_freed_at_once_without_the_collector() -> None:
    def left_behind() -> int:
        x = Value(2.0)
        y = ag.tanh(x * x) + ag.where(x > 0, x, 1.0)
        y.backward()
        y.backward(create_graph=True)
        x.grad = None
        watched = [weakref.ref(y), weakref.ref(y.operands[0])]
        gradient = ag.hessian(lambda v: ag.exp(v[0]) * v[1])([1.0, 2.0])
        assert gradient
        del y
        assert [w() for w in watched] == [None, None]
        return gc.collect()

    gc.collect()  # what other tests left
    gc.disable()
    try:
        # Other threads of the process, such as those of xdist, leave something now and then.
        assert min(left_behind() for _ in range(5)) == 0
    finally:
        gc.enable()


def test_threads_do_not_disturb_each_other() -> None:
    shared = Value(2.0)
    results: dict[int, float] = {}

    def work(i: int) -> None:
        own = Value(float(i))
        for k in range(100):
            if k % 10 == i % 10:
                with ag.no_grad():
                    assert not (own * shared).requires_grad
            own.grad = None
            y = ag.sin(own * shared) * own
            y.backward()
        results[i] = own.grad

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: pytest.approx(math.sin(2 * i) + 2 * i * math.cos(2 * i)) for i in range(8)}
    expected = 100 * sum(i * i * math.cos(2 * i) for i in range(8))
    assert shared.grad == pytest.approx(expected)  # no update of the shared leaf was lost


# ---- Copying, pickling, NumPy -----------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_leaves_copy_and_pickle(duplicate: Callable[[Value], Value]) -> None:
    x = Value(0.1, name="x")
    x.grad = 3.0
    twin = duplicate(x)
    assert twin is not x
    assert (twin.data, twin.grad, twin.name, twin.requires_grad) == (0.1, 3.0, "x", True)
    constant = duplicate(x.detach())
    assert not constant.requires_grad
    assert not constant.has_grad


class Parameter(Value):
    """A subclass with an attribute and a slot of its own, and a constructor that asks for more."""

    __slots__ = ("group",)

    def __init__(self, data: float, group: str) -> None:
        super().__init__(data, name="p")
        self.group = group
        self.m = [0.25]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_of_a_subclass_keep_its_class_and_attributes(duplicate: Callable[[Parameter], Parameter]) -> None:
    p = Parameter(0.1, "weights")
    p.grad = 2.0
    twin = duplicate(p)
    assert type(twin) is Parameter
    assert (twin.data, twin.grad, twin.name, twin.group, twin.m) == (0.1, 2.0, "p", "weights", [0.25])
    p.requires_grad_(False)
    assert not duplicate(p).requires_grad
    assert type(p * 2.0) is Parameter


def test_a_deep_copy_shares_nothing_and_keeps_what_leads_back_to_it() -> None:
    x = Value(1.0)
    x.m, x.me = [0.5], x  # type: ignore[attr-defined]
    twin: Any = copy.deepcopy(x)
    assert twin.me is twin
    assert twin.m == [0.5]
    assert twin.m is not x.m  # type: ignore[attr-defined]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_interior_nodes_do_not_copy(duplicate: Callable[[Value], Any]) -> None:
    with pytest.raises(TypeError, match=r"only leaves can be copied and pickled; .*<Op add>.*v.detach\(\)"):
        duplicate(Value(1.0) + 1.0)


@pytest.mark.parametrize(
    "name",
    [
        *("exp", "log", "sqrt", "sin", "cos", "tan", "arcsin", "arctan", "arctanh", "sinh", "cosh", "tanh", "arcsinh"),
        *("absolute", "square", "reciprocal", "log1p", "expm1", "cbrt", "exp2", "log2", "log10", "negative"),
        *("floor", "ceil", "trunc", "rint"),
    ],
)
def test_numpy_functions_take_values(name: str) -> None:
    result = getattr(np, name)(Value(0.5))
    assert isinstance(result, Value)
    assert result.data == pytest.approx(float(getattr(np, name)(0.5)))


def test_numpy_binary_functions_take_values() -> None:
    x, y = Value(0.5), Value(2.0)
    assert NP.hypot(x, y).data == math.hypot(0.5, 2.0)
    assert NP.arctan2(x, y).data == math.atan2(0.5, 2.0)
    assert NP.power(x, y).data == 0.25


def test_object_arrays_of_values_work() -> None:
    W = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    x = np.array([10.0, 20.0])
    y = W @ x
    (y.sum() * np.float64(2)).backward()
    assert [[w.grad for w in row] for row in W] == [[20.0, 40.0], [20.0, 40.0]]
    assert isinstance(Value(2.0) * x, np.ndarray)
    assert isinstance(x * Value(2.0), np.ndarray)
    assert isinstance(np.float64(2) * Value(2.0), Value)
    assert np.mean(W).data == 2.5
