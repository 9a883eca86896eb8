"""Hypothesis strategies for property tests: signals, stencils, operators, fluxes, step ratios.

Everything drawn is an exact rational, and shrinks toward few samples and small rationals, so that
a failing example is one to work through by hand.

Examples
--------
>>> from hypothesis import given
>>> from stabkit import EUCLIDEAN, Explicit, stable_step
>>> from stabkit.testing import fluxes, operators, ratios, signals
>>> @given(operators(), fluxes(continuous=True), ratios())
... def test_theorem_2(K, flux, ratio):
...     step = Explicit(K, flux, stable_step(K, flux.facts.lipschitz, ratio))
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np

from stabkit import fluxes as dictionary
from stabkit.fluxes import activations as networks
from stabkit.fluxes.flux import Flux
from stabkit.installation import install
from stabkit.operators import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    PERIODIC,
    REFLECTING,
    Boundary,
    Operator,
    convolution,
    difference,
    from_matrix,
)

try:
    from hypothesis import strategies as st
except ImportError as missing:
    raise ImportError("stabkit.testing needs the package hypothesis; "
                      f"install it with: {install('test')}") from missing

Strategy = st.SearchStrategy

CONTRASTS = (Fraction(1), Fraction(2), Fraction(1, 2), Fraction(3, 2), Fraction(1, 10))
NEAR = tuple(Fraction(1, 10**k) for k in (1, 2, 3, 6, 12, 24))


def rationals(largest: int = 8, denominators: int = 8) -> Strategy[Fraction]:
    """Rationals p/q with |p/q| <= `largest` and q <= `denominators`; half of them are integers."""
    whole = st.integers(-largest, largest).map(Fraction)
    broken = st.integers(1, denominators).flatmap(
        lambda q: st.integers(-largest * q, largest * q).map(lambda p: Fraction(p, q)))
    return st.one_of(whole, broken)


def signals(length: int | Strategy[int] | None = None, *, entries: Strategy | None = None
            ) -> Strategy[np.ndarray]:
    """Exact signals: object arrays of fractions.

    Parameters
    ----------
    length : int or strategy, optional
        The number of samples; 1 to 8 if left out.
    entries : strategy, optional
        The samples; :func:`rationals` if left out.
    """
    if length is None:
        length = st.integers(1, 8)
    lengths = st.just(length) if isinstance(length, int) else length
    entries = rationals() if entries is None else entries
    return lengths.flatmap(lambda n: st.lists(entries, min_size=n, max_size=n)).map(_exact)


def _exact(values: Sequence[Fraction]) -> np.ndarray:
    signal = np.empty(len(values), dtype=object)
    signal[:] = values
    return signal


def stencils(taps: int = 4) -> Strategy[list[Fraction]]:
    """Stencils of 1 to `taps` rational taps, at least one of them nonzero."""
    return st.lists(rationals(4, 4), min_size=1, max_size=taps).filter(any)


def boundaries(*, paddings: bool = False) -> Strategy[Boundary]:
    """Boundary conditions; with `paddings` only those that a convolution can have."""
    known = (PERIODIC, DIRICHLET, MIRRORED, NATURAL)
    return st.sampled_from(known if paddings else (REFLECTING, *known))


@st.composite
def differences(draw, orders: int = 3, samples: int = 6) -> Operator:
    """Difference operators with every boundary, of orders 0 to `orders`."""
    order, boundary = draw(st.integers(0, orders)), draw(boundaries())
    least = {REFLECTING: 2, NATURAL: order + 1}.get(boundary, 1)
    n = draw(st.integers(least, max(least, samples)))
    return difference(order, n, draw(st.sampled_from([Fraction(1), Fraction(1, 2)])), boundary)


@st.composite
def convolutions(draw, samples: int = 6) -> Operator:
    """Convolutions with any stencil, centre and boundary."""
    taps, boundary = draw(stencils()), draw(boundaries(paddings=True))
    least = len(taps) if boundary is NATURAL else 1
    n = draw(st.integers(least, max(least, samples)))
    return convolution(taps, n, boundary, centre=draw(st.integers(0, len(taps) - 1)))


@st.composite
def matrices(draw, rows: int = 3, columns: int = 4) -> Operator:
    """Dense operators with rational entries, at least one of them nonzero."""
    m, n = draw(st.integers(1, rows)), draw(st.integers(1, columns))
    row = st.lists(rationals(4, 3), min_size=n, max_size=n)
    return from_matrix(draw(st.lists(row, min_size=m, max_size=m).filter(
        lambda entries: any(map(any, entries)))))


def operators(samples: int = 6) -> Strategy[Operator]:
    """Operators K on up to `samples` samples with K != 0."""
    every = st.one_of(differences(samples=samples), convolutions(samples), matrices())
    return every.filter(lambda K: any(K.values))


def fluxes(*, continuous: bool = False, monotone: bool = False, exact: bool = False
           ) -> Strategy[Flux]:
    """Fluxes of the dictionary and beyond it, with rational contrast parameters.

    Parameters
    ----------
    continuous : bool
        Only Lipschitz fluxes (not :func:`stabkit.fluxes.hard`).
    monotone : bool
        Only nondecreasing fluxes.
    exact : bool
        Only fluxes that map rationals to rationals.
    """
    contrast = st.sampled_from(CONTRASTS)
    by_contrast = [st.builds(make, contrast) for make in (
        dictionary.soft, dictionary.garrote, dictionary.hard, dictionary.charbonnier,
        dictionary.perona_malik, dictionary.rational, dictionary.weickert)]
    every = st.one_of(
        st.builds(dictionary.identity), *by_contrast, st.builds(dictionary.relu),
        st.builds(dictionary.leaky_relu, st.sampled_from([Fraction(1, 100), Fraction(1, 2)])),
        st.builds(dictionary.tanh),
        st.builds(lambda q, factor: dictionary.firm(q, factor * q), contrast,
                  st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(5)])))
    return every.filter(lambda flux: (
        (flux.facts.continuous or not continuous) and (flux.facts.monotone or not monotone)
        and not (flux.transcendental and exact)))


def activations() -> Strategy[Flux]:
    """Activations of networks that are no diffusion fluxes: sigmoid, GELU, clipping, ..."""
    half = Fraction(1, 2)
    return st.one_of(
        *(st.builds(make) for make in (
            networks.sigmoid, networks.softplus, networks.gelu, networks.silu, networks.mish,
            networks.error_function, networks.hard_swish)),
        st.builds(networks.elu, st.sampled_from([Fraction(1), half, Fraction(2)])),
        st.sampled_from([(-1, 1), (0, 6), (half, 2), (None, 1), (-2, None)]).map(
            lambda ends: cast(Any, networks.clip)(*ends)))


def ratios(*, beyond: bool = False) -> Strategy[Fraction]:
    """Multiples of a bound on the step size, most of them near it.

    Parameters
    ----------
    beyond : bool
        Above 1 (just beyond the bound, up to its double) instead of in (0, 1].
    """
    if beyond:
        return st.sampled_from([Fraction(2), *(1 + gap for gap in NEAR)])
    inside = st.integers(2, 16).flatmap(lambda q: st.integers(1, q - 1).map(
        lambda p: Fraction(p, q)))
    return st.one_of(st.just(Fraction(1)), st.sampled_from([1 - gap for gap in NEAR]), inside)
