"""Smoothers u ← u + M⁻¹(b − A u), written once for floats and for exact rationals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Protocol

import numpy as np

from stabkit.aliases import Array, Matrix, Rational, Signal
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.multigrid.matrices import (
    InOrder,
    assemble,
    diagonal,
    diagonal_matrix,
    inverse,
    is_exact,
    number,
    triples,
)
from stabkit.operators.sparse import portable

Sweep = Callable[[Any, Any], Any]


class Smoother(Protocol):
    """A stationary method: immutable data, bound to a matrix by `on`."""

    @property
    def adjoint(self) -> Smoother:
        """The smoother whose error operator is the adjoint in the energy inner product."""

    def on(self, A: Matrix, shape: tuple[int, ...] | None = None) -> Sweep:
        """The map (u, b) ↦ u⁺ of one sweep; `shape` is the grid, where a colouring needs one."""


@dataclass(frozen=True)
class Richardson:
    """u ← u + τ(b − A u): the smoother S = ω/4 of he2019 (5.6), the same on every level."""

    step: Rational

    def __post_init__(self) -> None:
        _positive(self.step, "step")

    @property
    def adjoint(self) -> Richardson:
        return self

    def on(self, A: Matrix, shape: tuple[int, ...] | None = None) -> Sweep:
        tau, A = number(self.step, A.dtype), portable(A)
        return lambda u, b: u + tau * (b - A @ u)


@dataclass(frozen=True)
class Jacobi:
    """u ← u + ω D⁻¹(b − A u), D the diagonal of A."""

    omega: Rational = Fraction(2, 3)

    def __post_init__(self) -> None:
        _positive(self.omega, "omega")

    @property
    def adjoint(self) -> Jacobi:
        return self

    def on(self, A: Matrix, shape: tuple[int, ...] | None = None) -> Sweep:
        return correction(portable(number(self.omega, A.dtype) * inverse_diagonal(A)), A)


def correction(M_inverse: Any, A: Matrix) -> Sweep:
    """The sweep u ← u + M⁻¹(b − A u)."""
    A = portable(A)
    return lambda u, b: u + M_inverse @ (b - A @ u)


def inverse_diagonal(A: Matrix) -> Signal:
    """D⁻¹ as a matrix."""
    D = diagonal(A)
    if not (D != 0).all():
        raise InvalidArgument("A: has a zero on its diagonal; pointwise smoothers need none")
    return diagonal_matrix(1 / D)


# -- orders of the unknowns: the rank of each, equal ranks are updated together --------------------
def forward(n: int, shape: tuple[int, ...] | None) -> np.ndarray:
    """Lexicographic order."""
    return np.arange(n)


def backward(n: int, shape: tuple[int, ...] | None) -> np.ndarray:
    """Reverse lexicographic order."""
    return np.arange(n)[::-1]


def red_black(n: int, shape: tuple[int, ...] | None) -> np.ndarray:
    """Points with an even sum of indices first, each colour in lexicographic order."""
    if shape is None:
        raise InvalidArgument("order: red_black needs a grid; give the hierarchy its shape, or "
                              "use forward")
    colour = np.indices(shape).sum(axis=0).ravel() % 2
    return np.argsort(np.argsort(colour, kind="stable"))


def multicolour(n: int, shape: tuple[int, ...] | None) -> np.ndarray:
    """Points by the parities of their indices, each of the 2^d colours in lexicographic order."""
    if shape is None:
        raise InvalidArgument("order: multicolour needs a grid; give the hierarchy its shape, or "
                              "use forward")
    colour = np.zeros(shape, dtype=int)
    for index in np.indices(shape):
        colour = 2 * colour + index % 2
    return np.argsort(np.argsort(colour.ravel(), kind="stable"))


@dataclass(frozen=True)
class Lines:
    """The lines of a grid along an axis, each solved as a whole, one after another.

    Attributes
    ----------
    axis : int
    zebra : bool
        Every second line first, by the parity of the sum of its indices.
    """

    axis: int
    zebra: bool = False

    def __call__(self, n: int, shape: tuple[int, ...] | None) -> np.ndarray:
        if shape is None or not -len(shape) <= self.axis < len(shape):
            raise InvalidArgument(f"order: lines along axis {self.axis} need a grid that has it; "
                                  f"got shape {shape}")
        across = [1 if axis == self.axis % len(shape) else size for axis, size in enumerate(shape)]
        order = red_black if self.zebra else forward
        number = order(prod(across), tuple(across))
        return np.broadcast_to(number.reshape(across), shape).ravel()


def shares_ranks(ranks: np.ndarray) -> bool:
    """Whether some unknowns are updated together."""
    # The sort is quick where ranks ascend or descend.
    return bool((np.diff(np.sort(ranks, kind="stable")) == 0).any())


@dataclass(frozen=True)
class SOR:
    """Successive over-relaxation: M = D/ω + (the entries A_ij with j before i).

    Unknowns of equal rank are updated together, and D is then the blocks of A on them.

    Attributes
    ----------
    omega : rational
        1 is Gauss–Seidel.
    order : callable
        ``forward``, ``backward``, ``red_black``, ``Lines(axis)``, or (n, shape) ↦ ranks of the
        unknowns.
    reverse : bool
        Run through the order from its end.
    """

    omega: Rational = 1
    order: Callable[[int, tuple[int, ...] | None], np.ndarray] = forward
    reverse: bool = False

    def __post_init__(self) -> None:
        _positive(self.omega, "omega")

    @property
    def adjoint(self) -> SOR:
        return SOR(self.omega, self.order, not self.reverse)

    def ranks(self, n: int, shape: tuple[int, ...] | None) -> np.ndarray:
        ranks = self.order(n, shape)
        return ranks.max(initial=0) - ranks if self.reverse else ranks

    def on(self, A: Matrix, shape: tuple[int, ...] | None = None) -> Sweep:
        ranks = self.ranks(A.shape[0], shape)
        if not is_exact(A.dtype) and shares_ranks(ranks):
            return correction(InOrder(self.splitting(A, ranks), ranks), A)
        if not is_exact(A.dtype):
            # Compiled code is loaded with the first solve, not with the package.
            from stabkit.multigrid.relaxation import SparseSOR
            return SparseSOR(A, number(self.omega, A.dtype), ranks)
        return correction(inverse(self.splitting(A, ranks)), A)

    def splitting(self, A: Matrix, ranks: np.ndarray) -> Matrix:
        """M."""
        rows, columns, values = triples(A)
        kept = ranks[columns] <= ranks[rows]
        rows, columns, values = rows[kept], columns[kept], values[kept]
        values = np.where(ranks[rows] == ranks[columns], values / number(self.omega, A.dtype),
                          values)
        return assemble(A.shape, rows, columns, values)


@dataclass(frozen=True)
class Then:
    """One smoother after another."""

    first: Smoother
    second: Smoother

    @property
    def adjoint(self) -> Then:
        return Then(self.second.adjoint, self.first.adjoint)

    def on(self, A: Matrix, shape: tuple[int, ...] | None = None) -> Sweep:
        first, second = self.first.on(A, shape), self.second.on(A, shape)
        return lambda u, b: second(first(u, b), b)


def gauss_seidel(order: Callable = forward) -> SOR:
    """Gauss–Seidel in the given order."""
    return SOR(1, order)


def symmetric(smoother: Smoother) -> Then:
    """A sweep followed by its adjoint, such as symmetric Gauss–Seidel."""
    return Then(smoother, smoother.adjoint)


@dataclass(frozen=True)
class Chebyshev:
    """The polynomial in D⁻¹A that is smallest on an interval of its eigenvalues.

    Attributes
    ----------
    degree : int
        Products with A per sweep.
    fraction : rational
        The interval is [fraction · λ, λ].
    bound : rational or None
        λ; None takes Gershgorin's bound of D⁻¹A, which no eigenvalue exceeds.
    """

    degree: int = 2
    fraction: Rational = Fraction(1, 4)
    bound: Any = None

    def __post_init__(self) -> None:
        if self.degree < 1:
            raise InvalidArgument(f"degree: must be at least 1, got {self.degree}")
        if not 0 < self.fraction < 1:
            raise InvalidArgument(f"fraction: must lie between 0 and 1, got {self.fraction}")

    @property
    def adjoint(self) -> Chebyshev:
        return self

    def on(self, A: Matrix, shape: tuple[int, ...] | None = None) -> Sweep:
        D_inverse, dtype = inverse_diagonal(A), A.dtype
        top = number(gershgorin(D_inverse @ A) if self.bound is None else self.bound, dtype)
        bottom = number(self.fraction, dtype) * top
        centre, radius = (top + bottom) / 2, (top - bottom) / 2
        A, D_inverse = portable(A), portable(D_inverse)

        def sweep(u, b):
            # The three-term recursion of T_k; Saad, Iterative Methods, algorithm 12.1.
            d = (1 / centre) * (D_inverse @ (b - A @ u))
            u = u + d
            rho = radius / centre
            for _ in range(1, self.degree):
                before, rho = rho, 1 / (2 * centre / radius - rho)
                d = rho * before * d + (2 * rho / radius) * (D_inverse @ (b - A @ u))
                u = u + d
            return u

        return sweep


def gershgorin(A: Matrix) -> Signal:
    """max_i Σ_j |A_ij|, at least the spectral radius."""
    rows, _, values = triples(A)
    sums = np.zeros(A.shape[0], dtype=values.dtype)
    np.add.at(sums, rows, abs(values))
    return sums.max()


def _positive(value: Array, name: str) -> None:
    if fraction(value, name) <= 0:
        raise InvalidArgument(f"{name}: must be positive, got {value}")
