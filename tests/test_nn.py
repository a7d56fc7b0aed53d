"""Modules, neurons, layers and perceptrons."""

import copy
import inspect
import math
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_lite import Value, draw_dot, grad, log_softmax, nn, ops, optim, softmax
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError
from autograd_lite.nn import MLP, Dropout, Layer, Linear, Module, Neuron, Sequential


def test_micrograds_signatures_and_counts() -> None:
    assert len(MLP(2, [16, 16, 1]).parameters()) == 337
    assert len(Layer(3, 4).parameters()) == 16
    assert len(Neuron(3).parameters()) == 4
    assert isinstance(MLP(2, [3, 1])([1.0, 2.0]), Value)
    assert len(MLP(2, [3, 2])([1.0, 2.0])) == 2
    assert len(MLP(2, [1, 3])([1.0, 2.0])) == 3


def test_a_neuron_is_its_formula() -> None:
    neuron = Neuron(2, activation="tanh", rng=3)
    w, b = [p.data for p in neuron.w], 0.25
    neuron.b.data = b
    expected = Value(w[0] * 2.0 + w[1] * -1.0 + b).tanh()
    assert neuron([2.0, -1.0]).data == pytest.approx(expected.data, rel=1e-15)
    assert Neuron(1, nonlin=False, rng=3)([-5.0]).data == Neuron(1, activation=None, rng=3)([-5.0]).data


def test_the_last_layer_of_an_mlp_is_linear() -> None:
    model = MLP(1, [2, 1], activation="relu", rng=0)
    model.layers[-1].neurons[0].b.data = -100.0
    assert model([1.0]).data < -50.0
    assert [layer.neurons[0].activation is None for layer in model.layers] == [False, True]


def test_weights_come_from_the_seed() -> None:
    def weights(rng: Any) -> list[float]:
        return [p.data for p in MLP(2, [3, 1], rng=rng).parameters()]

    assert weights(1) == weights(1) == weights(random.Random(1))
    assert weights(1) != weights(2)
    assert weights(None) != weights(None)
    assert all(-1 <= w <= 1 for w in weights(5))


def test_parameters_are_named_by_their_path() -> None:
    model = MLP(2, [3, 1])
    names = [name for name, _ in model.named_parameters()]
    assert names[:4] == ["layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b", names[3]]
    assert [p.name for p in model.parameters()] == names


def test_zero_grad_forgets_the_gradients() -> None:
    model = MLP(2, [3, 1], rng=0)
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())


class Custom(Module):
    def __init__(self) -> None:
        shared = Value(1.0)
        self.tied = [shared, {"again": shared}]
        self.sub = (Neuron(1), "text", None)
        self.frozen = Value(1.0).detach()
        self.cache = shared * 2.0

    def forward(self, x: Any) -> Any:
        return self.tied[0] * x


def test_parameters_are_found_in_nested_attributes_each_once() -> None:
    assert [name for name, _ in Custom().named_parameters()] == ["tied.0", "sub.0.w.0", "sub.0.b"]


def test_parameters_are_found_in_object_arrays_and_beside_references_back() -> None:
    class Child(Module):
        def __init__(self, parent: Module) -> None:
            self.parent = parent
            self.W = np.array([[Value(1.0), Value(2.0)]])

    class Parent(Module):
        def __init__(self) -> None:
            self.child = Child(self)

    assert [name for name, _ in Parent().named_parameters()] == ["child.W.0.0", "child.W.0.1"]


