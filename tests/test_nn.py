"""Modules, neurons, layers and perceptrons."""

import copy
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_lite import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.nn import MLP, Layer, Module, Neuron


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


def test_repr_shows_sizes_activations_and_counts() -> None:
    assert repr(Layer(2, 3)) == "Layer(2, 3, activation=relu)  # 9 parameters"
    assert repr(Neuron(2, nonlin=False)) == "Neuron(2)  # 3 parameters"
    assert repr(MLP(2, [3, 1])).splitlines()[0] == "MLP(  # 13 parameters"


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
        (lambda: Neuron(2)(1.0), TypeError, "a neuron takes a list of 2 numbers, got float 1.0"),
        (lambda: MLP(2, [1], rng="0"), TypeError, "rng is a random.Random, a whole number as its seed"),  # type: ignore[arg-type]
        (lambda: Neuron(2)(["a", "b"]), TypeError, "unsupported operand|can't multiply"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
