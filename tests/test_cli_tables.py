"""The commands train and predict: tables in, a model and predictions out."""

import contextlib
import csv
import io
import json
import math
import random
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies

import autograd_lite
from autograd_lite import nn
from autograd_lite.cli import main
from autograd_lite.cli.columns import inputs_of, target_of
from autograd_lite.cli.tables import read_table
from autograd_lite.errors import AutogradError
from tests.test_cli import IRIS, Printed, interrupt, run


@pytest.fixture(scope="module")
def iris_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "iris.json"
    assert main(["train", str(IRIS), "--target", "species", "--epochs", "20", "--save", str(path)]) == 0
    return path


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(text: str | bytes, name: str = "data.csv") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


def train(capsys: Printed, data: str, *options: str, target: str = "y") -> tuple[int, str, str]:
    return run(["train", data, "--target", target, "--epochs", "2", *options], capsys)


def houses(count: int, separator: str = ",") -> str:
    """A table of houses whose price is almost a function of the other columns."""
    rng = random.Random(0)
    lines = [separator.join(["area", "town", "garden", "price"])]
    for _ in range(count):
        area, town, garden = (
            rng.uniform(30.0, 200.0),
            rng.choice(["Ulm", "K\u00f6ln", "Bonn"]),
            rng.choice(["yes", "no"]),
        )
        price = 3.0 * area * {"Ulm": 1.0, "K\u00f6ln": 1.5, "Bonn": 1.2}[town] + 40.0 * (garden == "yes")
        lines.append(separator.join([f"{area:.1f}", f'"{town}"', garden, f"{price + rng.gauss(0.0, 5.0):.1f}"]))
    return "\r\n".join(lines) + "\r\n"


