"""Claims of one's own: ``stabkit verify --claims examples/my_claims.py``.

The first has a wrong constant, the second is true but so close to its bound that rounding would
refute it, the third is a scheme of one's own.
"""

from fractions import Fraction

from stabkit import (
    EUCLIDEAN,
    RANGE,
    Explicit,
    Linear,
    Stable,
    claim,
    difference,
    fluxes,
    from_matrix,
    stable_step,
)

FLUXES = (fluxes.soft(), fluxes.perona_malik(), fluxes.rational())


@claim("Theorem 2 with 2.002 instead of 2", notion="euclidean", expect="refuted",
       within=dict(n=(2, 3, 4), flux=FLUXES))
def wrong_constant(n, flux):
    """|u+| <= |u| for tau <= 2.002 / (L |K|^2)."""
    K = difference(1, n)
    return Stable(Explicit(K, flux, stable_step(K, ratio=Fraction(1001, 1000))), EUCLIDEAN)


@claim("an isometry", notion="euclidean", expect="proved",
       within=dict(a=("3/5", "20/29", "119/169"), b=("4/5", "21/29", "120/169")))
def rotations_keep_the_norm(a, b):
    """|M u| <= |u| for M = [a -b; b a] wherever a^2 + b^2 <= 1; in floating point half of all
    signals seem to grow."""
    a, b = Fraction(a), Fraction(b)
    scale = max(1, a * a + b * b)  # keeps the mixed pairs inside the hypothesis
    return Stable(Linear(from_matrix([[a / scale, -b / scale], [b / scale, a / scale]])), EUCLIDEAN)


@claim("a scheme of one's own", notion="range", within=dict(n=(3, 5, 8)),
       beyond=dict(), expect="proved")
def quarter_steps_keep_the_range(n):
    """min u <= u+ <= max u for the soft flux and tau = 1/4."""
    return Stable(Explicit(difference(1, n), fluxes.soft(), "1/4"), RANGE)
