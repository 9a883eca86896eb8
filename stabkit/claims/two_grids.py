"""Two grids for A = [[2, −B], [−Bᵀ, 2]] and P = [B/2, 1]: values at f, and at c of the coarse grid.

Such is A = [−1, 2, −1] on a line of any odd length, where c holds every other point and B adds the
two neighbours; then A_H = PᵀAP is A on c up to a factor.
"""

from __future__ import annotations

from typing import Any

from stabkit.aliases import Matrix
from stabkit.arithmetic.rational import Constant
from stabkit.operators import from_matrix
from stabkit.stability.notions import inner
from stabkit.stability.property import Identity

#: From the values at 3 points to the sums of neighbours at the 4 points between and beside them.
NEIGHBOURS = (from_matrix([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]]),)
HALF = Constant(1, 2)


def apply_operator(B: Matrix, f: Any, c: Any) -> tuple[Any, Any]:
    """A(f, c)."""
    return 2 * f - B @ c, 2 * c - B.T @ f


def product(B: Matrix, one: tuple[Any, Any], other: tuple[Any, Any]) -> Any:
    """The inner product of the energy, one·A other."""
    return sum(inner(a, b) for a, b in zip(one, apply_operator(B, *other), strict=True))


def coarse(B: Matrix, c: Any) -> Any:
    """A_H c with A_H = PᵀAP = 2 − BᵀB/2."""
    return 2 * c - HALF * (B.T @ (B @ c))


def restrict(B: Matrix, f: Any, c: Any) -> Any:
    """Pᵀ(f, c)."""
    return HALF * (B.T @ f) + c


def sweep_error(B: Matrix, f: Any, c: Any, sweep: Any) -> tuple[Any, Any]:
    """A sweep, e ↦ e − sweep · Ae."""
    a, b = apply_operator(B, f, c)
    return f - sweep * a, c - sweep * b


def correct_error(B: Matrix, f: Any, c: Any, q: Any) -> tuple[Any, Any]:
    """The error (f, c) after a correction that leaves q of the coarse error, which is c."""
    return f - HALF * (B @ (c - q)), q


def coarse_equation(B: Matrix, f: Any, c: Any) -> Identity:
    """A_H c = PᵀA(f, c): the exact coarse solution is the error at c."""
    return Identity(lambda f, c: coarse(B, c), lambda f, c: restrict(B, *apply_operator(B, f, c)),
                    dict(f=f, c=c), "the exact coarse solution is the error at c")
