"""Modules, neurons, layers and perceptrons."""

import copy
import functools
import inspect
import math
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value, data, draw_dot, grad, log_softmax, nn, ops, optim, pytree, softmax
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError, GraphError
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


@pytest.mark.parametrize("rng", [None, random], ids=["None", "the module"])
def test_pythons_own_seed_makes_a_program_repeatable(rng: Any) -> None:
    def program() -> list[Any]:
        random.seed(1337)
        model = Sequential(Linear(2, 3, rng=rng), Dropout(0.5, rng=rng))
        mlp = MLP(2, [3, 1], rng=rng)
        batch = next(data.batches([1, 2, 3, 4, 5], [*"abcde"], 3, rng=rng))
        return [model.state_dict(), mlp.state_dict(), data.randn(3, rng=rng), model([1.0, 2.0]), batch]

    assert str(program()) == str(program())


def test_manual_seed_is_pythons_seed() -> None:
    random.seed(3)
    expected = [random.random(), data.randn(2)]
    ag.manual_seed(3)
    assert [random.random(), data.randn(2)] == expected


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_numpys_generators_are_sources_of_random_numbers(make: Callable[[int], Any]) -> None:
    def draws(rng: Any) -> list[Any]:
        numbers = [p.data for p in Linear(2, 3, rng=rng).parameters()]
        X, *_ = data.split(list(range(20)), list(range(20)), held_out=0.5, rng=rng)
        return [numbers, data.randn(5, rng=rng), X, Dropout(0.5, rng=rng)([1.0] * 10)]

    assert draws(make(0)) == draws(make(0)) != draws(make(1))
    generator = make(0)
    assert data.randn(2, rng=generator) != data.randn(2, rng=generator)
    twins = [copy.deepcopy(Dropout(0.5, rng=make(0)))([1.0] * 20) for _ in range(2)]
    assert twins[0] == twins[1] == pickle.loads(pickle.dumps(Dropout(0.5, rng=make(0))))([1.0] * 20)


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


# -- Parameters are not lost --


class Line(Module):
    def __init__(self) -> None:
        self.slope = Value(2.0)
        self.table: dict[str, Any] = {"a": [Value(1.0)], "b": Value(4.0)}
        self.pair = (Value(3.0), [Value(5.0)])
        self.W = np.array([[Value(1.0), Value(2.0)]])
        self.constant = Value(7.0).detach()
        self.sub = Neuron(2, rng=0)
        self.layers = [Linear(2, 2, rng=0)]

    def forward(self, x: Any) -> Any:
        self.sub([x, x])
        self.layers[0]([x, x])
        return self.slope * x


def assign_item(model: Any) -> None:
    model.sub.w[0] += -0.1


def assign_item_without_recording(model: Any) -> None:
    with ag.no_grad():
        model.sub.w[1] -= 0.5


def assign_attribute(model: Any) -> None:
    model.slope += -0.1


def assign_attribute_inside(model: Any) -> None:
    model.sub.b = model.sub.b - 0.5


def assign_list(model: Any) -> None:
    model.sub.w = [w - 0.5 for w in model.sub.w]


def assign_row(model: Any) -> None:
    model.layers[0].weight[1] = [w - 0.5 for w in model.layers[0].weight[1]]


def assign_dict(model: Any) -> None:
    model.table["b"] *= 2.0


def assign_in_dict(model: Any) -> None:
    model.table["a"][0] *= 2.0


def assign_in_tuple(model: Any) -> None:
    model.pair[1][0] *= 2.0


def assign_in_array(model: Any) -> None:
    model.W[0, 1] -= 0.5


def assign_whole_array(model: Any) -> None:
    model.W -= 0.5


def assign_float(model: Any) -> None:
    model.sub.w[0] = model.sub.w[0].data - 0.1


LOSSES = [
    (assign_item, r"sub\.w\.0"),
    (assign_item_without_recording, r"sub\.w\.1"),
    (assign_attribute, "slope"),
    (assign_attribute_inside, r"sub\.b"),
    (assign_list, r"sub\.w\.0"),
    (assign_row, r"layers\.0\.weight\.1\.0"),
    (assign_dict, r"table\.b"),
    (assign_in_dict, r"table\.a\.0"),
    (assign_in_tuple, r"pair\.1\.0"),
    (assign_in_array, r"W\.0\.1"),
    (assign_whole_array, r"W\.0\.0"),
    (assign_float, r"sub\.w\.0"),
]


@pytest.mark.parametrize("then", [lambda model: model(2.0), Module.parameters, Module.zero_grad])
@pytest.mark.parametrize(("lose", "path"), LOSSES)
def test_what_takes_the_place_of_a_parameter_is_refused(
    lose: Callable[[Any], None], path: str, then: Callable[[Any], Any]
) -> None:
    model: Any = Line()
    model(2.0)

    def program() -> None:
        lose(model)
        model.latest = [3.0]
        then(model)

    with pytest.raises(TypeError, match=rf"the place of the parameter {path}, .*p\.data -= 0\.1 \* p\.grad"):
        program()


