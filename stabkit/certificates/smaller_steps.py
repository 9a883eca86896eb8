"""For which other steps a certificate of a diffusion scheme holds as it stands."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from stabkit.certificates.diffusion import certify_diffusion
from stabkit.notions import Notion
from stabkit.schemes import Chain, DiffusionScheme, Implicit, Pointwise, Scheme
from stabkit.unknown import Unknown

#: The certificate holds for no other step that is known, for all smaller ones, for all.
NONE, SMALLER, ALL = 0, 1, 2


def reach(scheme: Scheme, opened: Scheme, notion: Notion) -> int:
    """For which steps the certificate of a diffusion scheme at one step holds too.

    Every condition of :mod:`stabkit.certificates.diffusion` that contains the step τ has one of
    two forms: c I − τ w KᵀK is positive semidefinite, or τ w (KᵀK)ᵢᵢ <= 1, with w >= 0 a bound
    of the flux.  Both are monotone: c I − τ′ w KᵀK = (c I − τ w KᵀK) + (τ − τ′) w KᵀK is a sum of
    positive semidefinite matrices for 0 < τ′ <= τ, and τ′ w (KᵀK)ᵢᵢ <= τ w (KᵀK)ᵢᵢ.  The other
    conditions are on K and the flux alone; those of an implicit step are all of this kind.  So a
    certificate at τ holds for all smaller steps, that of an implicit step for all steps.  In a
    chain each part has its own.

    Parameters
    ----------
    scheme, opened : Scheme
        The scheme at one step, and with its step left open.
    notion : Notion

    Returns
    -------
    int
        ``NONE``, ``SMALLER`` or ``ALL``; ``NONE`` also where there is no such certificate.
    """
    if type(scheme) is not type(opened):
        return NONE
    if isinstance(scheme, Chain):
        if len(scheme.schemes) != len(opened.schemes):
            return NONE
        return min(reach(part, other, notion)
                   for part, other in zip(scheme.schemes, opened.schemes, strict=True))
    if isinstance(scheme, Pointwise):
        return ALL  # no step is in it, and every step's certificate contains its own
    if not isinstance(opened, DiffusionScheme) or not _is_monotone(opened.tau) or \
            not opened.K.is_known or certify_diffusion(scheme, notion) is None:
        return NONE
    return ALL if isinstance(scheme, Implicit) or not isinstance(opened.tau, Unknown) else SMALLER


def _is_monotone(tau: Any) -> bool:
    return isinstance(tau, Fraction) or tau.is_increasing()
