"""Perceptrons as scikit-learn's estimators (extra ``sklearn``): for its pipelines, grid searches and cross-validation.

They train by :func:`training.fit`, in the compiled core, and predict by :func:`training.predict`. The parameters have
scikit-learn's names and defaults; what is inside is an :class:`nn.MLP`, there to be drawn, explained and saved.
"""

import math
import random
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

from autograd_lite import nn, optim, training
from autograd_lite.core.checks import check_size, describe, is_real
from autograd_lite.core.node import numbers_of
from autograd_lite.errors import ArgumentError, MissingDependencyError

try:
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise MissingDependencyError('this needs scikit-learn 1.6 or newer: pip install "autograd_lite[sklearn]"') from None

__all__ = ["MLPClassifier", "MLPRegressor"]

#: scikit-learn's names of activations that have another name here.
_ACTIVATIONS = {"identity": None, "logistic": "sigmoid"}


class _MLP(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What both have in common: the parameters, and training."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change

    @property
    def coefs_(self) -> list[Any]:
        """The weights of each layer as an array, a row for each of its inputs."""
        return [np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T for layer in self._layers()]

    @property
    def intercepts_(self) -> list[Any]:
        """The biases of each layer as an array."""
        return [np.array([neuron.b.data for neuron in layer.neurons]) for layer in self._layers()]

    def _layers(self) -> Any:
        check_is_fitted(self)
        return self.model_.layers

    def _train(self, X: Any, y: Any, outputs: int, loss: Callable[[Any, Any], Any], classes: Any = None) -> Self:
        """Train a new model on checked arrays; what early stopping holds out has its share of each of the classes."""
        self._check_settings()
        seeds = check_random_state(self.random_state)
        rng = random.Random(int(seeds.randint(2**31 - 1)))
        held_out = None
        if self.early_stopping:
            X, X_test, y, y_test = train_test_split(
                X, y, test_size=self.validation_fraction, random_state=seeds, stratify=classes
            )
            held_out = X_test, y_test
        self.model_ = self._model(X.shape[1], outputs, rng)
        size = min(200 if isinstance(self.batch_size, str) else self.batch_size, len(X))
        optimizer = self._optimizer(size)
        self.history_ = training.fit(
            self.model_,
            X,
            y,
            loss=loss,
            optimizer=optimizer,
            epochs=self.max_iter,
            batch_size=size,
            shuffle=bool(self.shuffle),
            rng=rng,
            validation=held_out,
            callbacks=[partial(_add_penalty, optimizer), self._stopping()],
            progress=bool(self.verbose),
        )
        if not self.history_.epochs:
            raise KeyboardInterrupt
        self.loss_curve_ = self.history_["loss"]
        self.loss_, self.n_iter_ = self.loss_curve_[-1], self.history_.epochs
        self._warn()
        return self

    def _model(self, inputs: int, outputs: int, rng: random.Random) -> nn.MLP:
        activation = _ACTIVATIONS.get(self.activation, self.activation)
        sizes = [*map(int, self._hidden()), outputs]
        return nn.MLP(inputs, sizes, activation=activation, init="xavier_uniform", rng=rng)

    def _hidden(self) -> Sequence[int]:
        sizes: Any = self.hidden_layer_sizes
        return sizes if hasattr(sizes, "__len__") and not isinstance(sizes, str) else [sizes]

    def _optimizer(self, size: int) -> optim.Optimizer:
        """Adam, with the gradient of scikit-learn's penalty: alpha / 2 times squared weights, over the batch size."""
        neurons = [neuron for layer in self.model_.layers for neuron in layer.neurons]
        weights = {"params": [w for neuron in neurons for w in neuron.w], "weight_decay": self.alpha / size}
        return optim.Adam([weights, {"params": [neuron.b for neuron in neurons]}], lr=self.learning_rate_init)

    def _stopping(self) -> training.EarlyStopping:
        return training.EarlyStopping(
            "val_loss" if self.early_stopping else "loss",
            patience=self.n_iter_no_change,
            min_delta=self.tol,
            restore_best=bool(self.early_stopping),
        )

    def _warn(self) -> None:
        """Say why training may have ended too early."""
        if self.history_.stopped is None:
            text = f"the loss has not settled in max_iter={self.max_iter} epochs; give more, or a larger tol"
            warnings.warn(text, ConvergenceWarning, stacklevel=4)
        elif self.history_.stopped.startswith("Ctrl-C"):
            warnings.warn(f"training was ended by {self.history_.stopped}", ConvergenceWarning, stacklevel=4)

    def _check_settings(self) -> None:
        for size in self._hidden():
            check_size(size, "each of hidden_layer_sizes")
        if self.batch_size != "auto":
            check_size(self.batch_size, "batch_size")
        check_size(self.max_iter, "max_iter")
        check_size(self.n_iter_no_change, "n_iter_no_change")
        for name in ("alpha", "learning_rate_init", "tol"):
            given = getattr(self, name)
            if not is_real(given) or not 0.0 <= given < float("inf"):
                raise ArgumentError(f"{name} is a number of 0 or more, got {describe(given)}")
        share = self.validation_fraction
        if self.early_stopping and not (is_real(share) and 0.0 < share < 1.0):
            raise ArgumentError(f"validation_fraction is a share, between 0 and 1; got {describe(share)}")

    def _outputs(self, X: Any) -> Any:
        """What the model gives for each sample, as an array."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.array(training.predict(self.model_, X))


def _add_penalty(optimizer: optim.Optimizer, model: Any, history: training.History) -> None:
    """Add the penalty, whose gradient is the optimiser's weight decay, to the loss of the last epoch."""
    for group in optimizer.param_groups:
        squares = math.fsum([w * w for w in numbers_of(group["params"])])
        history.metrics["loss"][-1] += 0.5 * group["weight_decay"] * squares


class MLPClassifier(ClassifierMixin, _MLP):  # type: ignore[misc] # scikit-learn has no types
    """A multi-layer perceptron that predicts classes, as scikit-learn's estimator of this name.

    It minimizes the cross-entropy by Adam. Classes may be numbers or texts, two or more of them, one for each sample.

    Args:
        hidden_layer_sizes: how many neurons each hidden layer has.
        activation: of the hidden layers: ``"identity"``, ``"logistic"``, or the name of a primitive, such as
            ``"tanh"``, ``"relu"`` or ``"gelu"``.
        alpha: the strength of the penalty: alpha / 2 times the sum of squared weights, over the size of a batch.
        batch_size: the number of samples for each step; ``"auto"`` is 200, or all of fewer.
        learning_rate_init: Adam's learning rate.
        max_iter: how many times to go through the data at most; where that is not enough, a
            ``ConvergenceWarning`` says so.
        shuffle: whether to take the samples in a new random order each time.
        random_state: a seed, or NumPy's ``RandomState``, for the first weights, the order and the part held out.
        tol: training ends when the loss has not become better by so much ...
        verbose: whether to show the progress.
        early_stopping: whether that is the loss on a part of the data that is held out; the best weights are kept.
        validation_fraction: how much is held out for that.
        n_iter_no_change: ... for so many epochs.

    After ``fit`` it has ``classes_``, ``n_features_in_``, ``feature_names_in_`` (of a table), ``n_iter_``, ``loss_``,
    ``loss_curve_``, ``coefs_``, ``intercepts_``; ``model_``, the :class:`nn.MLP`, which gives a logit for each class
    or, for two classes, one; and ``history_``, the :class:`training.History`. The losses hold the penalty.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier(4, batch_size=16, tol=0.01, random_state=0))
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples and their classes, and return the estimator."""
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True)
        check_classification_targets(y)
        if type_of_target(y).startswith("multi") and y.ndim == 2 and y.shape[1] > 1:
            raise ArgumentError(
                f"MLPClassifier takes one class for each sample, and y has the shape {y.shape}; for several answers "
                "to each take sklearn.multioutput.MultiOutputClassifier(MLPClassifier())"
            )
        self.classes_, y = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ArgumentError(
                f"MLPClassifier needs samples of 2 classes at least, here is one class: {self.classes_.tolist()[0]!r}"
            )
        if count == 2:
            return self._train(X, y, 1, nn.binary_cross_entropy_with_logits, classes=y)
        return self._train(X, y, count, nn.cross_entropy, classes=y)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, a row for each sample."""
        from scipy.special import expit, softmax

        logits = self._outputs(X)
        return np.stack([expit(-logits), expit(logits)], axis=1) if logits.ndim == 1 else softmax(logits, axis=1)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithm of :meth:`predict_proba`, exact also where that is almost 0."""
        from scipy.special import log_expit, log_softmax

        logits = self._outputs(X)
        if logits.ndim == 1:
            return np.stack([log_expit(-logits), log_expit(logits)], axis=1)
        return log_softmax(logits, axis=1)

    def predict(self, X: Any) -> Any:
        """The most probable class of each sample."""
        logits = self._outputs(X)
        return self.classes_[logits.argmax(axis=1) if logits.ndim == 2 else (logits > 0.0).astype(int)]


class MLPRegressor(RegressorMixin, MultiOutputMixin, _MLP):  # type: ignore[misc] # scikit-learn has no types
    """A multi-layer perceptron that predicts numbers, one for each sample or several.

    It minimizes half the mean squared error by Adam. The parameters are those of :class:`MLPClassifier`, and so are the
    attributes, but for ``classes_``. As the penalty and the learning rate are no larger for larger numbers, scale the
    targets too (``sklearn.compose.TransformedTargetRegressor``) if they are far from 1.

    >>> model = MLPRegressor((), learning_rate_init=0.05, max_iter=1000, n_iter_no_change=100, random_state=0)
    >>> model.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[1.5]]).round(1).tolist()
    [4.0]
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples and their numbers, and return the estimator."""
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return self._train(X, y.astype(np.float64), 1 if y.ndim == 1 else y.shape[1], _half_mse)

    def predict(self, X: Any) -> Any:
        """The numbers for each sample."""
        return self._outputs(X)


def _half_mse(pred: Any, target: Any) -> Any:
    return 0.5 * nn.mse_loss(pred, target)
