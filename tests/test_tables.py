"""Tables of pandas, polars and pyarrow, and the tensors of others, where lists of samples are taken."""

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_lite import _tables, data, evaluate, fit, nn, optim, predict
from autograd_lite.errors import ArgumentError, MissingDependencyError

NAN = float("nan")
LIBRARIES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
ROWS = [[20.0, 1.0], [30.0, 2.0], [40.0, 4.0], [50.0, 3.0]]
COLUMNS: dict[str, list[Any]] = {"age": [20.0, 30.0, 40.0, 50.0], "rooms": [1, 2, 4, 3]}
LABELS = [0, 1, 1, 0]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture
def frame(library: Any) -> Callable[..., Any]:
    return getattr(library, LIBRARIES[library.__name__])  # type: ignore[no-any-return]


@pytest.fixture
def pd() -> Any:
    return pytest.importorskip("pandas")


@pytest.fixture
def pl() -> Any:
    return pytest.importorskip("polars")


def trained(X: Any, y: Any, **settings: Any) -> list[float]:
    """The losses and the parameters after some steps."""
    model = nn.MLP(2, [3, 2], rng=0)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    history = fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=20, rng=0, progress=False, **settings)
    return [*history["loss"], *model.state_dict().values()]


# -- What is taken --


def test_a_table_trains_as_its_rows_do(frame: Any) -> None:
    table, wanted = frame(COLUMNS), trained(ROWS, LABELS)
    assert trained(table, LABELS, batch_size=None) == wanted
    assert trained(table, frame({"class": LABELS})) == wanted  # one column is the targets
    pair = table, frame({"class": LABELS})
    assert trained(*pair, validation=pair) == trained(ROWS, LABELS, validation=(ROWS, LABELS))


def test_a_table_is_predicted_and_evaluated_as_its_rows_are(frame: Any) -> None:
    model, table = nn.MLP(2, [2], rng=0), frame(COLUMNS)
    assert predict(model, table) == predict(model, ROWS)
    wanted = evaluate(model, ROWS, LABELS, loss=nn.cross_entropy)
    assert evaluate(model, table, frame({"class": LABELS}), loss=nn.cross_entropy) == wanted


@pytest.mark.parametrize("name", ["pandas.Series", "polars.Series", "pyarrow.array", "numpy.array"])
def test_a_series_is_a_list_of_targets(name: str) -> None:
    library, _, kind = name.partition(".")
    series = getattr(pytest.importorskip(library), kind)
    assert trained(ROWS, series(LABELS)) == trained(ROWS, LABELS)
    assert predict(lambda x: 2.0 * x, series([1.0, 2.0])) == [2.0, 4.0]


def test_a_table_of_one_column_has_samples_of_one_number(frame: Any) -> None:
    assert predict(lambda x: x, frame({"x": [1.0, 2.0]})) == [[1.0], [2.0]]


@pytest.mark.parametrize("numbers", [[1, 0, 1, 0], [True, False, True, False], [2**40, 1, 2, 3]])
def test_whole_numbers_and_truth_values_are_numbers(frame: Any, numbers: list[Any]) -> None:
    assert predict(lambda x: x, frame({"x": numbers})) == [[float(x)] for x in numbers]


@pytest.mark.parametrize("kind", ["Int64", "Float64", "boolean", "category", "Sparse[int]", "object", "float32"])
def test_any_dtype_that_holds_numbers_is_taken(pd: Any, kind: str) -> None:
    X = pd.DataFrame({"x": pd.Series([1, 0, 1]).astype(kind)})
    assert predict(lambda x: x, X) == [[1.0], [0.0], [1.0]]


def test_objects_that_are_numbers_are_taken(pd: Any) -> None:
    X = pd.DataFrame({"x": [Decimal("0.5"), 2, np.float32(3.0)]}, dtype=object)
    assert predict(lambda x: x, X) == [[0.5], [2.0], [3.0]]


def test_the_index_of_pandas_is_no_data_and_orders_nothing(pd: Any) -> None:
    index = [7, 2, 2, "b"]
    X, y = pd.DataFrame(COLUMNS, index=index), pd.Series(LABELS, index=index[::-1])
    assert trained(X, y) == trained(ROWS, LABELS)
    with pytest.raises(ArgumentError, match="row 1, column 'age' of X is nan"):
        predict(lambda x: x, X.assign(age=[1.0, NAN, 2.0, 3.0]))


def test_two_columns_may_have_one_name(pd: Any) -> None:
    X = pd.DataFrame(ROWS, columns=["x", "x"])
    assert predict(lambda x: x, X) == ROWS
    assert data.standardize(X).to_numpy().tolist() == data.standardize(ROWS)


