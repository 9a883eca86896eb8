"""Symmetric layers F(y) = −Kᵀσ(s ⊙ N(K y) + b), and the parabolic network built from them.

A network whose weights change from layer to layer is a :class:`~stabkit.schemes.Chain` of steps
with different layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, cast

import numpy as np

from stabkit.aliases import Number, Signal
from stabkit.arithmetic.backend import is_foreign, like, namespace
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.linearised import Linearised, root
from stabkit.arithmetic.rational import Constant, fraction, fractions
from stabkit.arithmetic.transcript import Term, named
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.operators import LinearMap, Operator
from stabkit.proof.grids import EdgeValues
from stabkit.proof.maps import Scaling
from stabkit.proof.words import Expression
from stabkit.schemes.scheme import Scheme, as_part, as_signal, as_step


class LayerNormalisation(ABC):
    """A map N of signals u = K y; `lengths` are what its derivative needs again."""

    @abstractmethod
    def lengths(self, u: Signal, size: int) -> Any:
        """What N and its derivative both need; `size` is the length of u."""

    @abstractmethod
    def apply(self, u: Signal, r: Signal, size: int) -> Signal:
        """N(u), with the lengths r of u."""

    @abstractmethod
    def jacobian(self, u: Signal, r: Signal, size: int) -> Signal:
        """The matrix N′(u)."""


@dataclass(frozen=True, eq=False)
class TotalVariation(LayerNormalisation):
    """The normalisation N_tv(u)_p = u_p/√(|u_p|² + ε) (ruthotto2018, eq. (9)).

    u_p is the vector of the channels of pixel p; u holds one channel after the other.

    Parameters
    ----------
    eps : rational
        ε > 0.
    channels : int
    """

    eps: Any
    channels: int = 1

    def __post_init__(self) -> None:
        eps = Constant(fraction(self.eps, "eps"))
        if eps <= 0 or self.channels < 1:
            raise InvalidArgument(f"eps, channels: need eps > 0 and channels >= 1, got {self.eps} "
                                  f"and {self.channels}")
        object.__setattr__(self, "eps", eps)

    def lengths(self, u: Signal, size: int) -> Any:
        """√(|u_p|² + ε) per pixel; `size` is the length of u."""
        if isinstance(u, Term) and size == self.channels:
            total = u.call("norm2")
        else:
            total = _add([part * part for part in self._parts(u, size)])
        if isinstance(u, Term):
            eps = u.log.give_once(("eps", self.eps), "eps", lambda: self.eps)
            return named(np.sqrt(total + eps), "r")
        return entrywise_root(total + (Fraction(self.eps) if u.dtype == object else
                                       float(self.eps)))

    def apply(self, u: Signal, r: Signal, size: int) -> Signal:
        """N_tv(u), with the lengths r of u."""
        return u / self._spread(r, size)

    def jacobian(self, u: Signal, r: Signal, size: int) -> Signal:
        """The matrix N_tv′(u) = diag(1/r) − diag(u/r³) M diag(u), M coupling a pixel's channels."""
        r = self._spread(r, size)
        pixels = size // self.channels
        if isinstance(u, Term) and pixels == 1:
            return named((unit_matrix(size, u) - u.call("outer", u) / r**2) / r, "N")
        if isinstance(u, Term):
            coupling = Term(u.log, f"kron(outer(ones({self.channels}), ones({self.channels})), "
                                   f"I({pixels}))")
        else:
            ones = np.ones((self.channels, self.channels), dtype=int)
            coupling = like(np.kron(ones, np.eye(pixels, dtype=int)), u)
        coupled = _diagonal(u / r**3) @ coupling @ _diagonal(u)
        return named(_diagonal(1 / r) - coupled, "N")

    def _parts(self, u: Signal, size: int) -> list[Signal]:
        pixels, rest = divmod(size, self.channels)
        if rest:
            raise InvalidArgument(f"channels: {self.channels} channels do not divide a signal of "
                                  f"length {size}")
        starts = range(0, size, pixels)
        return [u[i:i + pixels] if isinstance(u, Term) else u[..., i:i + pixels] for i in starts]

    def _spread(self, r: Signal, size: int) -> Signal:
        # One length per entry of u.  In a transcript a single pixel's length stays one number.
        if isinstance(r, Term):
            return r if size == self.channels else r.call("concat", *[r] * (self.channels - 1))
        return namespace(r).concat([r] * self.channels, axis=-1)