def test_a_module_without_forward_says_so() -> None:
    class Empty(Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty has no forward\(self, ...\) method yet"):
        Empty()(1.0)


def test_models_copy_and_pickle() -> None:
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data
        twin.parameters()[0].data = 100.0
        assert model.parameters()[0].data != 100.0


class Child(Module):
    def __init__(self, parent: Module) -> None:
        self.parent, self.a = parent, Value(1.0)


class Parent(Module):
    def __init__(self) -> None:
        self.child = Child(self)


def test_a_child_that_knows_its_parent_can_be_shown_and_saved(tmp_path: Path) -> None:
    assert "(child): Child(" in repr(Parent())
    assert Parent().load(Parent().save(tmp_path / "parent.json")).parameters()[0].data == 1.0


def test_containers_that_hold_themselves_or_plain_data_are_no_trouble() -> None:
    model: Any = Parent()
    model.loop = [Value(2.0)]
    model.loop.append(model.loop)
    model.table = [[0.0] * 100 for _ in range(100)]
    assert [p.data for p in model.parameters()] == [1.0, 2.0]


def test_parameters_in_slots_would_be_lost_and_are_refused() -> None:
    with pytest.raises(
        TypeError, match="Slotted: parameters are found among a module's attributes; leave __slots__ out"
    ):

        class Slotted(Module):
            __slots__ = ("w",)


def test_two_parameters_of_one_path_are_an_error_and_not_lost() -> None:
    model: Any = Parent()
    model.table = {1: Value(1.0), "1": Value(2.0)}
    with pytest.raises(ArgumentError, match=r"two parameters have the path table\.1"):
        model.state_dict()


def test_a_part_of_a_sequence_is_one_and_repeated_modules_are_shown() -> None:
    layer = Linear(2, 2, rng=0)
    model = Sequential(layer, nn.ReLU(), layer)
    assert isinstance(model[:2], Sequential)
    assert len(model[:2]) == 2
    assert [line[:5] for line in repr(model).splitlines()[1:4]] == ["  (0)", "  (1)", "  (2)"]


def test_a_loss_may_have_attributes_of_its_own() -> None:
    criterion = nn.MSELoss()
    criterion.count = 0  # type: ignore[attr-defined]
    assert criterion([1.0], [3.0]) == 4.0


def test_sizes_may_be_numpy_integers() -> None:
    assert len(MLP(np.int64(2), [np.int64(3), 1]).parameters()) == 13  # type: ignore[arg-type, list-item]
    assert Dropout(np.float32(0.5)).p == 0.5  # type: ignore[arg-type]


def test_repr_shows_sizes_activations_and_counts() -> None:
    assert repr(Layer(2, 3)) == "Layer(2, 3, activation=relu)  # 9 parameters"
    assert repr(Neuron(2, nonlin=False)) == "Neuron(2)  # 3 parameters"
    assert repr(MLP(2, [3, 1])).splitlines()[0] == "MLP(  # 13 parameters"


def test_gradients_by_a_module_reach_parameters_in_object_arrays() -> None:
    class Model(Module):
        def __init__(self) -> None:
            self.W = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])

        def forward(self, x: Any) -> Any:
            return (self.W @ x).sum()

    gradient = grad(lambda model, x: model(x))(Model(), np.array([5.0, 7.0]))
    assert [[v.data for v in row] for row in gradient.W] == [[5.0, 7.0], [5.0, 7.0]]


def test_names_are_paths_of_the_outermost_module_and_given_names_stay() -> None:
    class Net(Module):
        def __init__(self) -> None:
            self.parts: list[Any] = []
            self.parts.append(Linear(1, 1))
            self.slope = Value(1.0, name="my slope")

    net = Net()
    assert [p.name for p in net.parameters()] == ["parts.0.weight.0.0", "parts.0.bias.0", "my slope"]
    outer = Sequential(net)
    assert [p.name for p in outer.parameters()] == ["0.parts.0.weight.0.0", "0.parts.0.bias.0", "my slope"]
    assert "parts.0.weight.0.0" in draw_dot(net.parts[0]([2.0])[0]).source


def test_help_shows_a_modules_own_arguments() -> None:
    assert str(inspect.signature(Linear)).startswith("(in_features: int, out_features: int, bias: bool = True, *,")


def test_modules_come_outer_before_inner_each_once() -> None:
    shared = nn.ReLU()
    model = Sequential(Linear(1, 2), shared, Sequential(shared, Linear(2, 1)))
    assert [type(m).__name__ for m in model.modules()] == ["Sequential", "Linear", "ReLU", "Sequential", "Linear"]


def test_train_and_eval_reach_every_module() -> None:
    model = Sequential(Linear(1, 1), Sequential(Dropout(0.5)))
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert all(m.training for m in model.train().modules())
    with pytest.raises(TypeError, match=r"train\(\) takes True or False, got list .*; to train a model write ag.fit"):
        model.train([[1.0]])  # type: ignore[arg-type]


