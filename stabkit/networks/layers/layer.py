"""What every layer of a network answers; a new layer is one file beside this one.

A signal has the shape (channels, *sizes), or (features,) for vectors, with a batch axis in front
where it is computed with.  Weights are float arrays, taken exactly as they stand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from hashlib import sha256
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from stabkit.aliases import Array, Scalar
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, Transcript, named
from stabkit.errors import StabkitError
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers.float_errors import TINY, UP, Enclosure, U, grow, norms
from stabkit.operators.singular_values import upper_root

Shape = tuple[int, ...]
Signal = np.ndarray   # floats, or objects: fractions or intervals
Weights = np.ndarray
Bounds = Sequence[Fraction]
Change = Callable[[Weights, bool], tuple[Weights, list[str]]]


@dataclass(frozen=True, eq=False)
class Layer(ABC):
    """A map of one signal, or of several, to one."""

    #: Whether it takes several signals, such as a sum.
    joins: ClassVar[bool] = False
    #: Whether an entry of the result may depend on several ones: then its matrix has a size.
    mixes: ClassVar[bool] = False

    @property
    def is_linear(self) -> bool:
        """Whether it is linear up to a constant."""
        return True

    # -- values --------------------------------------------------------------------------------
    @abstractmethod
    def apply(self, x: Signal, *more: Signal) -> Signal:
        """The result; a shape that only splits or joins axes is left to the node."""

    def derivative(self, directions: Sequence[Signal], at: Sequence[Signal]) -> Signal:
        """The derivative at some inputs, in floats."""
        return self.without_bias().apply(*directions)

    @abstractmethod
    def adjoint(self, d: Signal, at: Sequence[Signal]) -> list[Signal]:
        """The adjoint of the derivative at some inputs, in floats: a signal for each of them."""

    def result_shape(self, shape: Shape) -> Shape:
        """The shape of what it makes of one signal."""
        return tuple(self.apply(np.zeros((1, *shape))).shape[1:])

    def matrix(self, shape: Shape) -> np.ndarray:
        """The exact matrix of a linear layer for signals of a shape, its bias left out."""
        unit = fractions(np.eye(prod(shape), dtype=int)).reshape(-1, *shape)
        return fractions(self.without_bias().apply(unit).reshape(len(unit), -1).T)

    def term(self, terms: Sequence[Term], shapes: Sequence[Shape], shape: Shape) -> Term:
        """The result written down, for flat signals of these shapes."""
        u = terms[0]
        out = u.log.give_once((self, "matrix"), "W", lambda: self.matrix(shapes[0])) @ u
        if self.constant is None:
            return out
        zero = fractions(np.zeros((1, *shapes[0]), dtype=int))
        return out + u.log.give_once((self, "bias"), "b", lambda: self.apply(zero).ravel())

    # -- bounds --------------------------------------------------------------------------------
    @property
    def square(self) -> Fraction:
        """A certified upper bound of the squared norm; of the squared slope of max pooling."""
        raise NotImplementedError(f"{type(self).__name__}: has no norm of its own")

    @cached_property
    def bound(self) -> Fraction | None:
        """A certified Lipschitz constant, or None; the norm of a linear layer."""
        return upper_root(self.square)

    @property
    def size(self) -> Fraction:
        """An upper bound of the norm of the layer with the sizes of its weights for its weights."""
        return Fraction(0)

    def joint_bound(self, bounds: Bounds, unit: Fraction) -> Fraction | None:
        """A Lipschitz constant of the result, from those of the inputs.

        It holds for all weights within a relative `unit` of those that stand there.
        """
        return None if self.bound is None else (
            self.bound + (unit and unit * self.size)) * bounds[0]

    # -- enclosures ----------------------------------------------------------------------------
    @property
    def roundings(self) -> int:
        """How many roundings an output may have seen; 0 where entries are only moved."""
        return 0

    def enclose(self, inputs: Sequence[Enclosure], unit: float) -> Enclosure:
        """The result for enclosures of the inputs, for all weights within a relative `unit`."""
        (middle, error), bound = inputs[0], self.bound
        if unit and bound is not None:
            bound += Fraction(unit) * self.size
        out, error = self.apply(middle), grow(bound, error)
        if self.roundings == 0:
            return out, error
        own = self.absolute().apply(np.abs(middle))
        return out, UP * (error + (self.roundings * U + unit * UP) * norms(own)) + TINY

    # -- parts ---------------------------------------------------------------------------------
    @property
    def constant(self) -> Weights | None:
        """The bias, if it has one."""
        return getattr(self, "bias", None)

    @property
    def moves_zero(self) -> bool:
        """Whether zero is mapped to something else, or may be."""
        return self.constant is not None and bool(np.any(np.asarray(self.constant) != 0))

    @property
    def arrays(self) -> list[Weights]:
        """Its weights, factors and biases."""
        return [part for name in ("weights", "factors", "bias")
                if (part := getattr(self, name, None)) is not None]

    def with_parts(self, **parts: Any) -> Self:
        """The layer with other parts."""
        return replace(self, **parts)

    def without_bias(self) -> Self:
        """The linear part."""
        return self if self.constant is None else self._linear_part

    @cached_property
    def _linear_part(self) -> Self:
        return self.with_parts(bias=None)

    def absolute(self) -> Layer:
        """The layer with the sizes of its weights."""
        names = [name for name in ("weights", "factors", "bias") if hasattr(self, name)]
        return self.with_parts(**{name: sizes(getattr(self, name)) for name in names})

    def map_weights(self, change: Change) -> tuple[Layer, list[str]]:
        """The layer with what `change` makes of its weights, and in words how they differ.

        It is asked for weights and for whether they are rows, and returns both.
        """
        return self, []

    @property
    def cost(self) -> int:
        """About how many products an entry of the result takes."""
        return 1

    @property
    def sides(self) -> tuple[int, int]:
        """Those of the matrices whose norms bound that of the layer."""
        return 0, 0

    def constant_beside(self, shape: Shape) -> Weights | None:
        """The bias in a form that adds to a signal of the result's shape."""
        bias = self.constant
        return None if bias is None else np.asarray(bias).reshape(-1, *[1] * (len(shape) - 1))

    # -- other layers that are the same map ----------------------------------------------------
    @property
    def transpose(self) -> Layer | None:
        """The adjoint of the linear part as a layer, if it is one."""
        return None

    @property
    def canonical(self) -> Layer:
        """The linear part in the form in which its weights are compared to those of others."""
        return self.without_bias()

    @property
    def layout(self) -> tuple[Any, ...] | None:
        """Where the weights of a canonical layer stand; None if they say not all of it."""
        return None

    @property
    def factor(self) -> Fraction | None:
        """A number that is not 0, if the linear part is nothing but that, entries in order."""
        return None

    def straight(self) -> Layer | None:
        """The layer as a linear one, if it is one."""
        return self if self.is_linear else None

    def derivative_at_zero(self) -> Layer | None:
        """The derivative at 0 as a layer, if it is known exactly."""
        return self.straight()

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What is equal for equal layers only."""
        return (type(self).__name__, *(_key(getattr(self, part.name)) for part in fields(self)))


def beside(weights: Array, x: Signal) -> np.ndarray:
    """Weights in the arithmetic of a signal."""
    return fractions(weights) if x.dtype == object else np.asarray(weights, dtype=x.dtype)


def add_bias(x: Signal, bias: Weights | None) -> Signal:
    """A signal plus one number per channel."""
    return x if bias is None else x + beside(bias, x).reshape(-1, *[1] * (x.ndim - 2))


def sizes(values: Signal | None) -> np.ndarray | None:
    """The sizes of numbers, as floats."""
    return None if values is None else np.abs(np.asarray(values, dtype=float))


def pick_entries(u: Term, order: np.ndarray) -> Term:
    """Some entries of a signal that is written down."""
    if len(order) and (np.diff(order) == 1).all():
        return u[int(order[0]):int(order[-1]) + 1]
    u = named(u, "v")
    return u.log.term("[" + ", ".join(u[int(place)].text for place in order) + "]")


def spread(d: Signal, places: np.ndarray, size: int) -> Signal:
    """The adjoint of picking the entries at some places, for flat signals of a size.

    The places are the same for all signals, or their own for each.
    """
    rows = d.reshape(-1, d.shape[-1])
    at = np.arange(len(rows))[:, None] * size + places.reshape(-1, d.shape[-1])
    return np.bincount(at.ravel(), rows.ravel(), len(rows) * size).reshape(*d.shape[:-1], size)


@lru_cache(maxsize=256)
def formula(flux: Flux) -> str:
    """Φ as it is written down, by which two fluxes are told to be one."""
    log = Transcript()
    text = flux.activation(log.term("s")).text  # which defines what it calls
    return f"{log.let} {text}"


def _pieces(flux: Flux) -> Any:
    """The formulas of a flux, piece by piece."""
    if type(flux) is not Flux:  # it may compute another
        return formula(flux)
    return tuple((piece.upto, flux.expression(piece, "activation").text) for piece in flux.pieces)


def _key(value: Scalar) -> Any:
    if isinstance(value, np.ndarray):
        content = repr(value.tolist()).encode() if value.dtype == object else value.tobytes()
        return value.dtype.str, value.shape, sha256(content).hexdigest()
    if isinstance(value, Layer):
        return value.key
    if isinstance(value, Flux):
        try:
            return value.name, repr(value.facts), repr(value.parameters), _pieces(value)
        except StabkitError:
            return id(value)
    return value