@dataclass(frozen=True, eq=False)
class SymmetricLayer:
    """The symmetric layer F(y) = −Kᵀσ(s ⊙ N(K y) + b) (ruthotto2018, eq. (7)).

    Parameters
    ----------
    K : Operator or another LinearMap
    activation : Flux
        σ.
    normalisation : TotalVariation or another LayerNormalisation, optional
        N; the identity if left out.
    scale, bias : sequence of rational, optional
        s and b; ones and zeros if left out.
    """

    K: LinearMap
    activation: Flux
    normalisation: LayerNormalisation | None = None
    scale: Sequence[Signal] | None = None
    bias: Sequence[Signal] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.K, LinearMap):
            object.__setattr__(self, "K", as_part(self.K, Operator, "K"))
        as_part(self.activation, Flux, "activation")
        if self.normalisation is not None:
            as_part(self.normalisation, LayerNormalisation, "normalisation")
        for name in ("scale", "bias"):
            given = getattr(self, name)
            if given is None or isinstance(given, Expression | Scaling):
                continue
            given = fractions(given, name)
            if given.shape != (self.K.shape[0],):
                raise InvalidArgument(f"{name}: must have length {self.K.shape[0]}, got shape "
                                      f"{given.shape}")
            object.__setattr__(self, name, given)

    @property
    def size(self) -> int:
        """The length of y."""
        return self.K.shape[1]

    @property
    def operators(self) -> tuple[Operator, ...]:
        """K, unless it is a map without a matrix."""
        matrix_free = isinstance(self.K, LinearMap) and not isinstance(self.K, Operator)
        return () if matrix_free else (cast(Operator, self.K),)

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        """Its activation."""
        return (self.activation,)

    def __call__(self, y: Signal) -> Signal:
        y = y if isinstance(y, (Term, Expression, Linearised)) else as_signal(y, self.size, "y")
        return -(self.K.T @ self.activation(self.preactivation(y)))

    def preactivation(self, y: Signal) -> Signal:
        """s ⊙ N(K y) + b, what the activation is applied to."""
        return self._stages(y)[2]

    def jacobian(self, y: Signal) -> Signal:
        """The matrix −Kᵀ diag(σ′ s) N′(K y) K of one state y, where it exists."""
        if isinstance(y, Expression):
            if self.normalisation is not None:
                raise InvalidArgument("jacobian: of symbols without normalisation only")
            return -(self.K.T @ self.activation.slope(self.preactivation(y)).diagonal @ self.K)
        y = y if isinstance(y, Term) else as_signal(y, self.size, "y")
        u, lengths, z = self._stages(y)
        slopes = self.activation.slope(z)
        if self.scale is not None:
            slopes = slopes * self._vector("scale", "s", slopes)
        inner = _diagonal(slopes)
        if self.normalisation is not None:
            inner = inner @ self.normalisation.jacobian(u, lengths, self.K.shape[0])
        if isinstance(y, Term):
            K = y.log.give_once(self.K, cast(Operator, self.K).label, self.K.exact)
            return named(-(Term(y.log, f"{K.text}.T") @ inner @ K), "J")
        K = like(self.K.exact(), y)
        return -(K.T @ inner @ K)

    def _stages(self, y: Signal) -> tuple[Signal, Signal, Signal]:
        """K y, the lengths of its pixels if they are used, and s ⊙ N(K y) + b."""
        z = u = self.K @ y
        lengths = None
        if self.normalisation is not None:
            u, size = named(u, "u"), self.K.shape[0]
            lengths = self.normalisation.lengths(u, size)
            z = self.normalisation.apply(u, lengths, size)
        if self.scale is not None:
            z = self._vector("scale", "s", z) * z
        if self.bias is not None:
            z = z + self._vector("bias", "b", z)
        return u, lengths, z

    def _vector(self, field: str, name: str, beside: Signal) -> Signal:
        values = getattr(self, field)
        if isinstance(values, Expression | Scaling):
            return values
        if isinstance(beside, Term):
            return beside.log.give_once((self, field), name, lambda: values)
        return like(values, beside)


def as_layer(value: Any, name: str) -> Signal:
    """Check a layer F, which maps states of one size and names its parts, and return it."""
    if not callable(value) or not all(hasattr(value, part) for part in (
            "size", "operators", "fluxes")):
        shown = " ".join(f"{value!r:.80}".split())
        raise InvalidArgument(f"{name}: must be a layer such as SymmetricLayer, got {shown}")
    return value


@dataclass(frozen=True, eq=False)
class ForwardEuler(Scheme):
    """One layer of the parabolic network: Y⁺ = Y + δF(Y) (ruthotto2018, eq. (8))."""

    layer: SymmetricLayer
    tau: Number

    def __post_init__(self) -> None:
        as_layer(self.layer, "layer")
        object.__setattr__(self, "tau", as_step(self.tau, "tau"))

    @property
    def size(self) -> int:
        return self.layer.size

    @property
    def operators(self) -> tuple[Operator, ...]:
        return self.layer.operators

    @property
    def fluxes(self) -> tuple[Flux, ...]:
        return self.layer.fluxes

    def step(self, u: Signal) -> Signal:
        return named(u + step_size(self, u) * self.layer(u), "Y")

    def jacobian(self, u: Signal) -> Signal:
        """I + δF′(u)."""
        return named(unit_matrix(self.size, u) + step_size(self, u) * self.layer.jacobian(u), "S")


def step_size(scheme: Any, beside: Signal) -> Signal:
    """The step size δ in the arithmetic of `beside`."""
    if isinstance(beside, Term):
        return beside.log.give_once(("delta", scheme.tau), "delta", lambda: scheme.tau)
    return scheme.tau


def _add(parts: Sequence[Signal]) -> Signal:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def entrywise_root(values: Any) -> Signal:
    """√ of every entry: exact where it is rational, else an enclosure; floats stay floats."""
    if isinstance(values, EdgeValues):
        return values.root()
    if isinstance(values, Linearised):
        return root(values, entrywise_root(values.value))
    if values.dtype != object:
        return namespace(values).sqrt(values)
    roots = np.empty(values.shape, dtype=object)
    for index, value in np.ndenumerate(values):
        roots[index] = value.sqrt() if isinstance(value, Interval) else _exact_root(value)
    return roots


def _exact_root(value: Fraction) -> Fraction | Interval:
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return root if root**2 == value else Interval(value).sqrt()


def unit_matrix(n: int, beside: Signal) -> Signal:
    """The identity matrix in the arithmetic of `beside`."""
    if isinstance(beside, Term):
        return Term(beside.log, f"I({n})")
    return like(np.eye(n, dtype=int), beside)


def _diagonal(values: Any) -> Signal:
    if isinstance(values, Term):
        return values.call("diag")
    if not is_foreign(values):
        return np.diag(values)
    xp = namespace(values)
    return xp.eye(values.shape[0], dtype=values.dtype) * values