def test_a_constant_of_the_same_number_is_refused_when_parameters_are_asked_for() -> None:
    model = Neuron(2, rng=0)
    model.w[0] = model.w[0].detach()
    with pytest.raises(TypeError, match=r"the place of the parameter w\.0"):
        model.parameters()


@pytest.mark.parametrize("then", [lambda model: model([1.0, 2.0]), Module.parameters])
def test_a_weight_of_an_mlp_that_is_replaced_is_refused(then: Callable[[Any], Any]) -> None:
    model = MLP(2, [3, 1], rng=0)
    model.layers[1].neurons[0].w[2] -= 0.5
    with pytest.raises(TypeError, match=r"the parameter layers\.1\.neurons\.0\.w\.2, "):
        then(model)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_does_not_lose_parameters_either(twin: Callable[[Any], Any]) -> None:
    model = twin(Neuron(2, rng=0))
    model.w[0] -= 0.5
    with pytest.raises(TypeError, match=r"the place of the parameter w\.0"):
        model([1.0, 2.0])


def test_new_parameters_modules_and_shapes_may_take_the_place_of_old_ones() -> None:
    model: Any = Line()
    model.slope = Value(4.0)
    model.sub.w[0] = Value(0.5)
    model.sub = Linear(1, 1)
    model.layers[0] = Linear(2, 1)
    model.layers.append(Neuron(2))
    model.table = {"c": Value(1.0)}
    model.pair = None
    model.W = np.array([Value(1.0)])
    model.constant = model.constant * 2.0
    model.latest = [model.slope * 2.0]
    model.latest = [model.slope * 3.0]
    assert model.slope in model.parameters()
    model.sub = Neuron(2)
    assert model(2.0).data == 8.0
    del model.sub.w[1]
    assert len(model.sub.parameters()) == 2
    with pytest.raises(TypeError, match="slope"):
        model.slope *= 2.0


def test_a_module_may_be_called_with_other_numbers_in_the_place_of_its_parameters() -> None:
    def loss(model: Any, x: float) -> Any:
        gradient = grad(lambda model: model([x, x]))(model)
        ahead = pytree.map_leaves(lambda p: p * 0.5, model)
        return ahead([x, x]) + sum(p.data for p in gradient.parameters())

    neuron = Neuron(2, nonlin=False, rng=0)
    expected = loss(neuron, 2.0).data
    assert ag.jit(loss)(neuron, 2.0).data == ag.jit(loss)(neuron, 2.0).data == expected
    assert ag.jit(lambda x: neuron([x, x]))(2.0).data == 2.0 * expected


# -- Freezing --


def test_a_frozen_module_gets_no_gradient_and_is_not_moved_until_it_is_unfrozen() -> None:
    model = Sequential(Linear(2, 2, rng=0), Linear(2, 1, rng=1))
    everything = model.parameters()
    assert model[0].requires_grad_(False) is model[0]
    assert model.parameters() == everything
    assert [p.requires_grad for p in everything] == [False] * 6 + [True] * 3
    optimizer = optim.SGD(model.parameters(), lr=1.0)

    def moved() -> list[bool]:
        before = model.state_dict()
        model.zero_grad()
        model([1.0, 2.0])[0].backward()
        optimizer.step()
        return [before[path] != now for path, now in model.state_dict().items()]

    assert moved() == [False] * 6 + [True] * 3
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert len(twin.parameters()) == 9
        for p in twin.parameters():
            p.requires_grad = True
        assert twin([1.0, 2.0])[0].requires_grad
    model.requires_grad_()
    assert moved() == [True] * 9


def test_an_optimiser_leaves_alone_what_was_frozen_with_a_gradient() -> None:
    x, y = Value(1.0), Value(1.0)
    x.grad = y.grad = 1.0
    assert x.requires_grad_(False) is x
    optim.SGD([x, y], lr=0.5).step()
    assert (x.data, y.data) == (1.0, 0.5)


def test_only_a_leaf_can_be_frozen() -> None:
    with pytest.raises(GraphError, match="only leaves can be frozen"):
        (Value(1.0) * 2.0).requires_grad = False


def test_gradients_of_a_module_leave_out_what_is_frozen() -> None:
    neuron = Neuron(2, nonlin=False, rng=0)
    neuron.b.requires_grad = False
    gradient = grad(lambda n: n([3.0, 4.0]))(neuron)
    assert [w.data for w in gradient.w] == [3.0, 4.0]
    assert gradient.b is neuron.b


def test_modules_are_those_that_have_a_path() -> None:
    class Holds(Module):
        def __init__(self) -> None:
            shared = Linear(1, 1)
            self.first, self.again, self.parent = shared, [shared, nn.ReLU()], self
            self.mixed: list[Any] = [Value(1.0), {"a": (nn.ReLU(), None, "text")}]
            self.array = np.array([nn.Tanh(), 1.0], dtype=object)
            self.numbers, self.count = [Value(1.0), Value(2.0)], 3

    for model in (Holds(), MLP(2, [3, 1]), Sequential(Linear(1, 2), Sequential(nn.ReLU()))):
        assert [*map(id, model.modules())] == [id(module) for _, module in model.named_modules()]


