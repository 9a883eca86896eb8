"""Difference operators and their boundaries (Section 2.1)."""

from __future__ import annotations

from fractions import Fraction

from stabkit import fluxes
from stabkit.claim import claim
from stabkit.notions import EUCLIDEAN
from stabkit.operators import MIRRORED, NATURAL, REFLECTING, convolution, difference, gram
from stabkit.property import AllOf, Calculation, Identity, Not
from stabkit.schemes import Explicit
from stabkit.verdict import REFUTED


@claim("derived (Section 2.1, 𝒟 = ∂ₓᵐ)", notion="bound", weight="minor",
       within=dict(order=(1, 2, 3, 4, 5, 6), n=(2, 3, 4, 6, 8, 12), boundary=(REFLECTING, NATURAL),
                   h=("1", "1/2")))
def norm_of_higher_differences(order, n, boundary, h):
    """‖K‖ <= 2ᵐ/hᵐ for (a) the alternating product of m factors K1, K1ᵀ (reflecting), where
    ‖K‖ = (2 cos(π/2N)/h)ᵐ, and (b) the (N − m)×N matrix of interior m-th differences."""
    if boundary is NATURAL and n <= order:
        n = order + 1
    K = difference(order, n, h, boundary)
    shows = [f"psd({Fraction(4) ** order / Fraction(h) ** (2 * order)} * I({n}) - A)"]
    by = "4ᵐ/h²ᵐ I − KᵀK is positive semidefinite"
    return Calculation(dict(K=K.exact()), [("A", "K.T @ K")], shows, by)
