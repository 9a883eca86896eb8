"""Activations, weights and states that several claims are decided on, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import isqrt
from typing import Any

import numpy as np

from stabkit import fluxes
from stabkit.aliases import Matrix
from stabkit.arithmetic.rational import Constant, fraction, is_psd, solve
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Facts, Flux, Piece
from stabkit.operators import PERIODIC, Operator, difference, from_matrix
from stabkit.operators.linear_map import LinearMap
from stabkit.proof.maps import Scaling
from stabkit.proof.words import Expression
from stabkit.stability.property import AllOf, Calculation, Either, FaceWithin, Property

ZERO, ONE = Fraction(0), Fraction(1)
UNIT = (ZERO, ONE)


def softsign() -> Flux:
    """σ(x) = x/(1 + |x|): smooth, increasing, bounded, and rational at rationals."""
    return Flux("softsign", [Piece(None, lambda s: s / (1 + abs(s)), lambda s: 1 / (1 + abs(s)),
                                   lambda s: 2 * (abs(s) - np.log(1 + abs(s))),
                                   lambda s: 1 / (1 + abs(s)) ** 2)],
                Facts(True, UNIT, UNIT, smooth=True))


def constant(value: Fraction) -> Flux:
    """σ(x) = c."""
    return Flux(f"constant {value}", [Piece(None, lambda s: value + 0 * s, None, None,
                                            lambda s: 0 * s)],
                Facts(False, (ZERO, ZERO), None, smooth=True))


IDENTITY, RELU, SOFTSIGN = fluxes.identity(), fluxes.relu(), softsign()
CLIP, LEAKY, CUBIC = fluxes.soft(), fluxes.leaky_relu(Fraction(1, 10)), fluxes.cubic()
RATIONAL = (IDENTITY, RELU, CLIP, LEAKY, CUBIC, SOFTSIGN)
MONOTONE = (*RATIONAL, fluxes.tanh(), fluxes.charbonnier())
SMOOTH = (IDENTITY, SOFTSIGN, CUBIC, fluxes.tanh(), fluxes.charbonnier())
LIPSCHITZ = (IDENTITY, SOFTSIGN, fluxes.tanh(), fluxes.charbonnier())


def weights(rows: Sequence[Sequence] | np.ndarray, label: str = "K") -> Operator:
    """A small weight matrix."""
    return from_matrix(rows, label=label)


SCALAR = weights([[1]])
TALL = weights([[1, -2], [0, 3], [-1, 1]])
WIDE = weights([["1/2", 1, -1], [2, 0, 1]])
ANY_K = (SCALAR, TALL, WIDE, difference(1, 4), difference(1, 4, 1, PERIODIC))
# Pairs (K₁, K₂) with states of one length.
PAIRS = ("1 | 2", "1 -2; 0 3; -1 1 | 2 1; 1 1/2", "1 1 | 1 0; 0 2", "0 | 1")


def pair(text: str) -> tuple[Operator, Operator]:
    """The weights K₁ and K₂ of a text such as ``"1 0; 0 1 | 2 1"``."""
    first, second = ([row.split() for row in part.split(";")] for part in text.split("|"))
    return weights(first, "K"), weights(second, "H")


def state(n: int, seed: int) -> list[Fraction]:
    """A random rational vector with entries p/q, |p| <= 9, q <= 3, none of them zero."""
    rng = np.random.default_rng([n, seed])
    signs = rng.choice([-1, 1], n)
    return [Fraction(int(s * p), int(q)) for s, p, q in
            zip(signs, rng.integers(1, 10, n), rng.integers(1, 4, n), strict=True)]


def number(value: Any) -> Any:
    """A number of a formula, or a symbol for it."""
    return value if isinstance(value, Expression) else Constant(fraction(value, "value"))


def signal(K: Matrix, given: Any, *, inside: bool = False) -> Any:
    """A state as it is given, or drawn for K by the seed that is given; `inside` one of K y."""
    return state(K.shape[0 if inside else 1], given) if isinstance(given, int) else given


def scale(K: Matrix, factor: Any) -> Any:
    """A multiple of 0, 1/2, 1, ..., one for each row of K, if there are several; or a symbol."""
    m = K.shape[0]
    return factor if isinstance(factor, Scaling) else \
        [factor * Fraction(i + (m == 1), 2) for i in range(m)]


def bounds(m: Any, H: Operator, K: Operator | None = None, *, above: bool = True) -> None:
    """Refuse a number m unless ‖A x‖² <= m‖x‖², or >= if not `above`, for A = H or A = H Kᵀ."""
    if isinstance(m, Expression):
        return
    A = H.exact() if K is None else H.exact() @ K.exact().T
    slack = fraction(m) * np.eye(A.shape[1], dtype=int) - A.T @ A
    if not is_psd(slack if above else -slack):
        raise InvalidArgument(f"m: {m} is no bound of the square of the norm")


def show(log: Transcript, shows: Sequence[str], by: str, *, necessary: bool = False
          ) -> Calculation:
    """The calculation of a transcript, as a property."""
    return Calculation(dict(log.given), tuple(log.let), shows, by, necessary)


def at_a_state(everywhere: Property, log: Transcript, here: Sequence[str], by: str, *,
               exact: bool = True) -> Property:
    """A statement about every state: shown for all of them, or refuted at the one in `log`.

    `here` is what it says of that state; it is shown too, unless the numbers there are balls that
    may not decide it.
    """
    whole = " and ".join(f"({condition})" for condition in here)
    also = [show(log, here, by)] if exact else []
    return Either(AllOf([everywhere, *also]), show(log, [f"not ({whole})"], by))


def rank_one_parts(K: LinearMap, name: str = "K") -> list[str]:
    """Conditions: the parts kᵢkᵢᵀ of Kᵀ diag(d) K = Σ dᵢ kᵢkᵢᵀ are positive semidefinite."""
    return [f"psd(outer({name}[{i}], {name}[{i}]))" for i in range(K.shape[0])]


def quotients_within(flux: Flux, low: Fraction) -> Property:
    """That low <= σ(x)/x <= 1 for all x ≠ 0; by the slopes where σ(x)/x itself resists."""
    if not flux.transcendental:
        return FaceWithin(flux, "diffusivity", low, ONE)
    log = Transcript()
    at_zero = flux(log.give("zero", 0)).text
    return AllOf([FaceWithin(flux, "slope", low, ONE),
                  show(log, [f"{at_zero} == 0"], "σ(x)/x is a mean of slopes")])


# -- pixels with channels ------------------------------------------------------------------------
# The first channel open, the second of either sign; the smallest first.
TWO_CHANNELS = tuple(sorted(product((1, 2, 3), (1, -1, 2, -2)),
                            key=lambda u: (u[0] ** 2 + u[1] ** 2, u)))
LOWER_TRIANGLES = (0, 1, 2)


def triangle(m: int, label: str = "K") -> Operator:
    """The 1×1 convolution (y₁, y₂) ↦ (y₁, y₂ − m y₁)."""
    return weights([[1, 0], [-m, 1]], label)


def eps_for(u: Sequence[int]) -> int:
    """The smallest ε >= 1 for which √(|u|² + ε) is an integer."""
    square = sum(x * x for x in u)
    return (isqrt(square) + 1) ** 2 - square


def before(K: Operator, u: Sequence) -> list[Fraction]:
    """The state y with K y = u."""
    return list(solve(K.exact(), u))
