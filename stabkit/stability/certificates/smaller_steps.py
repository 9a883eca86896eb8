"""For which other steps a certificate of a diffusion scheme holds as it stands."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from stabkit.aliases import Rational
from stabkit.arithmetic.open_step import Unknown
from stabkit.errors import STOPPED
from stabkit.operators import Operator
from stabkit.schemes import Chain, DiffusionScheme, Implicit, Pointwise, Scheme, SemiImplicit
from stabkit.stability.certificates.diffusion import certify_diffusion
from stabkit.stability.certificates.means_of_steps import smaller_steps_are_means
from stabkit.stability.certificates.pointwise import certify_pointwise
from stabkit.stability.notions import Notion
from stabkit.stability.verdict import Evidence

#: The certificate holds for no other step that is known, for all smaller ones, for all.
NONE, SMALLER, ALL = 0, 1, 2


def reach(scheme: Scheme, opened: Scheme, notion: Notion) -> int:
    """For which steps the certificate of a diffusion scheme at one step holds too.

    Every condition of :mod:`stabkit.stability.certificates.diffusion` that contains the step τ has
    one of two forms: c I − τ w KᵀK is positive semidefinite, or τ w (KᵀK)ᵢᵢ <= 1, with w >= 0 a
    bound of the flux; for large K, the first may be τ w B <= c with a bound B of ‖K‖². All of them
    are monotone: c I − τ′ w KᵀK = (c I − τ w KᵀK) + (τ − τ′) w KᵀK is a sum of positive
    semidefinite matrices for 0 < τ′ <= τ, and τ′ w (KᵀK)ᵢᵢ <= τ w (KᵀK)ᵢᵢ, τ′ w B <= τ w B. The
    other conditions are on K and the flux alone; those of implicit and semi-implicit steps are all
    of this kind. So a certificate at τ holds for all smaller steps, one of such a step for all
    steps. In a chain each part has its own. Of the steps of others, those that are means have their
    reach whatever proves them; see :mod:`stabkit.stability.certificates.means_of_steps`.

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
    if isinstance(scheme, Chain) and isinstance(opened, Chain):
        if len(scheme.schemes) != len(opened.schemes):
            return NONE
        return min(reach(part, other, notion)
                   for part, other in zip(scheme.schemes, opened.schemes, strict=True))
    if isinstance(scheme, Pointwise) and isinstance(opened, Pointwise):
        return ALL if _have_one_proof(scheme, opened, notion) else NONE
    if not scheme.trusted:
        return SMALLER if smaller_steps_are_means(scheme, opened, notion) else NONE
    if not isinstance(scheme, DiffusionScheme) or not isinstance(opened, DiffusionScheme) or \
            not _agree(scheme, opened, notion):
        return NONE
    return ALL if isinstance(scheme, Implicit | SemiImplicit) or \
        not isinstance(opened.tau, Unknown) else SMALLER


def _agree(scheme: DiffusionScheme, opened: DiffusionScheme, notion: Notion) -> bool:
    """Whether nothing but τ depends on the step, and τ grows with it.

    The certificate of the flux and the operator that were made with the step left open must be
    the one at the step, word for word: a step inside a flux cannot be written down.
    """
    tau: Rational = opened.tau
    if not opened.K.is_known or not (isinstance(tau, Fraction) or tau.is_increasing()):
        return False
    K = scheme.K if _equal(scheme.K, opened.K) else opened.K
    return _have_one_proof(scheme, replace(scheme, K=K, flux=opened.flux), notion)


def _have_one_proof(scheme: Scheme, same: Scheme, notion: Notion) -> bool:
    """Whether two schemes have one certificate, word for word."""
    try:
        own, other = _certificate(scheme, notion), _certificate(same, notion)
    except STOPPED:
        return False
    return own is not None and other is not None and own.data == other.data


def _certificate(scheme: Scheme, notion: Notion) -> Evidence | None:
    return certify_diffusion(scheme, notion) if isinstance(scheme, DiffusionScheme) else \
        certify_pointwise(scheme, notion) if isinstance(scheme, Pointwise) else None


def _equal(K: Operator, other: Operator) -> bool:
    return K is other or (K.shape == other.shape and K.rows == other.rows)