# -- Linear, Sequential, Dropout and activations --


def test_linear_is_a_matrix_times_a_vector() -> None:
    layer = Linear(3, 2, rng=0)
    W = np.array([[w.data for w in row] for row in layer.weight])
    assert layer.bias is not None
    b = np.array([v.data for v in layer.bias])
    x = np.array([1.0, -2.0, 0.5])
    assert [y.data for y in layer(x)] == pytest.approx((W @ x + b).tolist(), rel=1e-14)
    assert [y.data for y in Linear(3, 2, bias=False, rng=0)(x)] == pytest.approx((W @ x).tolist(), rel=1e-14)


def test_linear_starts_as_in_pytorch_within_the_root_of_its_inputs() -> None:
    layer = Linear(16, 50, rng=0)
    numbers = [p.data for p in layer.parameters()]
    assert all(abs(x) <= 0.25 for x in numbers)
    assert max(numbers) > 0.24
    assert min(numbers) < -0.24


@pytest.mark.parametrize(
    "make",
    [
        lambda: Linear(2, 3, rng=0),
        lambda: MLP(2, [3, 2], activation="tanh", rng=0),
        lambda: MLP(2, [3, 1], output="sigmoid", rng=0),
        lambda: Layer(2, 3, rng=0),
        lambda: Neuron(2, rng=0),
        lambda: Sequential(Linear(2, 3, rng=0), nn.Tanh(), nn.Softmax(), nn.LogSoftmax()),
        nn.GELU,
        nn.Softmax,
    ],
)
def test_a_batch_gives_what_its_samples_give(make: Callable[[], Module]) -> None:
    model, batch = make(), [[1.0, 2.0], [-0.5, 0.25], [0.0, 0.0]]

    def plain(y: Any) -> Any:
        return [plain(item) for item in y] if isinstance(y, (list, np.ndarray)) else number(y)

    each = [plain(model(x)) for x in batch]
    assert plain(model(batch)) == each
    assert plain(model([batch, batch])) == [each, each]
    assert np.array(plain(model(np.array(batch)))).tolist() == each


ACTIVATIONS: list[tuple[Module, Callable[[float], float]]] = [
    (nn.ReLU(), ops.relu),
    (nn.Sigmoid(), ops.sigmoid),
    (nn.Tanh(), ops.tanh),
    (nn.GELU(), ops.gelu),
    (nn.SiLU(), ops.silu),
    (nn.Softplus(), ops.softplus),
    (nn.Identity(), lambda x: x),
    (nn.LeakyReLU(0.2), lambda x: ops.leaky_relu(x, 0.2)),
    (nn.ELU(2.0), lambda x: ops.elu(x, 2.0)),
]


@pytest.mark.parametrize(("module", "function"), ACTIVATIONS, ids=lambda m: type(m).__name__)
def test_an_activation_module_applies_its_function_to_every_number(
    module: Module, function: Callable[[float], float]
) -> None:
    assert module(-0.7) == function(-0.7)
    assert module([[-0.7], [1.3]]) == [[function(-0.7)], [function(1.3)]]
    assert module([Value(-0.7)])[0].data == function(-0.7)


def test_softmax_goes_over_the_last_dimension() -> None:
    rows = [[1.0, 2.0], [3.0, 5.0]]
    assert nn.Softmax(dim=1)(rows) == [softmax(row) for row in rows]
    assert nn.LogSoftmax()(rows) == [log_softmax(row) for row in rows]
    with pytest.raises(ArgumentError, match="goes over the last dimension, here 1; got dim=0"):
        nn.Softmax(dim=0)(rows)


def test_sequential_applies_its_parts_in_order_and_names_them_as_pytorch() -> None:
    model = Sequential(Linear(2, 3, rng=0), nn.ReLU(), sum)
    assert list(model.state_dict())[:2] == ["0.weight.0.0", "0.weight.0.1"]
    assert model([1.0, 2.0]).data == sum(y.relu() for y in model[0]([1.0, 2.0])).data
    assert len(model) == 3
    assert model[-1] is list(model)[2]


