"""Certificates for layers y ↦ y − δKᵀσ(s ⊙ N_tv(K y)), the parabolic ones with a normalisation."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import fraction, fractions
from stabkit.operators.singular_values import upper_root
from stabkit.schemes import Explicit, ForwardEuler, SymmetricLayer, TotalVariation
from stabkit.stability.certificates.sketch import Sketch
from stabkit.stability.notions import EUCLIDEAN, Notion
from stabkit.stability.verdict import Evidence

ZERO = Fraction(0)


def certify_parabolic(scheme: ForwardEuler, notion: Notion) -> Evidence | None:
    """The certificate that such a layer lets no norm grow, or None.

    N_tv divides every pixel by a length of at least √ε, which leaves the signs of its entries.
    """
    layer, variation = scheme.layer, getattr(scheme.layer, "normalisation", None)
    if notion is not EUCLIDEAN or type(layer) is not SymmetricLayer or not layer.operators or \
            type(variation) is not TotalVariation or layer.bias is not None or \
            not isinstance(layer.scale, np.ndarray | None):
        return None
    K, eps, high = layer.operators[0], fraction(variation.eps), \
        layer.activation.facts.sup_diffusivity
    if high is None:
        return None
    scale = fractions(np.ones(K.shape[0], dtype=int) if layer.scale is None else layer.scale)
    high, top = max(high, ZERO), max(scale)
    root = upper_root(1 / eps)
    sketch = Sketch(Explicit(K, layer.activation, scheme.tau))
    names = [sketch.transcript.give(name, value).text for name, value in
             (("eps", eps), ("r", root), ("s", scale), ("m", top))]
    sketch.diffusivity_between(ZERO, high)
    sketch.show(f"{names[1]} > 0")
    sketch.show(f"{names[1]}**2 * {names[0]} >= 1")
    sketch.show(f"nonneg({names[2]})", bool((scale >= 0).all()))
    sketch.show(f"nonneg({names[3]} * ones({len(scale)}) - {names[2]})")
    sketch.show(f"{high} * {names[3]} * {names[1]} == {high * top * root}")
    sketch.gram_at_most(2, high * top * root)
    return sketch.finish(
        "with y = K u, f = phi(s N(y)) has the entries f_i = g s_i y_i/l_i, where 0 <= g <= c and "
        "l_i >= sqrt(eps) >= 1/r is the length that N divides by; so u+ = (I - tau K'DK) u with "
        "0 <= D <= c m r diagonal: a symmetric matrix with eigenvalues in [-1, 1]")

