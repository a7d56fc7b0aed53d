"""The state of a module: as a dict, and as a file that may be wrong, cut or hostile."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_lite import Value, nn
from autograd_lite.errors import StateError


class Pair(nn.Module):
    def __init__(self, a: float = 1.0, b: float = 2.0) -> None:
        self.a, self.b = Value(a), Value(b).detach()


def numbers(module: nn.Module) -> list[float]:
    return list(module.state_dict().values())


def test_a_state_holds_parameters_and_constants_by_their_paths() -> None:
    assert Pair().state_dict() == {"a": 1.0, "b": 2.0}
    paths = list(nn.MLP(2, [2, 1]).state_dict())
    assert paths[:3] == ["layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b"]


def test_a_loaded_state_makes_a_model_answer_alike() -> None:
    one, other = nn.MLP(2, [3, 1], rng=0), nn.MLP(2, [3, 1], rng=1)
    assert other.load_state_dict(one.state_dict()) == ([], [])
    assert other([0.5, -1.0]).data == one([0.5, -1.0]).data


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    pair = Pair()
    for state in ({"a": 5.0}, {"a": 5.0, "b": 6.0, "c": 7.0}):
        with pytest.raises(StateError, match="does not fit Pair"):
            pair.load_state_dict(state)
    wrong: Any = {"a": 5.0, "b": "six"}
    with pytest.raises(TypeError, match="the state of b must be a number, got str 'six'"):
        pair.load_state_dict(wrong)
    assert numbers(pair) == [1.0, 2.0]


def test_without_strict_what_fits_is_loaded_and_the_rest_reported() -> None:
    pair = Pair()
    assert pair.load_state_dict({"a": 5.0, "c": 7.0}, strict=False) == (["b"], ["c"])
    assert numbers(pair) == [5.0, 2.0]


@given(st.floats(), st.floats(width=64, allow_subnormal=True))
def test_a_file_keeps_every_bit(tmp_path_factory: pytest.TempPathFactory, a: float, b: float) -> None:
    path = tmp_path_factory.mktemp("state") / "pair.json"
    Pair(a, b).save(path)
    for before, after in zip([a, b], numbers(Pair().load(path)), strict=True):
        assert before.hex() == after.hex()


def test_a_person_can_read_the_file(tmp_path: Path) -> None:
    path = nn.MLP(2, [2, 1], rng=0).save(tmp_path / "model.json")
    lines = path.read_text().splitlines()
    assert "MLP(  # 9 parameters" in lines[4]
    assert '  "layers.0.neurons.0.w.0": 0.6888437030500962,' in lines


def good() -> dict[str, Any]:
    return {"format": "autograd_lite state", "version": 1, "model": [], "state": {"a": 1.5, "b": 2.5}}


BAD: list[tuple[str, str | bytes, str]] = [
    ("empty", "", "no whole JSON file"),
    ("cut", json.dumps(good())[:-10], "no whole JSON file"),
    ("binary", b"\x80\x04\x95\xff", "no whole JSON file"),
    ("nested", "[" * 100_000, "no whole JSON file"),
    ("a list", "[1, 2]", "was not written by Module.save"),
    ("another JSON", '{"weights": [1]}', "was not written by Module.save"),
    ("a later version", json.dumps(good() | {"version": 2}), "of version int 2, and this release reads version 1"),
    ("no state", json.dumps(good() | {"state": [1.5]}), "no dict of numbers named 'state'"),
    ("a word", json.dumps(good() | {"state": {"a": "x", "b": 1}}), "a is str 'x', not a number"),
    ("code", json.dumps(good() | {"state": {"a": "__import__('os')", "b": 1}}), "not a number"),
    ("a truth", json.dumps(good() | {"state": {"a": True, "b": 1}}), "a is bool True, not a number"),
    ("a list of numbers", json.dumps(good() | {"state": {"a": [1], "b": 1}}), "not a number"),
    (
        "too large a number",
        '{"format": "autograd_lite state", "version": 1, "state": {"a": 1e999, "b": 1}}',
        "float inf",
    ),
    ("too large an int", json.dumps(good() | {"state": {"a": 10**400, "b": 1}}), "not a number"),
    ("digits", '{"a": ' + "1" * 10_000 + "}", "no whole JSON file"),
    ("twice", '{"format": 1, "format": "autograd_lite state"}', "a name stands twice"),
    ("huge", json.dumps(good()) + " " * 2_000_000, "larger than the 1002000 bytes that 2 parameters could take"),
]


@pytest.mark.parametrize(("content", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_wrong_file_says_what_is_wrong_and_changes_nothing(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    pair = Pair()
    with pytest.raises(StateError) as caught:
        pair.load(path)
    assert message in str(caught.value)
    assert "state.json is not a state that this model can load" in str(caught.value)
    assert numbers(pair) == [1.0, 2.0]


def test_a_file_of_another_model_names_the_paths(tmp_path: Path) -> None:
    path = nn.MLP(2, [3, 1]).save(tmp_path / "mlp.json")
    with pytest.raises(
        StateError, match=r"mlp.json: this state does not fit MLP. It lacks layers\.1.* It has .*neurons\.2\.w"
    ):
        nn.MLP(2, [2, 2, 1]).load(path)


def test_a_missing_file_is_pythons_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Pair().load(tmp_path / "nothing.json")


def test_nan_and_infinities_survive(tmp_path: Path) -> None:
    path = Pair(math.nan, -math.inf).save(tmp_path / "pair.json")
    a, b = numbers(Pair().load(path))
    assert math.isnan(a)
    assert b == -math.inf


@pytest.mark.parametrize("load", [lambda pair: pair.load_state_dict([1.0]), lambda pair: pair.load_state_dict("a")])
def test_a_state_is_a_dict(load: Callable[[Pair], Any]) -> None:
    with pytest.raises(TypeError, match="a state is a dict from paths to numbers"):
        load(Pair())