def test_what_only_has_a_protocol_is_read_by_it() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table(COLUMNS)

    class Interchange:
        def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> Any:
            return table.__dataframe__(nan_as_null, allow_copy)

    class Arrow:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return table.__arrow_c_stream__(requested_schema)

    assert predict(lambda x: x, Interchange()) == ROWS  # type: ignore[arg-type]
    assert predict(lambda x: x, Arrow()) == ROWS  # type: ignore[arg-type]
    assert _tables.column_names(Arrow()) == _tables.column_names(Interchange()) == ["age", "rooms"]


def test_what_reads_a_protocol_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interchange:
        def __dataframe__(self) -> Any:
            raise AssertionError

    monkeypatch.setitem(__import__("sys").modules, "pyarrow.interchange", None)
    with pytest.raises(
        MissingDependencyError, match="X is of the type Interchange, which pyarrow reads: pip install pyarrow"
    ):
        predict(lambda x: x, Interchange())  # type: ignore[arg-type]


class Tensor:
    """What another package's array shows of itself."""

    def __init__(self, numbers: Any) -> None:
        self._numbers = np.array(numbers)

    def __array__(self) -> Any:
        return self._numbers


def test_whatever_has_an_array_is_taken_alone_and_in_lists() -> None:
    wanted = trained(ROWS, LABELS)
    assert trained(Tensor(ROWS), Tensor(LABELS)) == wanted
    assert trained([Tensor(row) for row in ROWS], [Tensor(label) for label in LABELS]) == wanted
    X: Any = Tensor(ROWS)
    assert data.split(X, LABELS, held_out=0.5, rng=0) == data.split(ROWS, LABELS, held_out=0.5, rng=0)


# -- What is refused --


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, 2.0, NAN], "row 2, column 'x' of X is nan; leave out such rows, or put a number there"),
        ([float("-inf"), 2.0, 1.0], "row 0, column 'x' of X is -inf"),
        ([1, None, 2], "row 1, column 'x' of X is (missing|nan)"),
        (["Rome", "Oslo", None], "row 0, column 'x' of X is the text 'Rome'; leave the column out, or make numbers"),
        ([datetime.datetime(2020, 1, 2)] * 3, "row 0, column 'x' of X is a date or a time, 2020-01-02 00:00:00; take"),
        ([datetime.timedelta(1)] * 3, "row 0, column 'x' of X is a date or a time"),
        ([[1.0], [2.0], [3.0]], r"row 0, column 'x' of X must be a number, got list \[1.0\]"),
    ],
)
def test_what_is_no_finite_number_is_refused_with_its_row_and_column(frame: Any, column: Any, message: str) -> None:
    table = frame({"ok": [1.0, 2.0, 3.0], "x": column})
    for take in (
        lambda: predict(lambda x: x, table),
        lambda: data.standardize(table),
        lambda: list(data.batches(table, [0, 1, 2], 2)),
    ):
        with pytest.raises((ArgumentError, TypeError), match=message):
            take()


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        ([1, None, 2], "Int64", "row 1, column 'x' of X is missing"),
        (["a", "b", "a"], "category", "row 0, column 'x' of X is the text 'a'"),
        ([1, "2", 3], "object", "row 1, column 'x' of X is the text '2'"),
        ([1, 2j, 3], "object", "row 1, column 'x' of X must be a number, got complex 2j"),
        (["2020-01-01", None, "2020-01-03"], "datetime64[ns]", "row 0, column 'x' of X is a date or a time"),
        ([1, 10**400, 3], "object", "beyond the largest float"),
    ],
)
def test_no_dtype_of_pandas_hides_what_is_no_number(pd: Any, column: Any, kind: str, message: str) -> None:
    with pytest.raises((ArgumentError, TypeError, OverflowError), match=message):
        predict(lambda x: x, pd.DataFrame({"x": pd.Series(column, dtype=kind)}))


def test_texts_among_the_targets_are_refused_with_what_to_write(frame: Any) -> None:
    names = ["cat", "dog", "dog", "cat"]
    for y in (names, frame({"animal": names})):
        with pytest.raises(TypeError, match=r"y\[0\] must be a number, got str 'cat'. Of classes make whole numbers"):
            trained(ROWS, y)


