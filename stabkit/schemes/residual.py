"""Residual blocks σ₂(u + W₂ σ₁(W₁ u + b₁) + b₂) and other blocks of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stabkit.backend import is_foreign, like
from stabkit.errors import InvalidArgument
from stabkit.flux import Flux
from stabkit.operators import Operator
from stabkit.rational import fractions
from stabkit.schemes.scheme import Scheme
from stabkit.transcript import Term, named


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
    inner_bias: Sequence[Any] | None = None
    outer_bias: Sequence[Any] | None = None
    outer_activation: Flux | None = None

    def __post_init__(self) -> None:
        if self.outer.shape != self.inner.shape[::-1]:
            raise InvalidArgument(f"outer: must have shape {self.inner.shape[::-1]} to fit inner, "
                                  f"got {self.outer.shape}")
        for name, length in (("inner_bias", self.inner.shape[0]), ("outer_bias", self.size)):
            bias = getattr(self, name)
            if bias is None:
                continue
            bias = fractions(bias, name)
            if bias.shape != (length,):
                raise InvalidArgument(f"{name}: must have length {length}, got {bias.shape}")
            object.__setattr__(self, name, bias)

    @property
    def size(self) -> int:
        return self.inner.shape[1]

    def step(self, u: Any) -> Any:
        s = self._shift(self.inner @ u, "inner_bias")
        out = self._shift(u + self.outer @ self.activation(s), "outer_bias")
        if self.outer_activation is not None:
            out = self.outer_activation(out)
        return named(out, "v")

    def _shift(self, s: Any, name: str) -> Any:
        bias = getattr(self, name)
        if bias is None:
            return s
        if isinstance(s, Term):
            return s + s.log.give_once((self, name), "b", lambda: bias)
        return s + like(bias, s)


@dataclass(frozen=True, eq=False)
class Linear(Scheme):
    """The linear map u ↦ M u of a square operator."""

    matrix: Operator

    def __post_init__(self) -> None:
        if self.matrix.shape[0] != self.matrix.shape[1]:
            raise InvalidArgument(f"matrix: must be square, got shape {self.matrix.shape}")

    @property
    def size(self) -> int:
        return self.matrix.shape[1]

    def step(self, u: Any) -> Any:
        return named(self.matrix @ u, "v")


@dataclass(frozen=True, eq=False)
class Pointwise(Scheme):
    """An activation alone, entry by entry."""

    activation: Flux
    length: int

    @property
    def size(self) -> int:
        return self.length

    def step(self, u: Any) -> Any:
        return named(self.activation(u), "v")


@dataclass(frozen=True, eq=False)
class Function(Scheme):
    """Any function of float arrays of shape (..., N): searched in floats, so never proved.

    It is given arrays of the library that the signals belong to.
    """

    function: Any
    length: int

    @property
    def size(self) -> int:
        return self.length

    def step(self, u: Any) -> Any:
        image = self.function(u)
        return image if is_foreign(image) else np.asarray(image)