def test_iris_is_learned_saved_and_predicted_in_order(iris_model: Path, tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "out.csv"
    assert main(["predict", str(iris_model), str(IRIS), "-o", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    right = [line.rpartition(",")[2] for line in IRIS.read_text().splitlines()[1:]]
    assert sum(row["prediction"] == species for row, species in zip(rows, right, strict=True)) > 135
    for row in rows:
        shares = {name: float(row[f"probability of {name}"]) for name in ("setosa", "versicolor", "virginica")}
        assert sum(shares.values()) == pytest.approx(1.0)
        assert max(shares, key=shares.__getitem__) == row["prediction"]


def test_a_regression_is_learned_saved_and_predicted(write: Any, tmp_path: Path, capsys: Printed) -> None:
    data, model = write(houses(200)), str(tmp_path / "model.json")
    arguments = ["train", data, "--target", "price", "--save", model, "--json"]
    arguments += ["--hidden", "8", "--epochs", "30", "--batch-size", "10", "--lr", "0.03"]
    code, out, err = run(arguments, capsys)
    assert code == 0
    found = json.loads(out)
    assert found["task"] == "regression"
    assert found["rmse"] < 0.2 * found["baseline_rmse"]
    assert found["r2"] > 0.96
    assert "as the target is one of" in err
    assert main(["predict", model, data]) == 0
    predicted = [float(line) for line in capsys.readouterr().out.splitlines()[1:]]
    with Path(data).open(encoding="utf-8", newline="") as file:
        prices = [float(row["price"]) for row in csv.DictReader(file)]
    errors = [abs(x - y) for x, y in zip(predicted, prices, strict=True)]
    assert sorted(errors)[100] < 0.1 * sum(prices) / len(prices)


@pytest.mark.parametrize(
    ("separator", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (";", "latin-1")],
)
def test_a_table_is_read_however_it_is_separated_and_encoded(
    separator: str, encoding: str, write: Any, tmp_path: Path, capsys: Printed
) -> None:
    said = ["--encoding", encoding] if encoding == "latin-1" else []
    text = houses(40, separator)
    kept: list[str] = []
    for data in (write(houses(40), "plain.csv"), write(text.encode(encoding), "other.csv")):
        model = tmp_path / "model.json"
        code, _, _ = train(capsys, data, "--save", str(model), *(said if "other" in data else []), target="price")
        assert code == 0
        kept.append(model.read_text())
    assert kept[0] == kept[1]
    assert "K\u00f6ln" in json.loads(kept[0])["table"]["inputs"][1]["values"]


def piped(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdin", stdin)


def test_data_model_and_predictions_go_through_pipes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Printed
) -> None:
    piped(IRIS.read_bytes(), monkeypatch)
    code, out, err = train(capsys, "-", "--save", "-", target="species")
    assert code == 0
    assert "epoch" in err
    model = tmp_path / "model.json"
    model.write_text(out)
    piped(IRIS.read_bytes(), monkeypatch)
    code, out, err = run(["predict", str(model), "-"], capsys)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 151


def test_a_saved_model_is_a_state_too(iris_model: Path) -> None:
    network = nn.MLP(4, [16, 16, 3], activation="tanh").load(iris_model)
    assert autograd_lite.load(iris_model) == network.state_dict()


def test_a_seed_gives_the_same_model_again(tmp_path: Path, capsys: Printed) -> None:
    models = []
    for seed in ("3", "3", "4"):
        path = tmp_path / "model.json"
        train(capsys, str(IRIS), "--seed", seed, "--save", str(path), target="species")
        models.append(path.read_text())
    assert models[0] == models[1] != models[2]


@pytest.mark.parametrize(
    ("cells", "options", "said"),
    [
        (["a", "b"], [], "classification of y, as the target is text"),
        (["0", "1"], [], "classification of y, as the target is one of 2 whole numbers; --task regression"),
        (["0", "1"], ["--task", "regression"], "regression of y, as you say"),
        (["0", "1.5"], [], "regression of y, as the target is one of 2 numbers; --task classification"),
        (["0", "1.5"], ["--task", "classification"], "classification of y, as you say"),
        ([str(i) for i in range(20)], [], "regression of y, as the target is one of 20 numbers"),
    ],
)
def test_the_task_follows_from_the_target_unless_it_is_said(
    cells: list[str], options: list[str], said: str, write: Any, capsys: Printed
) -> None:
    lines = [f"{i * i},{cells[i % len(cells)]}" for i in range(20)]
    code, out, _ = train(capsys, write("\n".join(["x,y", *lines])), *options)
    assert code == 0
    assert said in out


def test_a_column_that_varies_only_in_rows_held_out_is_not_blown_up(
    write: Any, tmp_path: Path, capsys: Printed
) -> None:
    cells = ["0.1"] * 19 + ["0.2"]
    lines = [f"{cell},{i * i},{i % 2}" for i, cell in enumerate(cells)]
    model = tmp_path / "model.json"
    for seed in range(10):
        assert train(capsys, write("\n".join(["c,x,y", *lines])), "--seed", str(seed), "--save", str(model))[0] == 0
        column = json.loads(model.read_text())["table"]["inputs"][0]
        assert column["scale"] > 0.01


def test_texts_of_digits_and_points_are_categories(write: Any, tmp_path: Path, capsys: Printed) -> None:
    lines = [f"1.{i % 3}.0,{i % 2}" for i in range(20)]
    model = tmp_path / "model.json"
    assert train(capsys, write("\n".join(["version,y", *lines])), "--save", str(model))[0] == 0
    assert json.loads(model.read_text())["table"]["inputs"][0]["values"] == ["1.0.0", "1.1.0", "1.2.0"]


def test_classes_keep_their_names(write: Any, tmp_path: Path, capsys: Printed) -> None:
    lines = [f"{i},{'2.0' if i % 2 else '10'}" for i in range(20)]
    model = str(tmp_path / "model.json")
    train(capsys, write("\n".join(["x,y", *lines])), "--save", model)
    code, out, _ = run(["predict", model, write("x\n1\n2")], capsys)
    assert code == 0
    assert out.splitlines()[0] == "prediction,probability of 2,probability of 10"


def test_the_target_may_be_missing_and_other_columns_there(iris_model: Path, write: Any, capsys: Printed) -> None:
    _, expected, _ = run(["predict", str(iris_model), str(IRIS)], capsys)
    with IRIS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ["petal_width", "colour", "petal_length", "sepal_width", "sepal_length"]
    lines = [",".join(row.get(name, "blue") for name in names) for row in rows]
    code, out, _ = run(["predict", str(iris_model), write("\n".join([",".join(names), *lines]))], capsys)
    assert (code, out) == (0, expected)


@pytest.mark.parametrize(
    ("column", "note"),
    [
        ([f"name {i}" for i in range(20)], "column 'c' has 20 different texts, as names have, and is left out"),
        (["same"] * 20, "column 'c' is 'same' in all rows, and is left out"),
        (["1", "1.0"] * 10, "column 'c' is '1' in all rows, and is left out"),
        ([str(i) for i in range(20)], "column 'c' numbers the rows; if it is no measurement, write --ignore c"),
    ],
)
def test_what_is_no_input_is_said(column: list[str], note: str, write: Any, capsys: Printed) -> None:
    lines = [f"{i * i % 7},{cell},{i % 2}" for i, cell in enumerate(column)]
    data = write("\n".join(["x,c,y", *lines]))
    code, _, err = train(capsys, data)
    assert code == 0
    assert note in err
    code, _, err = train(capsys, data, "--ignore", "c")
    assert (code, err) == (0, "")


#: What is no table that can be learned from, and what is said of it.
FAULTS = {
    "": "is empty",
    "x,y\n": "has no rows below the names of its columns",
    "x,y\n1,2\n3,4,5\n": "line 3 has 3 cells, and the first line 2 names",
    "x,y\n1,2\n\n3\n": "line 4 has 1 cells, and the first line 2 names",
    "1,2\n3,4\n": "the first line must hold the names of the columns, and it holds numbers: 1, 2",
    "x,x,y\n1,2,3\n": "columns 1 and 2 are both named 'x'",
    "x,z,y\n1,,2\n3,4,5\n5,,7\n": "line 2, column 'z': there is no value (''), nor in 1 more rows",
    "x,z,y\n1,2,2\n3,NA,5\n3,1,5\n": "line 3, column 'z': there is no value ('NA')",
    "x,y\n1,2\n3,\n": "line 3, column 'y': there is no value ('')",
    "x,y\n1,2\n3,4\nfive,6\n": "line 4, column 'x': 'five' is no finite number",
    "x,y\n1,2\ninf,4\n": "line 3, column 'x': 'inf' is no finite number",
    "x,y\n1,2\n1_0,4\n2,3\n": "line 3, column 'x': '1_0' is no finite number",
    "x;y\n1,5;2\n2,5;3\n": "line 2, column 'x': '1,5' has a comma; numbers are written as in 1.5",
    'x,y\n"1,2\n': "it is not read as CSV",
    "x,y\n1,2\n3,2\n": "column 'y' is '2' in all rows; nothing can be learned",
    "x,z\n1,2\n": "has no column 'y'; it has x, z",
    "x,y\n1,2\n1,3\n": "has no column left to learn from",
    'x,y\n"two\nlines",1\n5,2\n,3\n': "line 5, column 'x': there is no value",
    "x,y\r1,2\r3,4\rfive,6\r": "line 4, column 'x': 'five' is no finite number",
    b"x,y\n\xe9,1\n": "say what encoding it has, as in --encoding latin-1",
    b"x,y\n1,\x00\n": "it holds bytes of 0, as binary files do",
    b"PK\x03\x04 and more": "a workbook of a spreadsheet; save it as CSV",
    b"\x1f\x8b and more": "it is compressed by gzip",
    "x,y\n" + "1" * 200_000 + ",2\n": "field larger than field limit",
    ",".join(f"c{i}" for i in range(100_000)) + "\n": "has 100,000 columns, and at most 10,000 are read",
    "x,y\n1.7e308,1\n-1.7e308,2\n": "the numbers of column 'x' are too large",
}


@pytest.mark.parametrize(("content", "message"), FAULTS.items(), ids=[str(i) for i in range(len(FAULTS))])
def test_a_table_with_a_fault_is_refused_with_its_place(
    content: str | bytes, message: str, write: Any, tmp_path: Path, capsys: Printed
) -> None:
    model = tmp_path / "model.json"
    code, out, err = train(capsys, write(content), "--held-out", "0", "--save", str(model))
    assert (code, out) == (1, "")
    assert message in err
    assert len(err) < 500
    assert not model.exists()


CELLS = [
    "x",
    "y",
    "1",
    "2.5",
    "a",
    "",
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    '"',
    " ",
    "NA",
    "1,5",
    "inf",
    "\0",
    "é",
    "-",
    "PAR1",
]


@given(
    strategies.one_of(
        strategies.binary(max_size=60),
        strategies.lists(strategies.sampled_from(CELLS), max_size=30).map(lambda cells: "".join(cells).encode()),
        strategies.lists(strategies.sampled_from(CELLS), max_size=30).map(
            lambda cells: ("x,y\n" + "".join(cells)).encode()
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_table_with_rows_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.csv")
        path.write_bytes(content)
        with contextlib.suppress(AutogradError):
            table = read_table(str(path))
            assert table.rows
            assert {len(row) for row in table.rows} == {len(table.names)}
            target_of(table, table.names[-1], None, range(len(table.rows)))
            inputs, _ = inputs_of(table, table.names[:-1], range(len(table.rows)))
            numbers = [x for column in inputs for row in column.encoded(table) for x in row]
            assert all(map(math.isfinite, numbers))


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--ignore", "z"], 1, "has no column 'z'; it has x, y"),
        (["--held-out", "0.01"], 1, "leaves a part empty; --held-out 0 learns from all"),
        (["--hidden", "1000,1000"], 1, "and at most 100,000 are trained here"),
        (["--encoding", "utf-9"], 1, "there is no encoding 'utf-9'"),
        (["--lr", "1e300"], 1, "a smaller --lr may help"),
        (["--json", "--save", "-"], 2, "both write to standard output"),
    ],
)
def test_an_option_that_does_not_fit_the_table_is_refused(
    options: list[str], code: int, message: str, write: Any, capsys: Printed
) -> None:
    found, _, err = train(capsys, write("x,y\n" + "1,2.5\n3,4\n" * 10), "--batch-size", "4", *options)
    assert found == code
    assert message in err


def test_ctrl_c_in_the_first_epoch_saves_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(nn, "cross_entropy", interrupt)
    model = tmp_path / "model.json"
    code, _, err = train(capsys, str(IRIS), "--save", str(model), target="species")
    assert code == 130
    assert err == "autograd-lite: interrupted\n"
    assert not model.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("5.1->five", "line 2, column 'sepal_length': 'five' is no finite number"),
        ("5.1->", "line 2, column 'sepal_length': there is no value"),
        ("5.1->1e400", "line 2, column 'sepal_length': '1e400' is no finite number"),
        ("sepal_length->length", "has no column 'sepal_length'; it has length, sepal_width"),
    ],
)
def test_a_row_that_the_model_cannot_take_is_refused_and_nothing_written(
    change: str, message: str, iris_model: Path, write: Any, tmp_path: Path, capsys: Printed
) -> None:
    old, new = change.split("->")
    out = tmp_path / "out.csv"
    data = write(IRIS.read_text().replace(old, new, 1))
    code, printed, err = run(["predict", str(iris_model), data, "-o", str(out)], capsys)
    assert (code, printed) == (1, "")
    assert message in err
    assert not out.exists()


def test_an_empty_line_is_a_missing_row_where_there_is_one_column_unless_at_the_end(
    write: Any, tmp_path: Path, capsys: Printed
) -> None:
    model = str(tmp_path / "model.json")
    train(capsys, write("\n".join(["x,y", *(f"{i * i},{i % 2}" for i in range(20))])), "--save", model)
    code, out, _ = run(["predict", model, write("x\n1\n2\n\n\n")], capsys)
    assert (code, len(out.splitlines())) == (0, 3)
    code, _, err = run(["predict", model, write("x\n1\n\n2\n")], capsys)
    assert code == 1
    assert "line 3 is empty; fill in a value, or take the line out" in err


def test_a_category_that_was_not_learned_is_refused(write: Any, tmp_path: Path, capsys: Printed) -> None:
    model = str(tmp_path / "model.json")
    train(capsys, write(houses(40)), "--save", model, target="price")
    code, _, err = run(["predict", model, write(houses(40).replace("Bonn", "Berlin", 1))], capsys)
    assert code == 1
    assert "column 'town': 'Berlin' was not there when the model was trained; it knows Bonn, K\u00f6ln, Ulm" in err


def changed(**table: Any) -> Any:
    return lambda model: {**model, "table": {**model["table"], **table}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: [], "was not written by Module.save"),
        (lambda model: {**model, "format": "another"}, "was not written by Module.save"),
        (lambda model: {**model, "table": None}, "is a state without the columns of a table"),
        (changed(version=2), "is of version 2; this release reads 1"),
        (changed(hidden=[10**9]), "what it says of its columns and layers cannot be read"),
        (changed(hidden=[100_000, 100_000]), "has 403 weights, which is not what its columns need"),
        (changed(inputs=[]), "what it says of its columns and layers cannot be read"),
        (changed(inputs=[{"name": "x", "mean": 0, "scale": 0}]), "what it says of an input cannot be read"),
        (changed(inputs=[{"name": "x", "values": [1]}]), "what it says of an input cannot be read"),
        (changed(target={"name": "y", "classes": ["a"], "mean": 0, "scale": 1}), "cannot be read"),
        (lambda model: {**model, "state": dict.fromkeys(model["state"], "nan")}, "prediction for row 1 is nan or inf"),
        (lambda model: {**model, "state": {str(i): 0 for i in range(403)}}, "does not fit"),
    ],
)
def test_a_model_of_others_is_refused(change: Any, message: str, iris_model: Path, write: Any, capsys: Printed) -> None:
    model = write(json.dumps(change(json.loads(iris_model.read_text()))), "model.json")
    code, out, err = run(["predict", model, str(IRIS)], capsys)
    assert (code, out) == (1, "")
    assert message in err


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.json", "nowhere.json: No such file or directory"),
        (str(IRIS), "no whole JSON file"),
        (str(IRIS.parent), "Is a directory"),
    ],
)
def test_a_file_that_is_no_model_is_refused(path: str, message: str, capsys: Printed) -> None:
    code, _, err = run(["predict", path, str(IRIS)], capsys)
    assert code == 1
    assert message in err


