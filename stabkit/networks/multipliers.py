"""Multipliers that certify a small constant: found in floats, which need not be trusted.

The least L² of the inequality in :mod:`stabkit.networks.form_certificate` is the value of a
semidefinite program.  A closed form gives a first point, layer by layer from the output back; from
there an interior point method goes on, so that every point on the way is a certificate and time
may run out at any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np
import scipy

from stabkit.networks.form_certificate import assemble
from stabkit.networks.slope_form import QUICK, SlopeForm
from stabkit.time_limit import time_is_over

_GAP = 2e-5     # relative distance of L² from the least one at which the search ends
_STEPS = 80
_FLOOR = 1e-60  # of L²


@dataclass(frozen=True, eq=False)
class Multipliers:
    """L² and a weight for each activation."""

    square: float
    weights: np.ndarray


def first_multipliers(form: SlopeForm) -> Multipliers | None:
    """The closed form: one number per layer of activations.

    Let yᵀSy be what the output may still gain.  A layer's v is maximised away from
    wᵀSw − t (v − low z)ᵀ(v − high z), with t twice the largest eigenvalue of S on v, as in
    ECLipsE-Fast (Xu and Sivaranjani 2024), there from the input on.
    """
    S = form.output.matrix.T @ form.output.matrix
    t = np.zeros(len(form.low))
    seen = form.input_rows
    for group in reversed(form.groups):
        if form.size > QUICK and time_is_over():
            return None
        at = slice(form.inputs + group.start, form.inputs + group.stop)
        before = slice(0, at.start)
        Z, low, high = seen[group, before], form.low[group], form.high[group]
        weight = _weight(S[at, at], S[before, at], S[before, before], Z, low, high)
        if weight is None:
            return None
        t[group] = weight
        made = _without(S[at, at], S[before, at], S[before, before], Z, low, high, weight)
        if made is None:
            return None
        S = S.copy()
        S[before, before] = made
    top = float(scipy.linalg.eigvalsh(S[:form.inputs, :form.inputs])[-1])
    if not np.isfinite(top) or top < 0:
        return None
    return Multipliers(max(top * (1 + 1e-3), _FLOOR), t)


def _weight(inner: np.ndarray, cross: np.ndarray, outer: np.ndarray, Z: np.ndarray,
            low: np.ndarray, high: np.ndarray) -> np.ndarray | None:
    """The weights of a layer, the best of a few by the trace of what is left."""
    if not np.isfinite(inner).all():
        return None
    top = max(float(scipy.linalg.eigvalsh(inner)[-1]), 0.0)
    steep = np.abs(inner).sum(axis=1)
    floor = max(top, float(np.abs(cross).max(initial=0)), 1e-12 * float(np.trace(outer))) or 1.0
    tried = [factor * np.full(len(inner), top or 1e-6 * floor) for factor in (1.3, 2.0, 3.0)]
    tried += [factor * np.maximum(steep, 1e-6 * floor) for factor in (1.2, 2.0)]
    best, least = None, np.inf
    for weight in tried:
        made = _without(inner, cross, outer, Z, low, high, weight)
        size = np.inf if made is None else float(np.linalg.norm(made))
        if size < least:
            best, least = weight, size
    return best


def _without(inner: np.ndarray, cross: np.ndarray, outer: np.ndarray, Z: np.ndarray,
             low: np.ndarray, high: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """The largest value over v, as a form in what stands before the layer."""
    try:
        root = scipy.linalg.cho_factor(np.diag(weight) - inner, lower=True)
    except np.linalg.LinAlgError:
        return None
    mixed = cross + Z.T * (weight * (low + high) / 2)
    made = outer - Z.T @ ((weight * low * high)[:, None] * Z) + \
        mixed @ scipy.linalg.cho_solve(root, mixed.T)
    return (made + made.T) / 2 if np.isfinite(made).all() else None


# -- the semidefinite program ----------------------------------------------------------------------
def better_multipliers(form: SlopeForm, start: Multipliers, until: float) -> Iterator[Multipliers]:
    """Points with a smaller and smaller L², up to the least one, as long as there is time."""
    weights = np.maximum(start.weights, 1e-300)
    program = _Program(form, start.square * 1.05, weights)
    point, best = program.first(), np.inf
    for _ in range(_STEPS):
        if point is None or monotonic() > until:
            return
        point = program.step(point)
        if point is None:
            return
        square = point.y[0] * program.square
        if square < best:
            best = square
            yield Multipliers(square, point.y[1:] * program.weights)
        if point.gap < _GAP * point.y[0]:
            return


@dataclass(frozen=True, eq=False)
class _Point:
    """y = (L², weights) relative to the first ones; S, the matrix; and the dual X, x.

    The gap is ⟨X, S⟩ + x·t, by which L² is above the least one where X is feasible.
    """

    y: np.ndarray
    S: np.ndarray
    X: np.ndarray
    x: np.ndarray

    @property
    def gap(self) -> float:
        return float(np.sum(self.X * self.S) + self.x @ self.y[1:])


class _Program:
    """Minimise y₀ where S = y₀ A₀ − CᵀC + Σ yⱼ (pⱼqⱼᵀ + qⱼpⱼᵀ)/2 is positive, and y too.

    Steps are those of Helmberg, Rendl, Vanderbei and Wolkowicz (1996), with Mehrotra's corrector;
    S stays feasible, X becomes so.
    """

    def __init__(self, form: SlopeForm, square: float, weights: np.ndarray):
        self.square, self.weights = square, weights
        diagonal = np.maximum(np.diag(assemble(form, square, weights)), 1e-300)
        scale = 1 / np.sqrt(diagonal)
        root = np.sqrt(weights)[:, None]
        self.P, self.Q = (root * part * scale for part in form.factors)
        self.A0 = np.zeros(form.size)
        self.A0[:form.inputs] = square * scale[:form.inputs] ** 2
        output = form.output.matrix * scale
        self.fixed = output.T @ output

    def matrix(self, y: np.ndarray) -> np.ndarray:
        """The part of S that is linear in y."""
        half = self.P.T @ (y[1:, None] * self.Q)
        made = (half + half.T) / 2
        made[np.diag_indices(len(made))] += y[0] * self.A0
        return made

    def inner(self, Y: np.ndarray) -> np.ndarray:
        """⟨Aᵢ, Y⟩ for all i."""
        Y = (Y + Y.T) / 2
        return np.concatenate([[self.A0 @ np.diag(Y)], np.sum((self.P @ Y) * self.Q, axis=1)])

    def first(self) -> _Point | None:
        y = np.ones(len(self.weights) + 1)
        S = self.matrix(y) - self.fixed
        inverse = _inverse(S)
        if inverse is None:
            return None
        size = 1 / float(self.A0 @ np.diag(inverse))
        return _Point(y, S, size * inverse, size / y[1:])

    def step(self, at: _Point) -> _Point | None:
        inverse = _inverse(at.S)
        factor = None if inverse is None else _factor(self.schur(at, inverse))
        if inverse is None or factor is None:
            return None
        t, count = at.y[1:], len(at.S) + len(at.x)
        mean = at.gap / count
        goal = np.zeros(len(at.y))
        goal[0] = 1.0
        dy, dS, dX, dx = self.direction(at, inverse, factor, -goal, 0.0)
        first = min(_reach(at.S, dS), _ray(t, dy[1:]), 1.0), min(_reach(at.X, dX), _ray(at.x, dx),
                                                                 1.0)
        ahead = np.sum((at.X + first[1] * dX) * (at.S + first[0] * dS)) + \
            (at.x + first[1] * dx) @ (t + first[0] * dy[1:])
        centring = mean * min(max(float(ahead) / at.gap, 0.0) ** 2, 1.0)
        second = self.inner(dX @ dS @ inverse)
        second[1:] += dx * dy[1:] / t
        pull = self.inner(inverse)
        pull[1:] += 1 / t
        dy, dS, dX, dx = self.direction(at, inverse, factor, centring * pull - goal - second,
                                        centring, dX @ dS @ inverse, dx * dy[1:] / t)
        ahead_y, ahead_x = (min(0.95 * far, 1.0) for far in (
            min(_reach(at.S, dS), _ray(t, dy[1:])), min(_reach(at.X, dX), _ray(at.x, dx))))
        y = at.y + ahead_y * dy
        if not y[0] > 0 or max(ahead_y, ahead_x) < 1e-6 or not np.isfinite(y).all():
            return None
        return _Point(y, self.matrix(y) - self.fixed, at.X + ahead_x * dX, at.x + ahead_x * dx)

    def direction(self, at: _Point, inverse: np.ndarray, factor: tuple, right: np.ndarray,
                  centring: float, second: np.ndarray | float = 0.0,
                  second_x: np.ndarray | float = 0.0
                  ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        dy = _solve_by_factor(factor, right)
        dS = self.matrix(dy)
        dX = centring * inverse - at.X - at.X @ dS @ inverse - second
        t = at.y[1:]
        return dy, dS, (dX + dX.T) / 2, centring / t - at.x - at.x * dy[1:] / t - second_x

    def schur(self, at: _Point, inverse: np.ndarray) -> np.ndarray:
        """⟨Aᵢ, X Aₖ S⁻¹⟩, and x/t on the diagonal."""
        P, Q, X = self.P, self.Q, at.X
        PX, QX, PS, QS = P @ X, Q @ X, P @ inverse, Q @ inverse
        made = np.empty((len(P) + 1, len(P) + 1))
        ppx, qqx, pqx = PX @ P.T, QX @ Q.T, PX @ Q.T
        pps, qqs, pqs = PS @ P.T, QS @ Q.T, PS @ Q.T
        made[1:, 1:] = (pqx.T * pqs + qqx * pps + ppx * qqs + pqx * pqs.T) / 4
        made[0, 1:] = made[1:, 0] = ((PX * QS + QX * PS) @ self.A0) / 2
        made[0, 0] = self.A0 @ (X * inverse) @ self.A0
        made[np.arange(1, len(made)), np.arange(1, len(made))] += at.x / at.y[1:]
        return (made + made.T) / 2


def _inverse(S: np.ndarray) -> np.ndarray | None:
    try:
        made = scipy.linalg.cho_solve(scipy.linalg.cho_factor(S), np.eye(len(S)))
    except (np.linalg.LinAlgError, ValueError):
        return None
    return (made + made.T) / 2


def _factor(M: np.ndarray) -> tuple | None:
    diagonal = np.diag(M)
    if not (diagonal > 0).all():
        return None
    size = 1 / np.sqrt(diagonal)
    scaled = size[:, None] * M * size
    for shift in (0.0, 1e-14, 1e-12, 1e-10):
        try:
            return size, scipy.linalg.cho_factor(scaled + shift * np.eye(len(M)))
        except (np.linalg.LinAlgError, ValueError):
            continue
    return None


def _solve_by_factor(factor: tuple, right: np.ndarray) -> np.ndarray:
    size, root = factor
    return size * scipy.linalg.cho_solve(root, size * right)


def _reach(S: np.ndarray, dS: np.ndarray) -> float:
    """The largest a for which S + a dS is positive semidefinite."""
    try:
        root = scipy.linalg.cholesky(S, lower=True)
        part = scipy.linalg.solve_triangular(root, dS, lower=True)
        part = scipy.linalg.solve_triangular(root, part.T, lower=True)
        least = float(scipy.linalg.eigvalsh((part + part.T) / 2, subset_by_index=[0, 0])[0])
    except (np.linalg.LinAlgError, ValueError):
        return 0.0
    return -1 / least if least < 0 else np.inf


def _ray(t: np.ndarray, dt: np.ndarray) -> float:
    least = float((dt / t).min(initial=0))
    return -1 / least if least < 0 else np.inf
