"""Whether the powers of a rational matrix are bounded, exactly, by its characteristic polynomial.

They are if and only if no root lies outside the unit circle, and those on it have no Jordan block:
an irreducible factor f of power k has none if f(M) loses k deg f of the rank.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from flint import fmpq, fmpq_mat, fmpz_poly

from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import Undecided

_BITS = 512
BOUNDED, DEFECTIVE, OUTSIDE = "bounded", "a root on the unit circle with a Jordan block", \
    "a root outside the unit circle"


def state_of(m: fmpq_mat, drift: bool = False) -> str:
    """What the powers of a rational matrix are: BOUNDED, DEFECTIVE or OUTSIDE.

    With `drift`, one Jordan block of size 2 at the root 1 is left out.
    """
    for factor, power in m.charpoly().numer().factor()[1]:
        where = _where(factor)
        if where > 0:
            return OUTSIDE
        if where == 0 and power > 1:
            kept = m.nrows() - _polynomial_of_matrix(factor, m).rank()
            missing = power * factor.degree() - kept
            if missing > (1 if drift and list(factor.coeffs()) in ([-1, 1], [1, -1]) else 0):
                return DEFECTIVE
    return BOUNDED


def _where(factor: fmpz_poly) -> int:
    """1 if an irreducible polynomial has a root outside the unit circle, 0 if on it, else −1."""
    coefficients = [int(c) for c in factor.coeffs()]
    mirrored = coefficients == coefficients[::-1] or coefficients == [-c for c in
                                                                     coefficients[::-1]]
    if factor.degree() == 1:
        root = Fraction(-coefficients[0], coefficients[1])
        return (abs(root) > 1) - (abs(root) < 1)
    if mirrored:  # roots in pairs z, 1/z: all are on the circle, or one is outside
        half = _halve_degree(coefficients)
        return 0 if _real_between(half) == half.degree() else 1
    for bits in (64, 256, 1024, 4096):
        with precision(bits):
            sizes = [abs(root) for root, _ in complex_roots(factor)]
            if any(size > 1 for size in sizes):
                return 1
            if all(size < 1 for size in sizes):
                return -1
    raise Undecided("a root is too close to the unit circle")


def _halve_degree(coefficients: list[int]) -> fmpz_poly:
    """The polynomial in s = z + 1/z of a mirrored one of even degree."""
    n = (len(coefficients) - 1) // 2
    before, now = fmpz_poly([2]), fmpz_poly([0, 1])
    total = fmpz_poly([coefficients[n]])
    for k in range(1, n + 1):
        total += coefficients[n + k] * now
        before, now = now, fmpz_poly([0, 1]) * now - before
    return total


def _real_between(p: fmpz_poly) -> int:
    """How many roots of a polynomial lie in [−2, 2], counted with multiplicity."""
    count = 0
    for factor, power in p.factor()[1]:
        if factor.degree() == 1:
            inside = abs(Fraction(-int(factor[0]), int(factor[1]))) <= 2
            count += power * inside
            continue
        with precision(_BITS):
            for root, _ in complex_roots(factor):
                if root.imag.is_zero():
                    if not (abs(root.real) < 2 or abs(root.real) > 2):
                        raise Undecided("a root is too close to the real axis")
                    count += power * bool(abs(root.real) < 2)
    return count


def _polynomial_of_matrix(p: fmpz_poly, m: fmpq_mat) -> fmpq_mat:
    n = m.nrows()
    eye = fmpq_mat([[fmpq(i == j) for j in range(n)] for i in range(n)])
    return reduce(lambda total, c: total * m + eye * fmpq(int(c)), reversed(p.coeffs()),
                  fmpq_mat(n, n))