# ---- Parquet --------------------------------------------------------------------------


def parquet_of(columns: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let polars be there, and read these columns from any file."""
    frame = SimpleNamespace(to_dict=lambda as_series: columns)
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", SimpleNamespace(read_parquet=lambda content: frame))


def test_parquet_says_what_reads_it(write: Any, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    code, _, err = train(capsys, write("PAR1 and more"))
    assert code == 1
    assert "pip install polars" in err


def test_cells_of_parquet_are_learned_as_those_of_csv(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    x, kind, y = [i / 7 for i in range(20)], ["a", "b"] * 10, [i % 3 == 0 for i in range(20)]
    lines = [f"{a!r},{b},{c}" for a, b, c in zip(x, kind, y, strict=True)]
    parquet_of({"x": x, "kind": kind, "y": y}, monkeypatch)
    models = []
    for data in (write("\n".join(["x,kind,y", *lines])), write("PAR1", "data.parquet")):
        model = tmp_path / "model.json"
        assert train(capsys, data, "--save", str(model))[0] == 0
        models.append(model.read_text())
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, None], "row 2, column 'x': there is no value"),
        ([1.0, math.nan], "row 2, column 'x': there is no value"),
        ([[1.0], [2.0]], "column 'x' holds values of type list"),
    ],
)
def test_cells_of_parquet_that_cannot_be_learned_are_refused(
    x: list[Any], message: str, write: Any, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    parquet_of({"x": x, "y": [0, 1]}, monkeypatch)
    code, _, err = train(capsys, write("PAR1"), "--held-out", "0")
    assert code == 1
    assert message in err


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_parquet_is_read_by(package: str, tmp_path: Path, capsys: Printed) -> None:
    frames = pytest.importorskip(package)
    if package == "pandas":
        pytest.importorskip("pyarrow")
    frame = frames.read_csv(IRIS)
    data = tmp_path / "iris.parquet"
    frame.to_parquet(data) if package == "pandas" else frame.write_parquet(data)
    code, out, _ = train(capsys, str(data), target="species")
    assert code == 0
    assert "150 rows" in out
    data.write_bytes(data.read_bytes()[:500])
    code, _, err = train(capsys, str(data), target="species")
    assert code == 1
    assert "begins as Parquet, and cannot be read" in err
