"""Linear classifiers of features, by least squares or by softmax and cross-entropy.

z = W · y + μ with one weight per channel and pixel: the sum that stands for the integral (2.11) of
haber2017.  The loss is a mean over the samples, plus (ridge/2)(‖W‖² + |μ|²) where weights are
sought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy

from stabkit.aliases import Array, Signal
from stabkit.arithmetic.backend import beside, namespace
from stabkit.errors import InvalidArgument
from stabkit.learning.gauss_newton import Expansion, GaussNewton


class Loss(Protocol):
    """A convex function of the scores, averaged over the samples.

    Scores and targets have shape (samples, classes); a target is a row of the identity matrix.
    """

    def value(self, scores: np.ndarray, targets: np.ndarray) -> float:
        """The loss."""

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Its derivative by the scores."""

    def curvature(self, scores: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The product of its second derivative with v."""


class LeastSquares:
    """½|z − c|², the misfit of (2.12)."""

    def value(self, scores: np.ndarray, targets: np.ndarray) -> float:
        return float(namespace(scores).sum((scores - beside(targets, scores)) ** 2)
                     / (2 * scores.shape[0]))

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return (scores - beside(targets, scores)) / scores.shape[0]

    def curvature(self, scores: np.ndarray, v: np.ndarray) -> np.ndarray:
        return v / scores.shape[0]


class CrossEntropy:
    """−log of the class's softmax probability."""

    def value(self, scores: np.ndarray, targets: np.ndarray) -> float:
        xp, shifted = namespace(scores), _shift(scores)
        logs = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
        return float(-xp.sum(logs * beside(targets, scores)) / scores.shape[0])

    def gradient(self, scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return (_softmax(scores) - beside(targets, scores)) / scores.shape[0]

    def curvature(self, scores: np.ndarray, v: np.ndarray) -> np.ndarray:
        p = _softmax(scores)
        return p * (v - namespace(v).sum(p * v, axis=1, keepdims=True)) / scores.shape[0]


def _shift(scores: Signal) -> Array:
    # The largest score of every sample is 0, so no exponential overflows.
    return scores - namespace(scores).max(scores, axis=1, keepdims=True)


def _softmax(scores: Signal) -> Array:
    xp = namespace(scores)
    powers = xp.exp(_shift(scores))
    return powers / xp.sum(powers, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Classifier:
    """z = W · y + μ.

    Attributes
    ----------
    weights : ndarray, shape (classes, channels, rows, columns)
        W.
    bias : ndarray, shape (classes,)
        μ.
    """

    weights: np.ndarray
    bias: np.ndarray

    def __post_init__(self) -> None:
        if self.weights.ndim != 4 or self.bias.shape != self.weights.shape[:1]:
            raise InvalidArgument("weights, bias: must have shapes (classes, channels, rows, "
                                  f"columns) and (classes,), got {self.weights.shape} and "
                                  f"{self.bias.shape}")

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.weights.size + self.bias.size

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The scores, shape (samples, classes), of features (samples, channels, rows, columns)."""
        return self.linear(features) + beside(self.bias, features)

    def linear(self, features: np.ndarray) -> np.ndarray:
        """The scores without μ, which is also their derivative in a direction of the features."""
        if features.shape[1:] != self.weights.shape[1:]:
            raise InvalidArgument(f"features: must have shape (samples, "
                                  f"{', '.join(map(str, self.weights.shape[1:]))}), got "
                                  f"{features.shape}")
        rows = self._rows(features)
        return namespace(features).reshape(features, (features.shape[0], rows.shape[1])) @ rows.T

    def adjoint(self, scores: np.ndarray) -> np.ndarray:
        """The adjoint of :meth:`linear`."""
        flat = scores @ self._rows(scores)
        return namespace(flat).reshape(flat, (scores.shape[0], *self.weights.shape[1:]))

    def _rows(self, array: Array) -> Array:
        # W as a matrix in the library of an array.
        weights = beside(self.weights, array)
        return namespace(weights).reshape(weights, (weights.shape[0], -1))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class with the largest score of every sample, shape (samples,)."""
        return namespace(features).argmax(self(features), axis=1)


def fit(loss: Loss, features: np.ndarray, targets: np.ndarray, ridge: float,
        start: Classifier | None = None, method: GaussNewton | None = None) -> Classifier:
    """The classifier with the least loss, a convex problem.

    Parameters
    ----------
    loss : Loss
        For :class:`LeastSquares` the normal equations are solved; for others a Gauss-Newton method
        runs, which is Newton's here.
    features : ndarray, shape (samples, channels, rows, columns)
    targets : ndarray, shape (samples, classes)
    ridge : float
        Positive, so that there is exactly one minimum.
    start : Classifier, optional
        Where the Gauss-Newton method starts; zeros by default.
    method : GaussNewton, optional
        ``GaussNewton(steps=5, inner=20)`` by default.
    """
    if not ridge > 0:
        raise InvalidArgument(f"ridge: must be positive, got {ridge}")
    if targets.ndim != 2 or len(targets) != len(features):
        raise InvalidArgument(f"targets: must have shape ({len(features)}, classes), got "
                              f"{targets.shape}")
    flat = np.column_stack([features.reshape(len(features), -1), np.ones(len(features))])
    if isinstance(loss, LeastSquares):
        normal = flat.T @ flat / len(flat)
        normal[np.diag_indices_from(normal)] += ridge
        solution = scipy.linalg.solve(normal, flat.T @ targets / len(flat), assume_a="pos")
    else:
        before = np.zeros((flat.shape[1], targets.shape[1])) if start is None else _matrix(start)
        objective = _Linear(loss, flat, targets, ridge)
        method = method or GaussNewton(steps=5, inner=20)
        solution = method.minimise(objective, before.ravel()).x.reshape(before.shape)
    return Classifier(solution[:-1].T.reshape(-1, *features.shape[1:]), solution[-1])


def _matrix(classifier: Classifier) -> np.ndarray:
    rows = classifier.weights.reshape(len(classifier.bias), -1)
    return np.column_stack([rows, classifier.bias]).T


@dataclass(frozen=True, eq=False)
class _Linear:
    """The loss as a function of W and μ, together shape (features + 1, classes), flattened."""

    loss: Loss
    flat: np.ndarray
    targets: np.ndarray
    ridge: float

    def _scores(self, x: np.ndarray) -> np.ndarray:
        return self.flat @ x.reshape(-1, self.targets.shape[1])

    def value(self, x: np.ndarray) -> float:
        return self.loss.value(self._scores(x), self.targets) + self.ridge / 2 * float(x @ x)

    def expand(self, x: np.ndarray) -> Expansion:
        scores = self._scores(x)
        gradient = self.flat.T @ self.loss.gradient(scores, self.targets)

        def product(v: np.ndarray) -> np.ndarray:
            curved = self.loss.curvature(scores, self._scores(v))
            return (self.flat.T @ curved).ravel() + self.ridge * v

        value = self.loss.value(scores, self.targets) + self.ridge / 2 * float(x @ x)
        return Expansion(value, gradient.ravel() + self.ridge * x, product)
