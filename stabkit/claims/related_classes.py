"""Classes of grids, and of numbers that are described by their relation to other arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import determinant, fraction, fractions
from stabkit.classes import Class, Member, Symbol
from stabkit.proof.grids import GridShape
from stabkit.proof.maps import Eigenpair, Scaling, with_return
from stabkit.proof.symbols import Symbols
from stabkit.proof.words import expression, operator


@dataclass(frozen=True)
class AnyProductBound(Class):
    """Any m > 0 with ‖A x‖² <= m‖x‖² for every x, A a product of operators; or >= if `below`.

    The body of the claim has to see that it is so of a listed number.

    Parameters
    ----------
    product : str
        Such as ``"H@K.T"``, of the letters of arguments that come before.
    space : str
        What the product is applied to.
    below : bool
        Whether m bounds it from below: so the columns of the product are independent.
    """

    product: str
    space: str
    below: bool = False

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        made = symbols.parameter(name)
        image = f"{self.product}@x"
        sides = [f"{name}*x.T@x", f"({image}).T@({image})"]
        high, low = reversed(sides) if self.below else sides
        symbols.note("forms", symbols.free("product"), {
            "of": "x", "in": self.space, "holds": f"{high} - {low} >= 0"})
        return made

    def admits(self, value: Member) -> bool:
        return fraction(value, "value") > 0


@dataclass(frozen=True)
class AnyShape(Class):
    """Any shape of a grid, of any dimension; with `edges` one with so many at a site at most."""

    edges: Any = None

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return GridShape(symbols, symbols.parameter("edges") if self.edges is None
                         else expression(self.edges))

    def admits(self, value: Member) -> bool:
        return all(isinstance(n, int) and n >= 1 for n in value)


@dataclass(frozen=True)
class AnySpacing(Class):
    """Any spacings s > 0, one for each axis of a grid of any shape, where 1/h² = 1/s."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return GridShape(symbols, symbols.parameter("edges"))

    def admits(self, value: Member) -> bool:
        return bool(value) and all(fraction(s, "spacing") > 0 for s in value)


@dataclass(frozen=True)
class AnyScaling(Class):
    """Any numbers s >= 0, one for each entry; a listed one is a factor of some."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return Scaling(symbols)

    def admits(self, value: Member) -> bool:
        return fraction(value, "value") >= 0


@dataclass(frozen=True)
class AnyOrthogonal(Class):
    """Any square matrix Q with QᵀQ = I."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        symbols.note("operators", name, "N -> N")
        return with_return(symbols, name, "N")

    def admits(self, value: Member) -> bool:
        Q = fractions(value, "value")
        return Q.ndim == 2 and np.array_equal(Q.T @ Q, np.eye(len(Q), dtype=int))


@dataclass(frozen=True)
class AnyInvertible(Class):
    """Any invertible matrix A, as the pair of A and its inverse; a listed one is A alone."""

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        inverse = f"{name}_inverse"
        for each in (name, inverse):
            symbols.note("operators", each, "N -> N")
        forth, back = operator(name, "N", "N"), operator(inverse, "N", "N")
        return with_return(symbols, name, "N", back), with_return(symbols, inverse, "N", forth)

    def admits(self, value: Member) -> bool:
        A = fractions(value, "value")
        return A.ndim == 2 and A.shape[0] == A.shape[1] and determinant(A) != 0


@dataclass(frozen=True)
class AnyEigenpair(Class):
    """Any complex number λ = a + ib and vectors x = p + ir, y = q + is, as (a, b, p, r, q, s).

    The body says of which map (x, y) ↦ (B y, −C x) it is an eigenpair; a listed one has to be.
    """

    def symbol(self, symbols: Symbols, name: str) -> Symbol:
        return Eigenpair(symbols, *(symbols.parameter(each, "any") for each in "ab"),
                         *(symbols.vector(each) for each in "prqs"))

    def admits(self, value: Member) -> bool:
        return len(value) == 6