def test_dropout_keeps_the_mean_while_training_and_does_nothing_else() -> None:
    dropout = Dropout(0.25, rng=0)
    found = dropout([1.0] * 10_000)
    assert set(found) == {0.0, 1.0 / 0.75}
    assert sum(found) / len(found) == pytest.approx(1.0, abs=0.02)
    assert Dropout(0.25, rng=0)([1.0] * 50) == found[:50]
    x = [Value(1.0)]
    assert dropout.eval()(x) is x
    assert Dropout(1.0)([3.0]) == [0.0]
    assert Dropout(0.0)([3.0]) == [3.0]


def test_dropped_numbers_get_no_gradient() -> None:
    x = [Value(1.0) for _ in range(20)]
    y = Dropout(0.5, rng=0)(x)
    sum(y).backward()
    assert [v.grad for v in x] == [out.data for out in y]
    assert {v.grad for v in x} == {0.0, 2.0}


def test_an_mlp_has_the_output_activation_and_initialiser_that_it_is_given() -> None:
    model = MLP(2, [3, 1], output="sigmoid", init="zeros")
    assert model([5.0, 5.0]).data == 0.5
    assert MLP(2, [1], init=lambda nout, nin, rng=None: [[7.0] * nin] * nout)([1.0, 1.0]).data == 14.0
    assert (
        MLP(3, [2, 1], activation=nn.Tanh(), rng=0)([1.0, 2.0, 3.0]).data
        == MLP(3, [2, 1], activation="tanh", rng=0)([1.0, 2.0, 3.0]).data
    )


# -- Initialisers --

FAN_IN, FAN_OUT = 200, 100
DEVIATIONS: list[tuple[str, float, float | None]] = [
    ("uniform", 3**-0.5, 1.0),
    ("normal", 1.0, None),
    ("fan_in_normal", FAN_IN**-0.5, None),
    ("xavier_uniform", (2 / (FAN_IN + FAN_OUT)) ** 0.5, (6 / (FAN_IN + FAN_OUT)) ** 0.5),
    ("xavier_normal", (2 / (FAN_IN + FAN_OUT)) ** 0.5, None),
    ("kaiming_uniform", (2 / FAN_IN) ** 0.5, (6 / FAN_IN) ** 0.5),
    ("kaiming_normal", (2 / FAN_IN) ** 0.5, None),
    ("zeros", 0.0, 0.0),
]


@pytest.mark.parametrize(("name", "deviation", "bound"), DEVIATIONS)
def test_an_initialiser_has_its_deviation_and_comes_from_its_seed(
    name: str, deviation: float, bound: float | None
) -> None:
    init = getattr(nn.init, name)
    rows = init(FAN_OUT, FAN_IN, rng=1)
    assert (len(rows), len(rows[0])) == (FAN_OUT, FAN_IN)
    numbers = np.array(rows)
    assert numbers.std() == pytest.approx(deviation, rel=0.02)
    assert numbers.mean() == pytest.approx(0.0, abs=0.02)
    if bound is not None:
        assert abs(numbers).max() == pytest.approx(bound, rel=1e-3)
    assert rows == init(FAN_OUT, FAN_IN, rng=1) == init(FAN_OUT, FAN_IN, rng=random.Random(1))
    model = MLP(3, [2], init=name, rng=1)
    assert [w.data for neuron in model.layers[0].neurons for w in neuron.w] == [
        w for row in init(2, 3, rng=1) for w in row
    ]


def test_kaiming_takes_the_slope_and_the_other_fan() -> None:
    wide = np.array(nn.init.kaiming_normal(FAN_OUT, FAN_IN, a=1.0, mode="fan_out", rng=0))
    assert wide.std() == pytest.approx((1 / FAN_OUT) ** 0.5, rel=0.02)
    with pytest.raises(ArgumentError, match='mode is "fan_in" or "fan_out", got str \'fan\''):
        nn.init.kaiming_normal(2, 2, mode="fan")


# -- Clipping --