def test_children_and_named_modules_have_their_paths() -> None:
    model = Sequential(Linear(1, 2), Sequential(nn.ReLU()))
    assert [path for path, _ in model.named_modules()] == ["", "0", "1", "1.0"]
    assert list(model.children()) == list(model) == [child for _, child in model.named_children()]
    seen: list[Any] = []
    assert model.apply(seen.append) is model
    assert seen[-1] is model
    assert len(seen) == 4


def test_zero_grad_sets_to_none_or_to_zero() -> None:
    model = Neuron(1, nonlin=False, rng=0)
    model([0.5]).backward()
    model.zero_grad(set_to_none=False)
    assert [(p.has_grad, p.grad) for p in model.parameters()] == [(True, 0.0)] * 2
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())


class Sample(list[float]):
    """A sample that counts how often it is looked at."""

    looks = 0

    def __len__(self) -> int:
        self.looks += 1
        return super().__len__()

    def __getitem__(self, place: Any) -> Any:
        self.looks += 1
        return super().__getitem__(place)


def test_a_sample_is_looked_at_as_often_however_many_neurons_there_are() -> None:
    def looks(model: Module) -> int:
        batch = [Sample([1.0, 2.0]) for _ in range(4)]
        model(batch)
        return sum(sample.looks for sample in batch)

    few = looks(Neuron(2))
    assert looks(Layer(2, 8)) == looks(MLP(2, [8, 8, 1])) == looks(Linear(2, 50)) == few
    assert few <= 4 * 4


def test_a_neuron_with_a_forward_of_its_own_is_asked_for_it() -> None:
    class Doubled(Neuron):
        def forward(self, x: Any) -> Any:
            return 2.0 * super().forward(x)

    class Called(Neuron):
        def __call__(self, x: Any) -> Any:
            return 3.0 * super().__call__(x)

    layer = Layer(2, 2, nonlin=False, rng=0)
    plain = [y.data for y in layer([1.0, 2.0])]
    for i, kind in enumerate([Doubled, Called]):
        neuron = kind(2, nonlin=False)
        neuron.load_state_dict(layer.neurons[i].state_dict())
        layer.neurons[i] = neuron
    assert [y.data for y in layer([1.0, 2.0])] == [2.0 * plain[0], 3.0 * plain[1]]


def test_a_layer_of_another_width_in_the_middle_of_an_mlp_is_an_error() -> None:
    model = MLP(2, [3, 1])
    model.layers[1] = Layer(4, 1)
    with pytest.raises(ArgumentError, match="takes 4 inputs, got 3"):
        model([1.0, 2.0])


@pytest.mark.parametrize(
    "wrap",
    [lambda model: model, ag.jit, functools.partial, lambda model: model.forward, lambda model: ag.jit(ag.jit(model))],
)
def test_evaluation_finds_the_model_inside_what_wraps_it(wrap: Callable[[Any], Any]) -> None:
    model = Sequential(Linear(1, 20, rng=0), Dropout(0.5, rng=0))
    expected = [number(y) for y in model.eval()([1.0])]
    model.train()
    assert ag.predict(wrap(model), [[1.0]]) == [expected]
    assert all(module.training for module in model.modules())


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


def test_nothing_to_clip_is_of_length_0() -> None:
    assert optim.clip_grad_norm_([], 1.0) == optim.clip_grad_norm_([Value(1.0)], 1.0) == 0.0
    assert optim.clip_grad_norm_(Value(1.0), 1.0) == 0.0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optim.clip_grad_norm_([[]], 1.0), TypeError, r"such as model.parameters\(\); in it is list \[\]"),  # type: ignore[list-item]
        (lambda: optim.clip_grad_norm_(Neuron(1), 1.0), TypeError, "such as model.parameters.*; got Neuron"),  # type: ignore[arg-type]
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
        (lambda: Sequential(nn.ReLU), TypeError, r"got the class ReLU; write ReLU\(...\)"),
        (lambda: nn.MLP(2, [1])(1.0, 2.0), TypeError, "this MLP takes the numbers of a sample as one list; it got 2"),
        (lambda: Dropout(1.5), ArgumentError, "p is a probability, from 0 to 1; got float 1.5"),
        (lambda: nn.Softmax()(1.0), ArgumentError, "softmax takes a list of numbers, or lists of them; got float 1.0"),
        (lambda: nn.ReLU()("text"), TypeError, "relu takes numbers and Values"),
        (lambda: Neuron(2)(["a", "b"]), TypeError, "linear takes numbers and Values, .* got str 'a'"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_an_array_of_floats_cannot_take_the_place_of_parameters() -> None:
    layer = nn.Linear(1, 1, rng=0)
    with pytest.raises(TypeError, match=r"has taken the place of the parameter weight\.0\.0"):
        layer.weight = np.array([[0.5]])  # type: ignore[assignment]
