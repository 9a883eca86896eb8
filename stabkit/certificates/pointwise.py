"""Certificates of an activation alone."""

from __future__ import annotations

from fractions import Fraction

from stabkit.certificates.flux_bounds import show_bounds, show_junctions
from stabkit.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.schemes import Pointwise
from stabkit.transcript import Transcript
from stabkit.verdict import Evidence, calculation


def certify_pointwise(scheme: Pointwise, notion: Notion) -> Evidence | None:
    """The certificate that an activation keeps a norm or contracts differences, or None."""
    if notion not in (EUCLIDEAN, CONTRACTION):
        return None
    log, flux = Transcript(), scheme.activation
    one = Fraction(1)
    shows = [show_bounds(log, flux, "diffusivity", -one, one)] if notion is EUCLIDEAN else [None]
    if shows[0] is None and flux.facts.continuous:
        shows = [show_bounds(log, flux, "slope", -one, one), *show_junctions(log, flux)]
        if notion is EUCLIDEAN:
            shows.append(f"{flux.activation(log.term('0')).text} == 0")
    if None in shows:
        return None
    return calculation("certificate", log, shows, "phi is continuous and its difference quotients "
                       "are means of slopes" if notion is CONTRACTION else
                       "phi(x) = g(x) x, where g is a mean of slopes, and |g| <= 1")
