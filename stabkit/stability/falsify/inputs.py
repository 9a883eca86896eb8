"""Structured inputs: signals on which schemes break, tried before random ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np

from stabkit.arithmetic.rational import fraction
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.expression import Expression
from stabkit.fluxes.flux import Flux
from stabkit.fluxes.kinks import kinks, suspects
from stabkit.operators import Operator
from stabkit.schemes import Scheme

_SHAPES = 320
_LINEARISED = 64
_SINGULAR = 1e12
_ROOM = 1 << 22  # numbers in one part
_SAME = Fraction(1, 2**20)  # so near to an exact kink, relatively, it is that one
_REMOTE = (1e-9, 1e-6, 1e-4, 1e3, 1e5)
_REST = (0.1, 1e-2, 1e-3, 1e-4)


def shapes(scheme: Scheme) -> np.ndarray:
    """Signals of unit size whose multiples are worth trying, shape (count, N).

    Eigenvectors of KᵀK and of its leading blocks, spikes, steps, ramps, alternating signs, and
    for small N all corners and midpoints of the cube.
    """
    return _shapes_for(scheme.size, tuple(scheme.operators))


@lru_cache(maxsize=2)  # for one property after another of the same operators
def _shapes_for(n: int, operators: tuple[Operator, ...]) -> np.ndarray:
    rows: list[np.ndarray] = []
    for K in operators:
        if K.shape[1] == n and n <= 64:
            gram = (K.sparse().T @ K.sparse()).toarray()
            for size in sorted({n, *range(2, min(n, 8))}):
                vectors = np.linalg.eigh(gram[:size, :size])[1].T[::-1][:4]
                rows += [np.pad(v / np.abs(v).max(), (0, n - size)) for v in vectors]
    unique = np.unique(np.round(np.array([*rows, *_shapes_of_length(n)]), 12), axis=0)
    unique = unique[np.abs(unique).max(axis=1) > 0]
    order = np.argsort(np.count_nonzero(unique, axis=1), kind="stable")
    found = unique[order][:_SHAPES]
    found.flags.writeable = False
    return found


@lru_cache(maxsize=16)
def _shapes_of_length(n: int) -> np.ndarray:
    site = np.arange(n)
    rows = [(site == i).astype(float) for i in range(min(n, 16))]
    rows += [(site >= i).astype(float) for i in range(1, min(n, 16))]
    rows += [site / max(n - 1, 1), (-1.0) ** site, (site % 3 == 0) * 1.0 - (site % 3 == 1),
             np.where(site % 4 < 2, 1.0, -1.0)]
    rows += [np.where(site >= i, 1.0, 0.0) * (-1.0) ** site for i in range(1, min(n, 6))]
    if n <= 5:
        rows += [np.array(point, float) for point in product((-1, -0.5, 0, 0.5, 1), repeat=n)
                 if any(point)][:: max(1, 5**n // 1000)]
    elif n <= 8:
        rows += [np.array(point, float) for point in product((-1, 0, 1), repeat=n)][:: 3**n // 600]
    return np.array(rows)


def amplitudes(scheme: Scheme) -> np.ndarray:
    """Multiples to try: powers of two, and the neighbourhood of every kink of a flux."""
    found = {2.0**k for k in range(-10, 7)}
    for flux in scheme.fluxes:
        scale = abs(_scale(flux)) or 1.0
        found |= {scale * factor for factor in
                  (1e-3, 0.25, 0.5, 0.6, 0.75, 0.9, 0.99, 1, 1.01, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3,
                   4, 5, 6, 8, 10, 15, 20, 40)}
        found |= {abs(float(point)) * factor for point in _kinks(flux) if point
                  for factor in (0.5, 0.99, 1, 1.01, 2)}
    return np.array(sorted(found))


def _kinks(flux: Flux) -> set[Fraction]:
    """0, the breakpoints of a flux, the kinks inside its pieces, and what may be a jump there."""
    return _exact_kinks(flux) | _suspects(flux)


@lru_cache(maxsize=64)
def _exact_kinks(flux: Flux) -> set[Fraction]:
    return {*flux.breakpoints(), *(point for phi in _activations(flux) for point in kinks(phi))}


@lru_cache(maxsize=64)
def _suspects(flux: Flux) -> set[Fraction]:
    return {point for phi in _activations(flux) for point in suspects(phi)
            if all(abs(point - other) > _SAME * max(abs(other), _SAME)
                   for other in _exact_kinks(flux))}


def _activations(flux: Flux) -> list[Expression]:
    return [flux.expression(piece, "activation") for piece in flux.pieces]


def _scale(flux: Flux) -> float:
    # Parameters are for display too; only a number says where the flux bends.
    for value in flux.parameters.values():
        try:
            return float(fraction(value))
        except InvalidArgument:
            continue
    return 1.0


def structured(scheme: Scheme, most: int = 1 << 20) -> Iterator[np.ndarray]:
    """Shapes times amplitudes in parts of shape (count, N), `most` signals in all.

    Where these are too many, every other shape is left out, or more.
    """
    sizes, forms = amplitudes(scheme), shapes(scheme)
    kept = forms[::max(1, -(-len(forms) * len(sizes) // most))]
    each = max(1, _ROOM // kept.size)
    for first in range(0, len(sizes), each):
        yield (sizes[first:first + each, None, None] * kept[None]).reshape(-1, scheme.size)


def remote(scheme: Scheme, most: int = 1 << 20) -> np.ndarray:
    """Shapes far smaller and far larger than what a flux is mostly about, shape (count, N)."""
    forms = shapes(scheme)
    forms = forms[::max(1, -(-len(forms) * len(_REMOTE) // most))]
    return (np.array(_REMOTE)[:, None, None] * forms[None]).reshape(-1, scheme.size)


def across(scheme: Scheme, most: int = 1 << 20) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of multiples of one shape with a kink of a flux between them or at one of them."""
    points = sorted({float(point) for flux in scheme.fluxes for point in _kinks(flux)})
    steps = [(point, 0.01 * abs(point) or 1e-3) for point in points]
    steps += [(float(point), 1e-6) for flux in scheme.fluxes for point in _suspects(flux)]
    ends = np.array([(point + low * step, point + high * step) for point, step in steps
                     for low, high in ((-1, 0), (0, 1), (-1, 1))]).reshape(-1, 2)
    forms = shapes(scheme)
    forms = forms[::max(1, -(-len(forms) * len(ends) // most))]
    first, second = (sizes[:, None, None] * forms[None] for sizes in ends.T)
    return first.reshape(-1, scheme.size), second.reshape(-1, scheme.size)


def near_alternation(scheme: Scheme) -> np.ndarray:
    """Signals that one small step makes alternate, almost all of it in one sample.

    Let T be the derivative of the step at 0 and w alternate in sign with |w_j| = 1, all others
    being small.  Then T⁻¹w is nearly the j-th column of T⁻¹, whose signs are those of the minors
    of order N − 1: where these differ in sign beyond the checkerboard, T⁻¹w has fewer changes of
    sign than w, and only there for tridiagonal T that is close to sign-regular.
    """
    n = scheme.size
    if not 2 <= n <= _LINEARISED:
        return np.empty((0, n))
    small = 2.0 ** -20
    try:
        with np.errstate(all="ignore"):
            after = scheme.pair(np.concatenate([small * np.eye(n), np.zeros((1, n))]))[1]
    except HypothesisNotMet:
        return np.empty((0, n))
    derivative = (after[:n] - after[n:]).T / small
    if derivative.shape != (n, n) or not np.isfinite(derivative).all() or \
            np.linalg.cond(derivative) > _SINGULAR:
        return np.empty((0, n))
    sizes = np.concatenate([np.where(np.eye(n) > 0, 1.0, rest) for rest in _REST])
    found = np.linalg.solve(derivative, (sizes * (-1.0) ** np.arange(n)).T).T
    found /= np.abs(found).max(axis=1, keepdims=True)
    return (amplitudes(scheme)[:, None, None] * found[None]).reshape(-1, n)


def neighbours(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A second signal near each row of `u`: along one entry, one step, or anywhere, at random."""
    count, n = u.shape
    direction = rng.standard_normal((count, n))
    kind = rng.integers(0, 4, count)
    spike = (np.arange(n) == rng.integers(0, n, (count, 1))).astype(float)
    step = (np.arange(n) >= rng.integers(1, max(n, 2), (count, 1))).astype(float)
    direction = np.where((kind == 0)[:, None], spike, direction)
    direction = np.where((kind == 1)[:, None], step, direction)
    direction = np.where((kind == 2)[:, None], (-1.0) ** np.arange(n), direction)
    return u + direction * 2.0 ** rng.integers(-12, 2, (count, 1))
