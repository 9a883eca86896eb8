"""Certificates of an activation alone."""

from __future__ import annotations

from fractions import Fraction

from stabkit.arithmetic.transcript import Transcript
from stabkit.schemes import Pointwise
from stabkit.stability.certificates.flux_bounds import (
    conditions_or_none,
    show_diffusivity,
    show_slopes,
)
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.stability.verdict import Evidence, calculation


def certify_pointwise(scheme: Pointwise, notion: Notion) -> Evidence | None:
    """The certificate that an activation keeps a norm or contracts differences, or None."""
    if notion not in (EUCLIDEAN, CONTRACTION):
        return None
    log, flux = Transcript(), scheme.activation
    one = Fraction(1)
    show = show_diffusivity if notion is EUCLIDEAN else show_slopes
    shows = conditions_or_none(show(log, flux, -one, one))
    if shows is None:
        return None
    return calculation("certificate", log, shows, "phi is continuous and its difference quotients "
                       "are means of slopes" if notion is CONTRACTION else
                       "phi(x) = g(x) x, where g is a mean of slopes, and |g| <= 1")