def test_what_must_be_computed_or_filled_up_first_says_how(pl: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for X, message in (
        (pl.DataFrame(COLUMNS).lazy(), r"X is a lazy frame, which is not computed yet: write X.collect\(\)"),
        (sparse.eye(4).tocsr(), r"X is a sparse matrix, .* write X.toarray\(\)"),
        (np.array(["2020-01-01"], "M8[ns]"), "X holds dates or times"),
    ):
        with pytest.raises(TypeError, match=message):
            predict(lambda x: x, X)


def test_dates_of_another_packages_array_are_refused() -> None:
    with pytest.raises(TypeError, match="X holds dates or times"):
        predict(lambda x: x, Tensor(np.array(["2020-01-01"], "M8[ns]")))  # type: ignore[arg-type]


def test_dask_is_for_a_client() -> None:
    x = pytest.importorskip("dask.array").ones((4, 2), chunks=2)
    with pytest.raises(TypeError, match=r"X is in Dask's partitions: write X.compute\(\), or hand fit a client="):
        trained(x, LABELS)
    with pytest.raises(TypeError, match=r"X is in Dask's partitions"):
        data.split(x, LABELS, held_out=0.5)


def test_an_empty_table_says_so(frame: Any) -> None:
    with pytest.raises(ArgumentError, match="X is empty; there must be one sample at least"):
        predict(lambda x: x, frame({"x": []}))


def test_columns_in_another_order_are_refused(frame: Any) -> None:
    table, other = frame(COLUMNS), frame({name: COLUMNS[name] for name in ("rooms", "age")})
    with pytest.raises(
        ArgumentError, match="column 0 of X is 'age', and of reference 'rooms'; they must have the same"
    ):
        data.standardize(table, other)
    with pytest.raises(ArgumentError, match="X has 2 columns and reference 1; they must be the same"):
        data.standardize(table, frame({"age": COLUMNS["age"]}))
    with pytest.raises(ArgumentError, match="column 0 of the X of validation is 'rooms', and of X 'age'"):
        trained(table, LABELS, validation=(other, LABELS))
    assert trained(table, LABELS, validation=(ROWS, LABELS)) == trained(ROWS, LABELS, validation=(ROWS, LABELS))


# -- What comes back --


def test_frames_of_pandas_are_split_and_standardized_into_frames(pd: Any) -> None:
    X, y = pd.DataFrame(COLUMNS, index=list("abcd")), pd.Series(LABELS, index=list("abcd"), name="class")
    parts = data.split(X, y, held_out=0.25, rng=0)
    assert [type(part).__name__ for part in parts] == ["DataFrame", "Series", "DataFrame", "Series"]
    assert [part.to_numpy().tolist() for part in parts] == list(data.split(ROWS, LABELS, held_out=0.25, rng=0))
    assert list(parts[0].index) == list(parts[1].index)
    found = data.standardize(parts[2], parts[0])
    assert (list(found.columns), list(found.index)) == (["age", "rooms"], list(parts[2].index))
    assert found.to_numpy().tolist() == data.standardize(parts[2].to_numpy(), parts[0].to_numpy())


def test_frames_of_polars_are_split_and_standardized_into_frames(pl: Any) -> None:
    X, y = pl.DataFrame(COLUMNS), pl.Series("class", LABELS)
    parts = data.split(X, y, held_out=0.25, rng=0)
    assert [type(part).__name__ for part in parts] == ["DataFrame", "Series", "DataFrame", "Series"]
    assert [part.to_numpy().tolist() for part in parts] == list(data.split(ROWS, LABELS, held_out=0.25, rng=0))
    found = data.standardize(parts[2], parts[0])
    assert found.columns == ["age", "rooms"]
    assert found.to_numpy().tolist() == data.standardize(parts[2].to_numpy(), parts[0].to_numpy())


def test_split_leaves_what_is_missing_to_be_filled_in(pd: Any) -> None:
    X, _, X_test, _ = data.split(pd.DataFrame({"x": [1.0, NAN, 3.0, NAN]}), LABELS, held_out=0.5, rng=0)
    assert len(X) == len(X_test) == 2
    assert X["x"].isna().sum() + X_test["x"].isna().sum() == 2


def test_batches_of_a_table_are_lists(frame: Any) -> None:
    assert list(data.batches(frame(COLUMNS), LABELS, 3, rng=0)) == list(data.batches(ROWS, LABELS, 3, rng=0))


def test_column_names_are_those_of_tables_alone(frame: Any) -> None:
    assert _tables.column_names(frame(COLUMNS)) == ["age", "rooms"]
    assert [_tables.column_names(x) for x in (ROWS, np.array(ROWS), 1.0, None)] == [None] * 4


# -- The guide --


def test_the_guide_is_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    guide = (Path(__file__).parent.parent / "docs" / "tables.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        exec(block, names)
        for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == expected
