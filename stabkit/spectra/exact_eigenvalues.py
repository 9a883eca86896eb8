"""Eigenvalues of small matrices of exact numbers, by their characteristic polynomial or balls."""

from __future__ import annotations

import numpy as np
from flint import acb, acb_mat, arb

from stabkit.aliases import Scalar
from stabkit.arithmetic.enclosure import (
    PRECISIONS,
    Interval,
    from_ball,
    has_intervals,
    precision,
)
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import to_flint
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import Undecided

_EXACT = 128  # rows up to which the characteristic polynomial is written down,
_BALLS = 64  # and, of intervals, FLINT's enclosures are taken at once
_LONGEST = 512  # bits of entries, up to which its roots are separated in reasonable time


def are_short(entries: np.ndarray) -> bool:
    """Whether a matrix is small enough for its characteristic polynomial, or for balls."""
    if len(entries) > (_BALLS if has_intervals(entries.flat) else _EXACT):
        return False
    return all(
        isinstance(entry, Interval) or
        max(entry.numerator.bit_length(), entry.denominator.bit_length()) <= _LONGEST
        for entry in entries.flat)


def moduli(values: list[tuple[Interval, Interval]]) -> list[Interval]:
    """The moduli of numbers given by real and imaginary part."""
    return [(real**2 + imaginary**2).sqrt() for real, imaginary in values]


def eigenvalues_of_entries(matrix: np.ndarray) -> list[tuple[Interval, Interval]]:
    """Real and imaginary parts, a multiple eigenvalue as often as it is one."""
    if not has_intervals(matrix.flat):
        # Exact entries: the roots of the characteristic polynomial, with their multiplicities.
        with precision(128):
            roots = complex_roots(to_flint(matrix).charpoly())
        return [(from_ball(root.real), from_ball(root.imag))
                for root, multiplicity in roots for _ in range(multiplicity)]
    return by_balls(matrix)


def by_balls(matrix: np.ndarray) -> list[tuple[Interval, Interval]]:
    """The same by FLINT's enclosures, with the precision doubled until they are narrow."""
    for bits in PRECISIONS[:5]:
        with precision(bits):
            balls = acb_mat([[_ball(entry) for entry in row] for row in matrix])
            try:
                found = balls.eig(multiple=True)
            except ValueError:
                continue
            if all(value.real.rad() < 1e-6 and value.imag.rad() < 1e-6 for value in found):
                return [(from_ball(value.real), from_ball(value.imag)) for value in found]
    raise Undecided("the eigenvalues cannot be enclosed: the entries are too wide, or the matrix "
                    "is too close to a defective one; ask for the pseudospectrum")


def _ball(entry: Scalar) -> acb:
    if isinstance(entry, Interval):
        return acb(entry.lo.union(entry.hi))
    return acb(arb(to_fmpq(entry)))
