"""Certificates for residual blocks with the transposed structure W₂ = −τW₁ᵀ, biases allowed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.operators import gram
from stabkit.schemes import ResidualBlock
from stabkit.stability.certificates.flux_bounds import conditions_or_none, show_slopes
from stabkit.stability.notions import CONTRACTION, Notion
from stabkit.stability.verdict import Evidence, calculation


def transposed_factor(scheme: ResidualBlock) -> Fraction | None:
    """The τ with W₂ = −τW₁ᵀ exactly, or None."""
    first, second = scheme.inner.T.exact(), scheme.outer.exact()
    places = np.argwhere(first != 0)
    if not len(places):
        return None
    place = tuple(places[0])
    tau = -second[place] / first[place]
    return tau if (second == -tau * first).all() else None


def certify_residual(scheme: ResidualBlock, notion: Notion) -> Evidence | None:
    """The certificate that a block u − τKᵀΦ(K u + b) + c contracts differences, or None."""
    facts = scheme.activation.facts
    if notion is not CONTRACTION or scheme.outer_activation is not None or not facts.monotone:
        return None
    tau, high, n = transposed_factor(scheme), facts.slopes[1], scheme.size
    if tau is None or tau <= 0 or not is_psd(
            2 * np.eye(n, dtype=int) - tau * high * gram(scheme.inner)):
        return None
    log = Transcript()
    first = log.give_once(scheme.inner, "W1", scheme.inner.exact).text
    second = log.give_once(scheme.outer, "W2", scheme.outer.exact).text
    step = log.give("tau", tau).text
    shows = conditions_or_none([f"{second} == -{step} * {first}.T",
             *show_slopes(log, scheme.activation, Fraction(0), high),
             f"psd(2 * I({n}) - {step} * {high} * ({first}.T @ {first}))"])
    if shows is None:
        return None
    return calculation(
        "certificate", log, shows,
        "phi is continuous with slopes in [0, c], so phi(s) - phi(t) = D (s - t) with 0 <= D <= c "
        "diagonal; biases cancel in the difference of two steps, which is (I - tau W1'D W1)(u - v),"
        " whose matrix is symmetric with eigenvalues in [-1, 1]")
