"""Fractions as python-flint's rationals, and back."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq


def to_fmpq(value: Fraction | int) -> fmpq:
    """The number as python-flint writes it, for its matrices, polynomials and balls."""
    return fmpq(value.numerator, value.denominator)


def from_fmpq(value: fmpq) -> Fraction:
    """The number as Python's standard library writes it."""
    return Fraction(int(value.p), int(value.q))
