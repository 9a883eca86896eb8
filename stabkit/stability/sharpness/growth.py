"""Signals whose norm grows.

For one signal the growth is a polynomial in the step: its signs tell where it breaks the norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from scipy.sparse import csr_array

from stabkit.arithmetic.one_thread import one_thread
from stabkit.stability.sharpness.ends import intervals
from stabkit.stability.sharpness.linear import Steps
from stabkit.stability.sharpness.signs import cells
from stabkit.tracing.evaluation import matrix_at
from stabkit.tracing.form import CONSTANT, Form

_DENSE = 600  # unknowns up to which all singular values are computed
_POWERS = 300
_FEWEST, _ENTRIES = 20, 50_000_000  # of them for a large matrix, whose entries are gone through
_GROWS = 1 + 1e-5  # a factor that survives the rounding of the signal
_FITS = 1 << 62  # what certainly fits an int64
_SCALES = (1, 2**10, 2**22)  # denominators of the signals that are tried


@dataclass(frozen=True, eq=False)
class Growing:
    """A signal and the steps at which its norm grows.

    Attributes
    ----------
    signal : ndarray of Fraction
    polynomial : tuple of Fraction
        ‖M u‖² − ‖u‖², times the squared denominator of the step.
    steps : tuple of intervals
        Where it is positive.
    scale : int
        The denominator of the signal, whose entries are between -1 and 1.
    """

    signal: np.ndarray
    polynomial: tuple[Fraction, ...]
    steps: Steps
    scale: int = 1


class Matrix:
    """The linear part of a form with an open step, with a positive weight for every entry.

    `signs` is a signal that alternates, from which those are sought that grow.
    """

    def __init__(self, form: Form, weights: list[Fraction] | None = None,
                 uniform: tuple[int, ...] | None = None, signs: np.ndarray | None = None):
        kept = form.columns != CONSTANT
        self.form = Form(form.count, form.rows[kept], form.columns[kept] - 1,
                         form.numerators[kept], form.denominator)
        self.size = form.count
        self.weights, self.uniform = weights, uniform
        self.signs = np.where(np.arange(self.size) % 2, -1.0, 1.0) if signs is None else signs
        self.degree = self.form.numerators.shape[1] - 1

    @property
    def is_large(self) -> bool:
        """Whether the largest singular value is only approached, by the power method."""
        return self.size > _DENSE and (self.uniform is None or self.weights is not None)

    @property
    def starts_at_identity(self) -> bool:
        """Whether the step with dt = 0 changes nothing."""
        if len(self.form.denominator) > 1:
            return False
        at = self.form.numerators[:, 0] != 0
        rows, columns = self.form.rows[at], self.form.columns[at]
        return bool(rows.size == self.size and np.array_equal(rows, columns) and
                    (self.form.numerators[at, 0] == self.form.denominator[0]).all())

    def weighted_matrix(self, dt: float) -> csr_array:
        """In floats: the matrix that has the weighted norm as its Euclidean one."""
        matrix = matrix_at(self.form, dt, self.size)
        if self.weights is None:
            return matrix
        root = np.sqrt(np.array([float(w) for w in self.weights]))
        return csr_array(matrix.multiply(root[:, None]).multiply(1 / root[None])).tocsr()

    def norm(self, dt: float) -> float:
        """In floats: its largest singular value; for a periodic step that of its modes."""
        if self.uniform is not None and self.weights is None:
            return _mode(self.weighted_matrix(dt), self.uniform)[0]
        return self.largest(dt)[0]

    @one_thread
    def largest(self, dt: float) -> tuple[float, np.ndarray]:
        """In floats: the largest singular value and its input, for the weighted norm."""
        matrix = self.weighted_matrix(dt)
        if self.size <= _DENSE:
            _, values, right = np.linalg.svd(matrix.toarray())
            top, u = float(values[0]), right[0]
        elif self.uniform is None or self.weights is not None:
            top, u = _by_powers(matrix, self.signs)
        else:
            top, u = _mode(matrix, self.uniform)
        return top, self._unweight(u)

    @one_thread
    def first_growth(self) -> np.ndarray | None:
        """In floats: the input whose norm grows first from dt = 0 on, where the matrix is I."""
        if self.size > _DENSE or self.degree < 1:
            return None
        root = 1 if self.weights is None else np.sqrt([float(w) for w in self.weights])
        slope = csr_array((self.form.numerators[:, 1].astype(float), (
            self.form.rows, self.form.columns)), shape=(self.size, self.size)).toarray()
        slope = slope * np.reshape(root, (-1, 1)) / root
        values, vectors = np.linalg.eigh(slope + slope.T)
        return self._unweight(vectors[:, -1]) if values[-1] > 0 else None

    def _unweight(self, u: np.ndarray) -> np.ndarray:
        if self.weights is not None:
            u = u / np.sqrt(np.array([float(w) for w in self.weights]))
        return u / np.abs(u).max()

    def growth_of(self, u: np.ndarray, dt: Fraction | None = None) -> Growing | None:
        """The steps at which a float signal, rounded, grows; it is to grow at `dt`."""
        for scale in _SCALES:
            whole = np.rint(u * scale).astype(np.int64)
            found = self._growth_at(whole, scale, dt) if whole.any() else None
            if found is not None:
                return found
        return None

    def gain(self, growing: Growing, dt: Fraction) -> float:
        """In floats: how many times as large the norm of a signal becomes at a step."""
        weights = self.weights or [Fraction(1)] * self.size
        square = sum((w * x * x for w, x in zip(weights, growing.signal.tolist(), strict=True)),
                     Fraction(0))
        divisor = sum((c * dt**k for k, c in enumerate(self.form.denominator)), Fraction(0))
        more = sum((c * dt**k for k, c in enumerate(growing.polynomial)), Fraction(0))
        return float(1 + more / square / divisor**2)**0.5

    def growing_exactly(self, u: np.ndarray, dt: Fraction) -> Growing | None:
        """The steps at which an exact signal grows; it is to grow at `dt`."""
        scale = lcm(*(x.denominator for x in u))
        return self._growth_at(np.array([int(x * scale) for x in u], dtype=object), scale, dt)

    def _growth_at(self, whole: np.ndarray, scale: int, dt: Fraction | None) -> Growing | None:
        polynomial = self.growth(whole)
        _, steps = intervals(cells([[-c for c in polynomial]]))
        if not steps or not (dt is None or any(low <= dt and (high is None or dt <= high)
                                               for low, high in steps)):
            return None
        values, places = np.unique(whole, return_inverse=True)
        exact = np.array([Fraction(k, scale) for k in values.tolist()], dtype=object)
        return Growing(exact[places.ravel()], tuple(c / scale**2 for c in polynomial), steps, scale)

    def growth(self, signal: np.ndarray) -> list[Fraction]:
        """The coefficients of ‖M u‖² d² − ‖u‖² d², for integers u."""
        images = [self.image(k, signal) for k in range(self.degree + 1)]
        weights = self.weights or [Fraction(1)] * self.size
        width = max(2 * self.degree + 1, 2 * len(self.form.denominator) - 1)
        total = [Fraction(0)] * width
        for i, a in enumerate(images):
            for j, b in enumerate(images):
                total[i + j] += self._dot(weights, a, b)
        square = self._dot(weights, signal, signal)
        for i, c in enumerate(self.form.denominator):
            for j, e in enumerate(self.form.denominator):
                total[i + j] -= c * e * square
        return total

    def _dot(self, weights: list[Fraction], a: np.ndarray, b: np.ndarray) -> Fraction:
        if self.weights is None:
            return Fraction(_sum_of_products(a, b))
        return sum((w * x * y for w, x, y in zip(weights, a.tolist(), b.tolist(), strict=True)),
                   Fraction(0))

    def image(self, power: int, signal: np.ndarray) -> np.ndarray:
        """The numerators of one power of the step, applied to integers."""
        c = self.form.numerators[:, power]
        if c.dtype != object and signal.dtype != object and \
                _largest(c) * _largest(signal) * int(np.diff(self.form.starts).max()) < _FITS:
            matrix = csr_array((c, (self.form.rows, self.form.columns)),
                               shape=(self.size, self.size))
            return matrix @ signal
        image, entries = [0] * self.size, signal.tolist()
        for row, column, c in zip(self.form.rows.tolist(), self.form.columns.tolist(),
                                  self.form.numerators[:, power].tolist(), strict=True):
            if c:
                image[row] += c * entries[column]
        return np.array(image, dtype=object)


def _largest(values: np.ndarray) -> int:
    return int(np.abs(values).max(initial=0))


def _sum_of_products(a: np.ndarray, b: np.ndarray) -> int:
    """Exactly, of integers: over pieces whose sums certainly fit where they are short ones."""
    if a.dtype == object or b.dtype == object or _largest(a) * _largest(b) >= _FITS:
        return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    length = _FITS // max(1, _largest(a) * _largest(b))
    return sum(int((a[k:k + length] * b[k:k + length]).sum()) for k in range(0, a.size, length))


def _mode(matrix: csr_array, shape: tuple[int, ...]) -> tuple[float, np.ndarray]:
    """The wave that a periodic step amplifies most."""
    first = matrix[:, [0]].toarray().reshape(shape)
    gains = np.abs(np.fft.fftn(first))
    place = np.unravel_index(int(np.argmax(gains)), shape)
    angles = sum(2 * np.pi * k * np.arange(n).reshape([-1 if a == b else 1 for b in range(
        len(shape))]) / n for a, (k, n) in enumerate(zip(place, shape, strict=True)))
    return float(gains[place]), np.cos(angles).ravel()


def _by_powers(matrix: csr_array, u: np.ndarray) -> tuple[float, np.ndarray]:
    """By the power method from a signal, until one is found that grows."""
    u = u + np.random.default_rng(0).standard_normal(u.size) / 64
    turned = matrix.T.tocsr()
    top, best = 0.0, u
    for _ in range(min(_POWERS, max(_FEWEST, _ENTRIES // max(1, matrix.nnz)))):
        u = u / np.sqrt(np.sum(u * u))
        image = matrix @ u
        top, best = float(np.sqrt(np.sum(image * image))), u
        if top > _GROWS:
            break
        u = turned @ image
    return top, best
