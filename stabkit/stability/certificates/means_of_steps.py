"""Steps u + τ G(u): the value of a smaller step is a mean of u and the value of a larger one."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.rational import fraction
from stabkit.errors import STOPPED
from stabkit.schemes import Scheme
from stabkit.schemes.scheme import HasStep
from stabkit.stability.certificates.stand_ins import StandIns
from stabkit.stability.certificates.written_steps import Written
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion

_BITS = 128


def smaller_steps_are_means(scheme: Scheme, opened: Scheme, notion: Notion) -> bool:
    """Whether a norm that does not grow at one step does not grow at any smaller one.

    If T_τ(u) = u + τ G(u), then T_σ = (1 − σ/τ) I + (σ/τ) T_τ for 0 < σ < τ, and a norm is convex:
    |T_σ(u)| <= |u| follows from |T_τ(u)| <= |u|, and likewise for differences.  That G does not
    hold τ is seen where the scheme runs on symbols, with its step left open.

    Parameters
    ----------
    scheme, opened : Scheme
        The scheme at one step, and with its step left open.
    notion : Notion
    """
    if notion not in (EUCLIDEAN, CONTRACTION) or not isinstance(scheme, HasStep) or \
            not isinstance(opened, HasStep):
        return False
    try:
        with precision(_BITS):
            return _is_affine(scheme, opened, fraction(scheme.tau, "tau"))
    except STOPPED:
        return False


def _is_affine(scheme: Scheme, opened: Scheme, tau: Fraction) -> bool:
    parts = StandIns(opened.size)
    letter = parts.symbols.parameter("tau")
    made = parts.put(opened, tau=Written.of_plain(letter))
    u = parts.symbols.vector("u", parts.space(opened.size))
    before, after = made.pair(Written.of_plain(u))
    grows = after - u
    return not (before - u).terms \
        and all(powers == (("tau", 1),) for _, powers in grows.terms) \
        and not any("tau" in point.letters for point in parts.points()) \
        and parts.agrees({"u": opened.size}, ((before,), (after,)), scheme.pair, tau=tau)
