"""The exact set of stable steps of a linear scheme whose matrix is a polynomial in the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from flint import fmpq_mat

from stabkit.aliases import Rational
from stabkit.arithmetic.open_step import Unknown
from stabkit.arithmetic.rational import from_flint, interpolate, to_flint
from stabkit.arithmetic.rounding import ROUNDING
from stabkit.arithmetic.transcript import Transcript
from stabkit.fluxes.flux import Flux
from stabkit.schemes import Linear, Scheme
from stabkit.stability.certificates import is_linear
from stabkit.stability.certificates.flux_bounds import show_linear
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, RANGE, Notion
from stabkit.stability.sharpness.limits import Beside
from stabkit.stability.sharpness.signs import Cell, cells, simplest

_LARGEST = {EUCLIDEAN: 16, CONTRACTION: 16, RANGE: 128}
_NEAR_ZERO = Fraction(1, 2**24)

Steps = tuple[tuple[Fraction, Fraction | None], ...]
End = TypeVar("End", Fraction, Fraction | None)  # the lower end of an interval, or the upper one


def linear_cells(scheme: Scheme, notion: Notion) -> list[Cell] | None:
    """Where on the positive line a linear scheme with an open step is stable, or None.

    RANGE holds if and only if the matrix M of the step is nonnegative with row sums 1; EUCLIDEAN
    and CONTRACTION if and only if I − MᵀM is positive semidefinite, that is, if and only if the
    elementary symmetric functions of its (real) eigenvalues are nonnegative.  All of them are
    polynomials in the step.
    """
    if scheme.size > _LARGEST.get(notion, 0) or not is_linear(scheme) or \
            not all(map(_is_shown_linear, scheme.fluxes)):
        return None
    matrix = [[_coefficients(entry) for entry in row] for row in matrix_of(scheme)]
    if notion is RANGE:
        sums = [_sum([Fraction(-1)], *row) for row in matrix]
        return cells([*(entry for row in matrix for entry in row),
                      *sums, *([-c for c in total] for total in sums)])
    return cells(_symmetric_functions(matrix))


def matrix_of(scheme: Scheme) -> np.ndarray:
    """The exact matrix of a linear step, with polynomials where its step is left open."""
    if isinstance(scheme, Linear):
        return scheme.matrix.exact()
    unit = np.array([[Fraction(int(i == j)) for j in range(scheme.size)]
                     for i in range(scheme.size)], dtype=object)
    return scheme.step(unit).T


def is_followed(opened: Scheme, scheme: Callable[[Fraction], Scheme], steps: Sequence[Fraction]
                ) -> bool:
    """Whether the linear schemes at some steps are what the open step says, but for rounding."""
    matrix = matrix_of(opened)
    for tau in steps:
        made = scheme(tau)
        if made.size != opened.size or not is_linear(made):
            return False
        same = (entry.at(tau) if isinstance(entry, Unknown) else entry for entry in matrix.flat)
        if any(abs(a - b) > ROUNDING * (1 + abs(a))
               for a, b in zip(same, matrix_of(made).flat, strict=True)):
            return False
    return True


def _is_shown_linear(flux: Flux) -> bool:
    # A flux that depends on the step stops here, as it cannot be written down.
    return None not in show_linear(Transcript(), flux)


def _coefficients(entry: Unknown | Rational) -> list[Any]:
    return list(entry.coefficients) if isinstance(entry, Unknown) else [Fraction(entry)]


def _sum(*polynomials: list[Fraction]) -> list[Fraction]:
    return [sum((p[k] for p in polynomials if k < len(p)), Fraction(0))
            for k in range(max(map(len, polynomials)))]


def _symmetric_functions(matrix: list[list[list[Fraction]]]) -> list[list[Fraction]]:
    """The coefficients of det(λI + I − MᵀM), each a polynomial in the step, by interpolation."""
    n = len(matrix)
    degree = max(len(entry) - 1 for row in matrix for entry in row)
    nodes = range(2 * degree * n + 1)
    values = []
    for node in nodes:
        m = to_flint([[sum(c * node**k for k, c in enumerate(entry)) for entry in row]
                      for row in matrix])
        eye = fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
        characteristic = (eye - m.transpose() * m).charpoly().coeffs()
        values.append([(-1) ** k * characteristic[n - k] for k in range(n + 1)])
    found = from_flint(interpolate(nodes, values))
    return [list(found[:, k]) for k in range(1, n + 1)]


def proved_steps(found: list[Cell], halvings: int) -> Steps:
    """The closed intervals in which everything holds; at an irrational end a little less."""
    return tuple((_end_of_run(run, run[0].low, before, halvings, 1),
                  _end_of_run(run, run[-1].high, after, halvings, -1))
                 for before, run, after in runs(found, True))


def refuted_steps(found: list[Cell], start: Fraction, halvings: int) -> Steps:
    """Closed intervals in which something fails everywhere, up to 2^-halvings near their ends."""
    kept = []
    for _, run, _ in runs(found, False):
        low, high = run[0].low, run[-1].high
        if not run[0].is_point:
            low = _aside(run[0], low, halvings, 1) if low else \
                min(start, start if high is None else high) * _NEAR_ZERO
        if high is not None and not run[-1].is_point:
            high = _aside(run[-1], high, halvings, -1)
        kept.append((low, high))
    return tuple(kept)


def runs(found: list[Cell], holds: bool) -> Iterator[tuple[Cell | None, list[Cell], Cell | None]]:
    """The neighbouring cells with one answer, each run with the cells before and after it."""
    first = 0
    while first < len(found):
        end = first + 1
        if found[first].holds is holds:
            while end < len(found) and found[end].holds is holds:
                end += 1
            yield found[first - 1] if first else None, found[first:end], \
                found[end] if end < len(found) else None
        first = end


def _end_of_run(run: list[Cell], end: End, beside: Cell | None, halvings: int, way: int) -> End:
    """The end of a run, where the next cell is exact; else a simple number before it."""
    if end is None or beside is None or beside.holds is not None:
        return end
    near = _aside(run[0 if way > 0 else -1], end, halvings, way)
    return near if beside.root is None else Beside.of(near, beside.root)


def _aside(cell: Cell, end: Fraction, halvings: int, way: int) -> Fraction:
    """A number in an open cell, 2^-halvings away from one of its ends or nearer; a simple one."""
    away = end / 2**halvings
    if cell.high is not None:
        away = min(away, (cell.high - cell.low) / 4)
    low, high = sorted((end + way * away / 2, end + way * away))
    return simplest(low, high)
