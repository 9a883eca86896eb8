"""The complex roots of a polynomial, enclosed."""

from __future__ import annotations

from flint import acb, fmpq_poly, fmpz_poly


def complex_roots(polynomial: fmpz_poly | fmpq_poly) -> list[tuple[acb, int]]:
    """Balls that hold one root each, with its multiplicity, in the working precision."""
    roots: list = polynomial.complex_roots()  # the stubs of FLINT know of no multiplicities
    return roots
