"""Certificates: exact facts from which a notion of stability follows for every input."""

from __future__ import annotations

from typing import cast

from stabkit.aliases import Rational
from stabkit.errors import Undecided
from stabkit.operators.row_blocks import check_room
from stabkit.schemes import (
    Chain,
    DiffusionScheme,
    Explicit,
    ForwardEuler,
    Pointwise,
    ResidualBlock,
    Scheme,
    SymmetricLayer,
)
from stabkit.stability.certificates.diffusion import (
    certify_diffusion,
    certify_uniqueness,
    cycle_polynomial,
)
from stabkit.stability.certificates.facts import check_facts
from stabkit.stability.certificates.flux_bounds import bounding_cells, show_bounds
from stabkit.stability.certificates.linear import certify_linear, is_linear, step_matrix
from stabkit.stability.certificates.parabolic import certify_parabolic
from stabkit.stability.certificates.pointwise import certify_pointwise
from stabkit.stability.certificates.residual import certify_residual
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.stability.verdict import Evidence

__all__ = ["bounding_cells", "certified", "certify", "certify_uniqueness",
           "check_facts", "cycle_polynomial", "is_linear", "show_bounds",
           "step_matrix"]


def certify(scheme: Scheme, notion: Notion) -> tuple[Evidence, ...] | None:
    """What :func:`certified` proves, or None also where its matrices would be too large."""
    try:
        return certified(scheme, notion)
    except Undecided:
        return None


def certified(scheme: Scheme, notion: Notion) -> tuple[Evidence, ...] | None:
    """Prove that `scheme` has the property `notion` for every input.

    Returns
    -------
    tuple of Evidence or None
        One certificate, or one per distinct part of a chain; ``None`` if none was found, which
        says nothing about the truth.

    Raises
    ------
    Undecided
        If the matrices of a certificate would be too large; the message says so.
    """
    if not scheme.certifiable:
        return None
    for K in scheme.operators:
        check_room(K)
    if isinstance(scheme, Chain):
        return _chain(scheme, notion)
    made = None
    scheme = _without_layer(scheme)
    if isinstance(scheme, DiffusionScheme):
        made = certify_diffusion(scheme, notion)
    elif isinstance(scheme, Pointwise) and notion in (EUCLIDEAN, CONTRACTION):
        made = certify_pointwise(scheme, notion)
    elif isinstance(scheme, ResidualBlock):
        made = certify_residual(scheme, notion)
    elif type(scheme) is ForwardEuler:
        made = certify_parabolic(scheme, notion)
    if made is None and is_linear(scheme):
        return certify_linear(scheme, notion)
    return None if made is None else (made,)


def _without_layer(scheme: Scheme) -> Scheme:
    """An Euler step of a plain symmetric layer as the diffusion step or block that it is."""
    layer = getattr(scheme, "layer", None)
    if not (isinstance(scheme, ForwardEuler) and type(layer) is SymmetricLayer and layer.operators
            and layer.normalisation is None and layer.scale is None):
        return scheme
    (K,) = layer.operators
    if layer.bias is None:
        return Explicit(K, layer.activation, scheme.tau)
    return ResidualBlock(K, -cast(Rational, scheme.tau) * K.T, layer.activation, layer.bias)


def _chain(chain: Chain, notion: Notion) -> tuple[Evidence, ...] | None:
    if notion.composes:
        parts = [certified(part, notion) for part in dict.fromkeys(chain.schemes)]
        if all(parts):
            return tuple(evidence for part in parts for evidence in part or ())
    return certify_linear(chain, notion) if is_linear(chain) else None