def test_clipping_scales_the_whole_gradient_and_returns_its_length() -> None:
    a, b, c = Value(0.0), Value(0.0), Value(0.0)
    (3 * a + 4 * b).backward()
    assert optim.clip_grad_norm_([a, b, c], 10.0) == 5.0
    assert (a.grad, b.grad) == (3.0, 4.0)
    assert optim.clip_grad_norm_(iter([a, b, c]), 1.0) == 5.0
    assert (a.grad, b.grad) == pytest.approx((0.6, 0.8), rel=1e-6)
    assert not c.has_grad


def test_gradients_that_cannot_be_clipped_are_left_alone_if_that_is_asked() -> None:
    a, b = Value(0.0), Value(0.0)
    a.grad, b.grad = math.inf, 1.0
    with pytest.raises(ArgumentError, match="the length of the gradients is inf"):
        optim.clip_grad_norm_([a, b], 1.0, error_if_nonfinite=True)
    assert b.grad == 1.0
    with pytest.raises(ArgumentError, match="max_norm is a length, 0 or more; got -1"):
        optim.clip_grad_norm_([a, b], -1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Neuron(2)([1.0]), ArgumentError, "this neuron takes 2 inputs, got 1"),
        (lambda: MLP(2, [3, 1])([1.0, 2.0, 3.0]), ArgumentError, "takes 2 inputs, got 3"),
        (lambda: Neuron(0), ArgumentError, "nin is a whole number from 1 up, got int 0"),
        (lambda: Layer(2, 1.5), ArgumentError, "nout is a whole number from 1 up, got float 1.5"),  # type: ignore[arg-type]
        (lambda: MLP(2, 3), TypeError, r"nouts is the list of layer sizes, such as \[16, 16, 1\]; got int 3"),  # type: ignore[arg-type]
        (lambda: MLP(2, []), TypeError, "nouts is the list of layer sizes"),
        (lambda: Neuron(2, activation="rellu"), ArgumentError, "there is no activation 'rellu'; there are relu, tanh"),
        (lambda: Neuron(2, "tanh"), TypeError, "nonlin is True or False, got str 'tanh'"),  # type: ignore[arg-type]
        (lambda: Neuron(2, activation="add"), ArgumentError, "there is no activation 'add'"),
        (lambda: Neuron(2, activation=3), TypeError, "the name of a primitive or a function, got int 3"),  # type: ignore[arg-type]
        (lambda: Neuron(2)(1.0), TypeError, "this neuron takes a list of 2 numbers, got float 1.0"),
        (lambda: MLP(2, [1], rng="0"), TypeError, "rng is a random.Random, a whole number as its seed"),  # type: ignore[arg-type]
        (
            lambda: MLP(2, [1], init="xavier"),
            ArgumentError,
            "no initialiser 'xavier'; there are uniform, normal, zeros",
        ),
        (
            lambda: MLP(2, [1], init=lambda nout, nin, rng=None: [[1.0]]),
            ArgumentError,
            r"1 rows of 2 weights here; .*\[\[1.0",
        ),
        (lambda: Neuron(2, activation=nn.Tanh), TypeError, r"an activation is an instance, so write Tanh\(\)"),  # type: ignore[arg-type]
        (lambda: Linear(2, 3)([1.0]), ArgumentError, "this layer takes 2 inputs, got 1"),
        (lambda: Linear(2, 3)([[1.0, 2.0, 3.0]]), ArgumentError, "this layer takes 2 inputs, got 3"),
        (lambda: Linear(2, 3)("ab"), TypeError, "this layer takes a list of 2 numbers, got str 'ab'"),
        (lambda: Linear(2, 0), ArgumentError, "out_features is a whole number from 1 up, got int 0"),
        (lambda: Sequential([Linear(1, 1)]), TypeError, r"Sequential takes modules, Sequential\(a, b, ...\); got list"),
        (lambda: Sequential(nn.ReLU), TypeError, "Sequential takes modules"),
        (lambda: Dropout(1.5), ArgumentError, "p is a probability, from 0 to 1; got float 1.5"),
        (lambda: nn.Softmax()(1.0), ArgumentError, "Softmax takes a list of numbers, or lists of them; got float 1.0"),
        (lambda: nn.ReLU()("text"), TypeError, "relu takes numbers and Values"),
        (lambda: Neuron(2)(["a", "b"]), TypeError, "unsupported operand|can't multiply"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
