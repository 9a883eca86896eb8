"""Operator norms as enclosures with rational endpoints."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt
from typing import Any, cast

import numpy as np
import scipy

from stabkit.aliases import Number
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.open_step import as_number
from stabkit.arithmetic.rational import (
    Constant,
    determinant,
    fraction,
    from_flint,
    is_psd,
    to_flint,
)
from stabkit.arithmetic.rounding import is_rounded, meaning
from stabkit.errors import InvalidArgument
from stabkit.operators.float_bounds import (
    FACTORED,
    bounds_of_norm_squared,
    has_tridiagonal_gram,
    rayleigh_quotient,
    row_and_column_bound,
)
from stabkit.operators.matrices import as_operator
from stabkit.operators.operator import Operator
from stabkit.proof.parts import SymbolicOperator

_DENSE = 48
_DENSE_ENTRIES = 1 << 18  # of a matrix whose product is taken entry by entry
BITS = 44  # of the ends of an enclosure: eigenvalues in floats are better than that


def norm_squared(operator: Any) -> Interval:
    """Enclose ‖K‖², the largest eigenvalue of KᵀK.

    Four ways, in this order: for up to 48 columns or rows an exact LDLᵀ decision of
    ``c I − KᵀK >= 0`` on both sides of a floating-point guess (the enclosure is a point where
    ‖K‖² is a simple rational); a known formula; a Rayleigh quotient, evaluated exactly, below and
    above it, for up to 2500 columns or rows, a float factor of c I − KᵀK with a bound of its
    rounding errors; beyond that size the bound ‖K‖₁‖K‖_∞, which may be far away.  Where the rows
    of K have two neighbouring entries at most, KᵀK is tridiagonal: eliminations with a bound of
    their rounding errors decide both ends at any size.

    Returns
    -------
    Interval
        With ``lower <= ‖K‖² <= upper``; equal endpoints mean the exact value.

    Raises
    ------
    InvalidArgument
        If it is neither an operator nor a matrix.
    """
    return _norm_squared(as_operator(operator, "operator"))


@lru_cache(maxsize=64)
def _norm_squared(operator: Operator) -> Interval:
    if not any(operator.values):
        return Interval(0)
    small = operator.T if operator.shape[0] < operator.shape[1] else operator
    if small.shape[1] <= _DENSE:
        return _from_gram(small)
    if operator.norm_squared_formula is not None:
        with precision(128):
            return operator.norm_squared_formula()
    return _bound_norm(small)


def operator_norm(operator: Any) -> Interval:
    """Enclose the spectral norm ‖K‖ of an operator or a matrix."""
    return norm_squared(operator).sqrt()


def stable_step(operator: Any, lipschitz: Number = Fraction(1), ratio: Number = Fraction(1), *,
                unbounded: Number | None = None) -> Fraction:
    """The step ``ratio * 2 / (L ‖K‖²)``, rounded to a rational on the safe side of the ratio.

    It is exact where ‖K‖² is rational.  Otherwise a ratio up to 1 is rounded down and a larger one
    up, so that a step stays on its side of the bound.  For symbols it is a step of which only the
    bound is assumed.

    Parameters
    ----------
    operator : Operator
    lipschitz, ratio : rational
        For floats it is the step of these doubles, and knows that of the numbers meant by them.
    unbounded : rational, optional
        The step where K = 0 or L = 0, and every step is within the bound.

    Raises
    ------
    InvalidArgument
        If there is no bound, and no such step is given; or an argument is no number.
    """
    if isinstance(operator, SymbolicOperator):
        return cast(Fraction, operator.stable_step(lipschitz, ratio))
    operator = as_operator(operator, "operator")
    if is_rounded(lipschitz) or is_rounded(ratio):
        given, intended = (
            stable_step(operator, taken(lipschitz), taken(ratio), unbounded=unbounded)
            for taken in (fraction, _meaning))
        return Constant(given).note_meaning(intended)
    bound, share = (
        value if isinstance(value, Fraction) else as_number(value, name)
        for value, name in ((lipschitz, "lipschitz"), (ratio, "ratio")))
    if unbounded is not None and (bound == 0 or not any(operator.values)):
        return fraction(unbounded, "unbounded")
    square = norm_squared(operator)
    if not square.lo > 0 or bound <= 0:
        raise InvalidArgument("stable_step: needs K != 0 and a Lipschitz constant > 0")
    return share * 2 / (bound * (square.upper if share <= 1 else square.lower))


def _meaning(value: Any) -> Any:
    return meaning(value) if is_rounded(value) else value


def norm_bound(operator: Any) -> Any:
    """A number c with ‖K‖² <= c: the one assumed of a symbol, else the least one known."""
    if isinstance(operator, SymbolicOperator):
        return operator.bound
    return norm_squared(operator).upper


def gram(operator: Operator) -> np.ndarray:
    """KᵀK as an exact dense matrix."""
    if operator.is_known and operator.shape[0] * operator.shape[1] <= _DENSE_ENTRIES:
        exact = to_flint(operator.exact())
        return from_flint(exact.transpose() * exact)
    return (operator.T @ operator).exact()


def _from_gram(operator: Operator) -> Interval:
    a = gram(operator)
    unit = _unit(a)
    return unit * _largest_eigenvalue(a / unit)


def _unit(a: np.ndarray) -> Fraction:
    # A power of two that brings the entries into the range of floats.
    size = max(abs(entry) for entry in a.flat)
    digits = size.numerator.bit_length() - size.denominator.bit_length()
    return Fraction(2) ** digits if abs(digits) > 64 else Fraction(1)


def _largest_eigenvalue(a: np.ndarray) -> Interval:
    guess = float(scipy.linalg.eigvalsh(a.astype(float))[-1])
    for digits in (1, 10**3, 10**6):
        simple = Fraction(guess).limit_denominator(digits)
        if abs(float(simple) - guess) <= 1e-9 * guess and _is_largest(a, simple):
            return Interval(simple)
    return _enclosure(a, Fraction(guess))


def _shift(a: np.ndarray, c: Fraction) -> np.ndarray:
    return c * np.eye(len(a), dtype=int).astype(object) - a


def _is_largest(a: np.ndarray, c: Fraction) -> bool:
    return is_psd(_shift(a, c)) and determinant(_shift(a, c)) == 0


def _enclosure(a: np.ndarray, guess: Fraction) -> Interval:
    """The numbers of BITS bits beside the largest eigenvalue.

    They are found from the guess, but do not depend on it, as guesses differ between machines.
    """
    unit = Fraction(2) ** (guess.numerator.bit_length() - guess.denominator.bit_length() - BITS)
    high, step = ceil(guess / unit), 1
    low = high - 1
    while not is_psd(_shift(a, high * unit)):
        low, high, step = high, high + step, 16 * step
    while is_psd(_shift(a, low * unit)):
        low, high, step = low - step, low, 16 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_psd(_shift(a, middle * unit)) else (middle, high)
    return Interval(low * unit, high * unit)


def _bound_norm(operator: Operator) -> Interval:
    if operator.shape[1] <= FACTORED or has_tridiagonal_gram(operator):
        return Interval(*bounds_of_norm_squared(operator))
    a = operator.sparse()
    v = np.random.default_rng(0).standard_normal(operator.shape[1])
    for _ in range(50):
        v = a.T @ (a @ v)
        v /= np.abs(v).max()
    return Interval(rayleigh_quotient(operator, v), row_and_column_bound(operator))


def rational_sqrt(value: Fraction, *, up: bool) -> Fraction:
    """A rational bound of √value, above (`up`) or below, exact for squares of rationals."""
    if value < 0:
        raise InvalidArgument(f"value: must be nonnegative, got {value}")
    scale = 2**64
    root = isqrt(value.numerator * value.denominator * scale**2)
    exact = root**2 == value.numerator * value.denominator * scale**2
    return Fraction(root + (1 if up and not exact else 0), value.denominator * scale)
