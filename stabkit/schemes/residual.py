"""Residual blocks σ₂(u + W₂ σ₁(W₁ u + b₁) + b₂) and other blocks of networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from stabkit.aliases import Signal, Vector
from stabkit.arithmetic.backend import like
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.proof.words import Expression
from stabkit.schemes.scheme import Scheme, as_count, as_part


@dataclass(frozen=True, eq=False)
class ResidualBlock(Scheme):
    """A residual block (alt2021, eq. (2)).

    Parameters
    ----------
    inner, outer : Operator
        W₁ of shape (M, N) and W₂ of shape (N, M).
    activation : Flux
        σ₁.
    inner_bias, outer_bias : sequence of rational, optional
        b₁ of length M, b₂ of length N; zero if left out.
    outer_activation : Flux, optional
        σ₂; the identity if left out.
    """

    inner: Operator
    outer: Operator
    activation: Flux
    inner_bias: Vector | None = None
    outer_bias: Vector | None = None
    outer_activation: Flux | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inner", as_part(self.inner, Operator, "inner"))
        object.__setattr__(self, "outer", as_part(self.outer, Operator, "outer"))
        as_part(self.activation, Flux, "activation")
        if self.outer_activation is not None:
            as_part(self.outer_activation, Flux, "outer_activation")
        if self.outer.shape != self.inner.shape[::-1]:
            raise InvalidArgument(f"outer: must have shape {self.inner.shape[::-1]} to fit inner, "
                                  f"got {self.outer.shape}")
        for name, length in (("inner_bias", self.inner.shape[0]), ("outer_bias", self.size)):
            bias = getattr(self, name)
            if bias is None or isinstance(bias, Expression):
                continue
            bias = fractions(bias, name)
            if bias.shape != (length,):
                raise InvalidArgument(f"{name}: must have length {length}, got {bias.shape}")
            object.__setattr__(self, name, bias)

    @property
    def size(self) -> int:
        return self.inner.shape[1]

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self.inner, self.outer)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return tuple(filter(None, (self.activation, self.outer_activation)))

    @property
    def is_linear(self) -> bool:
        biased = self.inner_bias is not None or self.outer_bias is not None
        return not biased and all(flux.facts.linear for flux in self.fluxes)

    def step(self, u: Signal) -> Signal:
        s = self._shift(self.inner @ u, "inner_bias")
        out = self._shift(u + self.outer @ self.activation(s), "outer_bias")
        if self.outer_activation is not None:
            out = self.outer_activation(out)
        return named(out, "v")

    def _shift(self, s: Signal, name: str) -> Signal:
        bias = getattr(self, name)
        if bias is None:
            return s
        if isinstance(bias, Expression):
            return s + bias
        if isinstance(s, Term):
            return s + s.log.give_once((self, name), "b", lambda: bias)
        return s + like(bias, s)


@dataclass(frozen=True, eq=False)
class Linear(Scheme):
    """The linear map u ↦ M u of a square operator."""

    matrix: Operator

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", as_part(self.matrix, Operator, "matrix"))
        if self.matrix.shape[0] != self.matrix.shape[1]:
            raise InvalidArgument(f"matrix: must be square, got shape {self.matrix.shape}")

    @property
    def size(self) -> int:
        return self.matrix.shape[1]

    @property
    def operators(self) -> tuple[Operator, ...]:
        return (self.matrix,)

    @property
    def is_linear(self) -> bool:
        return True

    def step(self, u: Signal) -> Signal:
        return named(self.matrix @ u, "v")


@dataclass(frozen=True, eq=False)
class Pointwise(Scheme):
    """An activation alone, entry by entry."""

    activation: Flux
    length: int

    def __post_init__(self) -> None:
        as_part(self.activation, Flux, "activation")
        object.__setattr__(self, "length", as_count(self.length, "length"))

    @property
    def size(self) -> int:
        return self.length

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return (self.activation,)

    @property
    def is_linear(self) -> bool:
        return self.activation.facts.linear

    def step(self, u: Signal) -> Signal:
        return named(self.activation(u), "v")


@dataclass(frozen=True, eq=False)
class Function(Scheme):
    """Any function of float arrays of shape (..., N): searched in floats, so never proved.

    It gets arrays of the library that the signals belong to, each a copy.
    """

    function: Any
    length: int

    exact: ClassVar[bool] = False
    trusted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidArgument(f"function: must be callable, got {self.function!r}")
        object.__setattr__(self, "length", as_count(self.length, "length"))

    @property
    def size(self) -> int:
        return self.length

    def step(self, u: Signal) -> Signal:
        return self.function(u)
