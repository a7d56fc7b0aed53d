"""Programs as PyTorch's users write them: they run when nothing but their import lines is changed."""

import copy
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import autograd_lite.nn.functional as F  # noqa: N812 - as PyTorch's users write it
from autograd_lite import Value, nn, ops
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError, StateError

IMPORTS = """
import autograd_lite as torch
import autograd_lite.nn as nn
import autograd_lite.nn.functional as F
import autograd_lite.optim as optim
from autograd_lite import nn, optim
from autograd_lite.nn import functional as F
from autograd_lite.nn import Linear, MSELoss, Module, Sequential
from autograd_lite.optim import SGD, Adam
torch.manual_seed(0)
"""

REGRESSION = {
    "a class with F.relu": """
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(10, 50)
        self.fc2 = nn.Linear(50, 20)
        self.fc3 = nn.Linear(20, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x

model = Net()
inputs = torch.randn((32, 10))
targets = torch.randn((32, 1))
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)
losses = []
num_epochs = 10
for epoch in range(num_epochs):
    model.train()
    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, targets)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    print(f'Epoch [{epoch + 1}/{num_epochs}], Loss: {loss.item():.4f}')
""",
    "Sequential, SGD with momentum": """
model = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 20), nn.ReLU(), nn.Linear(20, 1))
x, y = torch.randn(16, 10), torch.randn(16, 1)
loss_fn = nn.MSELoss(reduction='mean')
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
losses = []
for t in range(10):
    y_pred = model(x)
    loss = loss_fn(y_pred, y)
    if t % 5 == 4:
        print(t, loss.item())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
model.eval()
with torch.no_grad():
    test = model(torch.randn(3, 10))
""",
    "layers in a ModuleList, a scheduler, clipping, a decorator": """
class Net(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])
        self.drop = nn.Dropout(p=0.1)
        self.apply(self.init_weights)

    @staticmethod
    def init_weights(m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            nn.init.zeros_(m.bias)

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i < len(self.layers) - 1:
                x = F.dropout(F.relu(x), p=0.1, training=self.training)
        return self.drop(x)

net = Net([10, 50, 20, 1])
opt = optim.AdamW(net.parameters(), lr=1e-2, weight_decay=1e-2)
sched = optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)
X, Y = torch.rand(8, 10), torch.ones(8, 1)
losses = []
for epoch in range(10):
    opt.zero_grad()
    loss = F.mse_loss(net(X), Y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=5.0)
    opt.step()
    sched.step()
    losses.append(loss.item())

@torch.no_grad()
def evaluate():
    net.eval()
    return F.mse_loss(net(X), Y).item()

assert evaluate() == evaluate()
""",
}

XOR = {
    "a class with nn.Sigmoid": """
X = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float32)
Y = torch.tensor([[0], [1], [1], [0]], dtype=torch.float32)

class XOR(nn.Module):
    def __init__(self):
        super(XOR, self).__init__()
        self.fc1 = nn.Linear(2, 4)
        self.fc2 = nn.Linear(4, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x):
        x = self.sigmoid(self.fc1(x))
        return self.sigmoid(self.fc2(x))

model = XOR()
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=5.0)
losses = []
for epoch in range(400):
    optimizer.zero_grad()
    output = model(X)
    loss = criterion(output, Y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
with torch.no_grad():
    predictions = [[round(p.item()) for p in row] for row in model(X)]
assert predictions == Y, predictions
""",
    "Sequential, BCELoss and float": """
X = torch.tensor([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
y = torch.tensor([[0.], [1.], [1.], [0.]], dtype=torch.float)
net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
loss_func = nn.BCELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
losses = []
for i in range(100):
    out = net(X)
    loss = loss_func(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
for p, t in zip(net(X), y):
    assert (p[0] > 0.5) == (t[0] > 0.5)
""",
    "two classes, cross_entropy, sample by sample": """
data = [(torch.tensor([a, b], dtype=torch.float64), a ^ b) for a in (0, 1) for b in (0, 1)]
labels = torch.tensor([0, 1, 1, 0], dtype=torch.long)
model = Sequential(Linear(2, 8), nn.Tanh(), Linear(8, 2))
criterion = nn.CrossEntropyLoss()
optimizer = Adam(model.parameters(), lr=0.1)
losses = []
for epoch in range(80):
    total = 0.0
    for x, label in data:
        optimizer.zero_grad()
        loss = criterion(model(x), label)
        loss.backward()
        optimizer.step()
        total += loss.item()
    losses.append(total / len(data))
scores = [F.log_softmax(model(x), dim=0) for x, _ in data]
assert F.nll_loss(scores, labels).item() < 0.1
assert all(abs(sum(p.data for p in F.softmax(model(x), dim=-1)) - 1) < 1e-9 for x, _ in data)
""",
}
OTHERS = {
    "a line by hand": """
x = torch.tensor(1.0, requires_grad=True)
w = nn.Parameter(torch.tensor(0.5))
losses = []
for _ in range(20):
    loss = (w * 3.0 + x - 5.0) ** 2
    losses.append(loss.item())
    loss.backward()
    with torch.no_grad():
        for p in (x, w):
            p.data -= 0.04 * p.grad
            p.grad = None
""",
    "fine-tuning with a frozen part": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 4)
        self.head = nn.Linear(4, 1)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return [[self.scale[0] * y for y in row] for row in self.head(torch.nn.functional.tanh(self.body(x)))]

