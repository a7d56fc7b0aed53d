"""The estimators for scikit-learn."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_lite import nn
from autograd_lite.errors import ArgumentError

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from autograd_lite.sklearn import MLPClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": 4,
    "batch_size": 16,
    "learning_rate_init": 0.05,
    "n_iter_no_change": 3,
    "tol": 0.01,
    "random_state": 0,
}
FEW = pytest.mark.filterwarnings("ignore:the loss has not settled")


CHECKS = [
    pytest.param(*pair, id=f"{type(estimator).__name__}-{pair[1].func.__name__}-{number}")
    for estimator in (
        MLPClassifier(4, batch_size=16, learning_rate_init=0.1, max_iter=10, random_state=0),
        MLPRegressor(4, batch_size=16, learning_rate_init=0.1, max_iter=10, random_state=0),
    )
    for number, pair in enumerate(estimator_checks_generator(estimator))
]


@FEW
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_it_is_what_scikit_learn_calls_an_estimator(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


# -- In scikit-learn's machinery --


def test_it_is_searched_over_in_a_pipeline() -> None:
    steps = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    search = GridSearchCV(steps, {"mlpclassifier__activation": ["tanh", "gelu"]}, cv=2).fit(X, NAMES)
    assert search.best_score_ > 0.9
    assert cross_val_score(search.best_estimator_, X, NAMES, cv=2).mean() > 0.9


def test_it_is_cloned_and_pickled_with_what_it_has_learned() -> None:
    model = MLPClassifier(**QUICK).fit(X, NAMES)
    again = pickle.loads(pickle.dumps(model))
    assert again.predict_proba(X).tolist() == model.predict_proba(X).tolist()
    twin = clone(model)
    assert not hasattr(twin, "model_")
    assert twin.fit(X, NAMES).loss_curve_ == model.loss_curve_


def test_the_seed_is_all_that_chance_has() -> None:
    losses = [MLPClassifier(**QUICK | {"random_state": seed}).fit(X, Y).loss_curve_ for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_a_frame_gives_its_column_names_and_they_are_held_to() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = MLPClassifier(**QUICK).fit(frame, pd.Series(NAMES))
    assert (model.n_features_in_, model.feature_names_in_.tolist()) == (4, ["a", "b", "c", "d"])
    assert model.score(frame, NAMES) > 0.9
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])


# -- What it learns --


@FEW
def test_without_hidden_neurons_it_is_ridge_regression() -> None:
    data, y = load_diabetes(return_X_y=True)
    data, y = StandardScaler().fit_transform(data)[:60, :4], y[:60] / 100.0
    settings: dict[str, Any] = {"alpha": 5.0, "learning_rate_init": 0.05, "max_iter": 400, "tol": 0.0}
    model = MLPRegressor((), n_iter_no_change=100, random_state=0, **settings).fit(data, y)
    ridge = Ridge(alpha=5.0).fit(data, y)
    assert model.coefs_[0].ravel() == pytest.approx(ridge.coef_, abs=1e-3)
    assert model.intercepts_[0] == pytest.approx(ridge.intercept_, abs=1e-3)
    wanted = ((ridge.predict(data) - y) ** 2).mean() / 2 + 5.0 / 2 * (ridge.coef_**2).sum() / 60
    assert model.loss_ == pytest.approx(wanted, abs=1e-4)


@FEW
@pytest.mark.parametrize("classes", [2, 3])
def test_without_hidden_neurons_it_is_logistic_regression(classes: int) -> None:
    data, y = make_classification(
        80, 4, n_informative=3, n_redundant=0, n_classes=classes, n_clusters_per_class=1, random_state=0
    )
    settings: dict[str, Any] = {"alpha": 2.0, "learning_rate_init": 0.05, "max_iter": 300, "tol": 0.0}
    model = MLPClassifier((), random_state=0, **settings).fit(data, y)
    wanted = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(data, y)
    assert model.predict_proba(data) == pytest.approx(wanted.predict_proba(data), abs=1e-3)
    assert model.predict_log_proba(data) == pytest.approx(wanted.predict_log_proba(data), abs=1e-2)


def test_several_numbers_for_each_sample_are_learned() -> None:
    targets = np.stack([X[:, 0] + X[:, 1], X[:, 2] - 1.0], axis=1)
    model = MLPRegressor(**QUICK | {"tol": 1e-3}).fit(X, targets)
    assert model.predict(X).shape == targets.shape
    assert model.score(X, targets) > 0.95


def test_large_targets_are_scaled_by_scikit_learns_own() -> None:
    model = TransformedTargetRegressor(MLPRegressor(**QUICK), transformer=StandardScaler())
    assert model.fit(X[:, :3], 1e6 + 1e5 * X[:, 3]).score(X[:, :3], 1e6 + 1e5 * X[:, 3]) > 0.8


@FEW
def test_several_answers_for_each_sample_are_for_a_classifier_each() -> None:
    both = np.stack([Y == 1, X[:, 0] > 0.0], axis=1).astype(int)
    with pytest.raises(ArgumentError, match=r"one class for each sample, and y has the shape \(150, 2\)"):
        MLPClassifier(**QUICK).fit(X, both)
    found = MultiOutputClassifier(MLPClassifier(**QUICK)).fit(X, both).predict(X)
    assert (found == both).mean() > 0.8


def test_what_was_learned_is_there_as_numbers_and_as_a_model() -> None:
    model = MLPClassifier(**QUICK | {"activation": "logistic"}).fit(X, NAMES)
    hidden = 1.0 / (1.0 + np.exp(-(X @ model.coefs_[0] + model.intercepts_[0])))
    logits = hidden @ model.coefs_[1] + model.intercepts_[1]
    assert isinstance(model.model_, nn.MLP)
    assert np.array([[z.data for z in model.model_(x)] for x in X[:3].tolist()]) == pytest.approx(logits[:3])
    assert (model.classes_[logits.argmax(axis=1)] == model.predict(X)).all()
    assert (model.n_iter_, model.loss_) == (len(model.loss_curve_), model.loss_curve_[-1])


def test_early_stopping_keeps_the_best_weights_for_what_is_held_out() -> None:
    model = MLPClassifier(**QUICK | {"tol": 0.0}, early_stopping=True, validation_fraction=0.2)
    model.fit(X, np.random.default_rng(0).permutation(Y))  # there is nothing to learn
    losses = model.history_["val_loss"]
    best = losses.index(min(losses)) + 1
    assert model.n_iter_ == best + 3
    assert f"back to epoch {best}" in str(model.history_.stopped)


# -- What is refused, and said --


def test_too_few_epochs_are_warned_of() -> None:
    with pytest.warns(ConvergenceWarning, match="the loss has not settled in max_iter=3 epochs"):
        MLPClassifier(max_iter=3).fit(X, Y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_layer_sizes": (4, 0)}, "each of hidden_layer_sizes is a whole number from 1 up, got int 0"),
        ({"hidden_layer_sizes": "4"}, "each of hidden_layer_sizes is a whole number from 1 up, got str '4'"),
        ({"activation": "sine"}, "there is no activation 'sine'"),
        ({"alpha": -1.0}, "alpha is a number of 0 or more, got float -1.0"),
        ({"learning_rate_init": "fast"}, "learning_rate_init is a number of 0 or more, got str 'fast'"),
        ({"batch_size": 0}, "batch_size is a whole number from 1 up, got int 0"),
        ({"max_iter": 0}, "max_iter is a whole number from 1 up"),
        ({"n_iter_no_change": 0}, "n_iter_no_change is a whole number from 1 up"),
        ({"tol": float("nan")}, "tol is a number of 0 or more, got float nan"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction is a share, between 0 and 1"),
    ],
)
def test_an_impossible_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        MLPClassifier(**settings).fit(X, Y)


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ArgumentError, match="needs samples of 2 classes at least, here is one class: 'a'"):
        MLPClassifier().fit(X, ["a"] * 150)


def test_what_is_learned_is_not_there_before() -> None:
    for ask in (lambda: MLPClassifier().predict(X), lambda: MLPRegressor().coefs_):
        with pytest.raises(NotFittedError):
            ask()


def test_without_scikit_learn_the_extra_is_named() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import autograd_lite; import autograd_lite.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        'MissingDependencyError: this needs scikit-learn 1.6 or newer: pip install "autograd_lite[sklearn]"'
        in done.stderr
    )


def test_the_package_alone_does_not_import_it() -> None:
    code = "import sys, autograd_lite, autograd_lite.training; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