model = Net()
for param in model.body.parameters():
    param.requires_grad = False
before = model.body.state_dict()
optimizer = optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=0.05)
X, Y = torch.rand(6, 2), torch.zeros(6, 1)
losses = []
for epoch in range(10):
    optimizer.zero_grad()
    loss = nn.SmoothL1Loss()(model(X), Y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert model.body.state_dict() == before
assert {name for name, p in model.named_parameters() if p.requires_grad} == {
    'head.weight.0.0', 'head.weight.0.1', 'head.weight.0.2', 'head.weight.0.3', 'head.bias.0', 'scale.0'}
""",
}


@pytest.mark.parametrize(
    "program", [*REGRESSION.values(), *XOR.values(), *OTHERS.values()], ids=[*REGRESSION, *XOR, *OTHERS]
)
def test_a_program_runs_when_its_imports_are_changed_and_learns(program: str) -> None:
    names: dict[str, Any] = {}
    exec(IMPORTS + program, names)
    assert names["losses"][-1] < 0.95 * names["losses"][0]


def test_the_guide_is_so(capsys: pytest.CaptureFixture[str]) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "pytorch.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    exec(program, {})
    assert capsys.readouterr().out.count("loss") == 3
    for name in set(re.findall(r"`(?:nn\.)?([A-Z]\w+)`", guide)) - {"AttributeError", "TypeError", "ImportError"}:
        assert hasattr(nn, name) or hasattr(ag.optim, name) or name == "DataLoader", name


def test_a_state_is_saved_and_loaded_as_in_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    ag.save(model.state_dict(), path)
    other.load_state_dict(ag.load(path))
    assert other.state_dict() == model.state_dict() == nn.Linear(3, 2).load(path).state_dict()


@pytest.mark.parametrize("thing", [nn.Linear(1, 1), [1.0], {"a": [1.0]}, {1: 1.0}, {"a": True}, {"model": {"a": 1.0}}])
def test_only_the_state_of_a_model_is_saved(tmp_path: Path, thing: Any) -> None:
    with pytest.raises(TypeError, match=r"save\(\) takes the state of a model, model\.state_dict\(\)"):
        ag.save(thing, tmp_path / "thing.pt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"PK\x03\x04", b"{}", b"[" * 100_000])
def test_only_our_own_files_are_loaded(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"model\.pt is not a state that load\(\) reads"):
        ag.load(path)


# -- nn.functional --

ELEMENTWISE: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (F.relu, ops.relu),
    (F.sigmoid, ops.sigmoid),
    (F.tanh, ops.tanh),
    (F.gelu, ops.gelu),
    (F.silu, ops.silu),
    (F.softplus, ops.softplus),
    (F.logsigmoid, lambda x: -ops.softplus(-x)),
    (F.leaky_relu, ops.leaky_relu),
    (lambda x: F.leaky_relu(x, 0.2), lambda x: ops.leaky_relu(x, 0.2)),
    (F.elu, ops.elu),
    (lambda x: F.elu(x, alpha=2.0), lambda x: ops.elu(x, 2.0)),
    (lambda x: F.dropout(x, training=False), lambda x: x),
    (lambda x: F.dropout(x, p=0.0), lambda x: x),
]


@pytest.mark.parametrize(("function", "expected"), ELEMENTWISE)
def test_an_activation_works_on_every_number_of_nested_lists(
    function: Callable[[Any], Any], expected: Callable[[Any], Any]
) -> None:
    assert function(-0.5) == expected(-0.5)
    assert function([[1.5, -0.5], [0.0, 2.0]]) == [[expected(1.5), expected(-0.5)], [expected(0.0), expected(2.0)]]
    assert number(function([(Value(-0.5),)])[0][0]) == expected(-0.5)
    assert np.array(function(np.array([[1.5, -0.5]]))).tolist() == [[expected(1.5), expected(-0.5)]]


def test_linear_is_that_of_the_layer() -> None:
    layer, x = nn.Linear(3, 2, rng=0), [[1.0, 2.0, 3.0], [0.5, -0.5, 1.0]]
    found = F.linear(x, layer.weight, layer.bias)
    assert [[y.data for y in row] for row in found] == pytest.approx(
        np.array([[y.data for y in row] for row in layer(x)]), rel=1e-14
    )
    assert F.linear([1.0, 2.0], [[3.0, 4.0]]) == [11.0]


def test_dropout_drops_with_its_probability_while_training() -> None:
    found = F.dropout([1.0] * 10_000, 0.25, rng=0)
    assert set(found) == {0.0, 1.0 / 0.75}
    assert sum(found) / len(found) == pytest.approx(1.0, abs=0.02)


# -- Tensors are nested lists --


def test_a_tensor_is_nested_lists_of_its_dtype() -> None:
    assert str(ag.tensor([[0, 1]], dtype=ag.float32)) == str(ag.tensor(((0, 1.0),))) == "[[0.0, 1.0]]"
    assert str(ag.tensor(np.array([[0, 1]]))) == str(ag.tensor([[0.0, 1.9]], dtype=ag.long)) == "[[0, 1]]"
    assert ag.tensor([]) == []
    (x,) = ag.tensor([2.0], requires_grad=True)
    (x * x).backward()
    assert x.grad == 4.0
    assert [v.data for v in ag.zeros(2, requires_grad=True)] == [0.0, 0.0]


@pytest.mark.parametrize("make", [ag.zeros, ag.ones, ag.rand, ag.randn])
def test_sizes_are_numbers_or_one_tuple(make: Callable[..., Any]) -> None:
    for size in ((2, 3), ((2, 3),), ([2, 3],)):
        found = make(*size)
        assert [len(row) for row in found] == [3, 3]
        assert {type(x) for row in found for x in row} == {float}
    assert isinstance(make(), float)
    assert make(0) == []


def test_random_tensors_have_their_distributions() -> None:
    uniform, normal = np.array(ag.rand(10_000, rng=0)), np.array(ag.randn(10_000, rng=0))
    assert (uniform.min() >= 0.0, uniform.max() < 1.0) == (True, True)
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert (normal.mean(), normal.std()) == pytest.approx((0.0, 1.0), abs=0.03)


# -- nn.init in place --

FAN_IN, FAN_OUT = 100, 60
IN_PLACE: list[tuple[Callable[[Any], Any], float]] = [
    (lambda w: nn.init.uniform_(w, -2.0, 2.0, rng=0), 4.0 / 12**0.5),
    (lambda w: nn.init.normal_(w, 0.0, 0.5, rng=0), 0.5),
    (lambda w: nn.init.xavier_uniform_(w, rng=0), (2 / (FAN_IN + FAN_OUT)) ** 0.5),
    (lambda w: nn.init.xavier_normal_(w, gain=2.0, rng=0), 2.0 * (2 / (FAN_IN + FAN_OUT)) ** 0.5),
    (lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu", rng=0), (2 / FAN_IN) ** 0.5),
    (lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5), rng=0), (1 / (3 * FAN_IN)) ** 0.5),
    (lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu", rng=0), (2 / FAN_OUT) ** 0.5),
    (lambda w: nn.init.constant_(w, 0.25), 0.0),
    (nn.init.zeros_, 0.0),
    (nn.init.ones_, 0.0),
]


@pytest.mark.parametrize(("init", "deviation"), IN_PLACE)
def test_an_initialiser_sets_a_weight_in_place(init: Callable[[Any], Any], deviation: float) -> None:
    layer = nn.Linear(FAN_IN, FAN_OUT, rng=1)
    before = layer.parameters()
    assert init(layer.weight) is layer.weight
    assert layer.parameters() == before
    assert np.std([[w.data for w in row] for row in layer.weight]) == pytest.approx(deviation, rel=0.03)


def test_gains_are_pytorchs() -> None:
    assert [nn.init.calculate_gain(name) for name in ("linear", "tanh", "relu")] == [1.0, 5 / 3, math.sqrt(2)]
    assert nn.init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)


# -- Containers and parameters --


def test_a_module_list_is_a_list_whose_modules_have_pytorchs_paths() -> None:
    layers = nn.ModuleList([nn.Linear(1, 2)]).append(nn.Linear(2, 1)).extend([nn.ReLU()])
    assert [path for path, _ in layers.named_children()] == ["0", "1", "2"]
    assert len(layers[1:]) == 2
    assert isinstance(layers[1:], nn.ModuleList)
    layers[-1] = nn.Tanh()
    assert [type(layer).__name__ for layer in layers] == ["Linear", "Linear", "Tanh"]
    assert len(copy.deepcopy(layers).parameters()) == 7


def test_a_module_dict_holds_modules_by_name() -> None:
    parts = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
    parts["c"] = nn.Linear(1, 2)
    assert list(parts) == list(parts.keys()) == ["a", "b", "c"]
    assert [parts[name] for name in parts] == list(parts.values()) == [module for _, module in parts.items()]
    assert list(parts.state_dict())[:2] == ["a.weight.0.0", "a.bias.0"]
    assert len(parts) == 3


def test_a_parameter_is_a_leaf_value_or_nested_lists_of_them() -> None:
    random.seed(0)
    row = nn.Parameter(ag.randn(2, 3))
    assert all(w.is_leaf and w.requires_grad for w in row[0])
    assert nn.Parameter(2.0).data == 2.0
    assert not nn.Parameter(2.0, requires_grad=False).requires_grad


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ag.tensor([[1.0], [1.0, 2.0]]),
            ArgumentError,
            "the lists of a tensor are of one length at each depth",
        ),
        (lambda: ag.tensor(["a"]), TypeError, "expected numbers"),
        (lambda: ag.tensor([Value(1.0)]), TypeError, r"takes plain numbers, got Value.*write \.data"),
        (lambda: ag.tensor([1], dtype="float32"), TypeError, "dtype is float32, float64"),  # type: ignore[arg-type]
        (lambda: ag.tensor([1], requires_grad=True), ArgumentError, "only floats have gradients"),
        (lambda: ag.zeros(-1), ArgumentError, "a size is a whole number from 0 up"),
        (lambda: F.softmax([[1.0, 2.0]], dim=0), ArgumentError, "goes over the last dimension, here 1; got dim=0"),
        (lambda: F.dropout([1.0], 1.5), ArgumentError, "p is a probability"),
        (lambda: F.linear([1.0], [[1.0, 2.0]]), ArgumentError, "two sequences of one length"),
        (lambda: F.linear([1.0], [[1.0]], [1.0, 2.0]), ArgumentError, "1 rows of weights and 2 numbers in the bias"),
        (lambda: nn.init.zeros_([[1.0]]), TypeError, "sets parameters, such as layer.weight, in place; got float"),
        (lambda: nn.init.xavier_uniform_([Value(1.0)]), ArgumentError, "takes a weight, a list of rows"),
        (lambda: nn.init.kaiming_normal_([[Value(1.0)]], nonlinearity="tanh"), ArgumentError, "nonlinearity is"),
        (lambda: nn.init.calculate_gain("swish"), ArgumentError, "there is no gain for 'swish'"),
        (lambda: nn.ModuleList([1]), TypeError, "ModuleList takes a list of modules; in it is int 1"),  # type: ignore[list-item]
        (lambda: nn.ModuleDict({"a": 1}), TypeError, "ModuleDict takes modules by name"),  # type: ignore[dict-item]
        (lambda: nn.ModuleDict({"train": nn.ReLU()}), ArgumentError, "'train' cannot be the name of a module"),
        (lambda: nn.ModuleList([nn.ReLU()])([1.0]), NotImplementedError, "ModuleList has no forward"),
        (lambda: nn.Parameter("a"), TypeError, "got str 'a'"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
