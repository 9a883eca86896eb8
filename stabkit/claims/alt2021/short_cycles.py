"""Short cycles and truncated fixed points with the flux evaluated anew (Sections 2.6 and 2.7).

For monotone Φ with Lipschitz constant L the right side KᵀΦ(K u) is the gradient of a convex
function F, and with L‖K‖² = 1 any two visits u, v with gradients g, h satisfy F(u) − F(v) −
h·(u − v) >= |g − h|²/2.  A sum of such inequalities, with multipliers >= 0 in which the values of F
cancel, and a positive semidefinite form make up ‖u⁰‖² − ‖uⁿ‖²: one calculation for every K, Φ and
every step up to the one it was made for, as an L that is too large is a Lipschitz constant as well.
The multipliers were found by semidefinite programming and rounded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from stabkit import fluxes
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE, REFLECTING_FIRST
from stabkit.classes import AnyFlux, AnyOperator, UpTo
from stabkit.fluxes import activations
from stabkit.operators import difference, from_matrix, stable_step
from stabkit.schemes import FSI, FixedPoint, Scheme
from stabkit.stability.notions import EUCLIDEAN, RANGE, Energy, energy, squared_norm
from stabkit.stability.property import AllOf, AtMost, Calculation, Stable
from stabkit.stability.verdict import REFUTED

ONE_SAMPLE = from_matrix([[1]])
#: Odd monotone fluxes with L = 1, and one that is not odd: it is 0 below 0 and 3/7 beyond 3/7.
ODD = (fluxes.identity(), fluxes.soft(), fluxes.soft("1/3"))
ONE_SIDED = activations.clip(0, "3/7")

#: Between visits i and j; number n is the signal 0, and beyond it stand the mirrored visits.
MULTIPLIERS: dict[tuple[str, int], dict[tuple[int, int], str]] = {
    ("cycle", 1): {(0, 1): "8/3", (1, 0): "8/3"},
    ("cycle", 2): {(0, 1): "17/10", (0, 2): "3/2", (1, 2): "13/2", (2, 0): "16/5", (2, 1): "24/5"},
    ("cycle, odd", 3): {
        (0, 1): "1", (0, 6): "27/28", (1, 2): "227/56", (1, 4): "3/8", (2, 0): "1/4",
        (2, 4): "75/56", (2, 5): "24/7", (2, 6): "53/28"},
    ("cycle, odd", 4): {
        (0, 1): "247/144", (0, 3): "5/16", (1, 2): "11/4", (1, 5): "175/144", (1, 6): "5/16",
        (1, 8): "23/16", (2, 3): "169/36", (2, 6): "5/2", (3, 0): "1/4", (3, 5): "9/16",
        (3, 6): "19/16", (3, 7): "40/9", (3, 8): "241/144"},
    ("fixed point", 3): {
        (0, 1): "2", (1, 0): "5/4", (1, 2): "1/2", (1, 3): "1/4", (2, 0): "3/4", (2, 3): "9/4",
        (3, 2): "5/2"},
}
#: τL‖K‖² of the steps that are to be stable.
CYCLE_STEP = Fraction(2)
BY = ("vectors are written in u0 and the gradients at the visits, L|K|^2 = 1; with A and B picking "
      "the visits of each inequality, X and G their signals and gradients, and V adding up the "
      "multipliers of each value of F, |u0|^2 - |un|^2 is the sum of lam times the inequalities, "
      "in which F cancels, and of S; an even F has mirrored visits with the same values")


def _sum_of_inequalities(kind: str, n: int, step: Fraction) -> Calculation:
    """That ‖uⁿ‖ <= ‖u⁰‖ for every K and Φ and every step up to this one."""
    multipliers = MULTIPLIERS[kind, n]
    points = 2 * n + 1 if kind.endswith("odd") else n + 1
    first, second = (np.eye(points, dtype=int)[list(side)] for side in
                     zip(*multipliers, strict=True))
    values = np.eye(n, points, dtype=int) + np.eye(n, points, n + 1, dtype=int)
    let = [("E", f"I({n + 1})"), ("u0", "E[0]")]
    for k in range(n):
        alpha = Fraction(4 * k + 2, 2 * k + 3)
        move = f"u0 - T*E[{k + 1}]" if kind == "fixed point" else \
            f"{alpha}*(u{k} - T*E[{k + 1}]) + (1 - {alpha})*u{max(k - 1, 0)}"
        let.append((f"u{k + 1}", move))
    zero = [f"zeros({n + 1})"]
    visits, slopes = [f"u{k}" for k in range(n)], [f"E[{k + 1}]" for k in range(n)]
    for name, ahead in (("X", visits), ("G", slopes)):
        mirrored = [f"-{part}" for part in ahead] if points > n + 1 else []
        let.append((name, f"[{', '.join(ahead + zero + mirrored)}]"))
    let += [("D", "A - B"), ("M", "diag(lam)"), ("C", "(B @ G).T @ M @ D @ X"),
            ("S", f"outer(u0, u0) - outer(u{n}, u{n}) + (C + C.T + (D @ G).T @ M @ D @ G)/2")]
    return Calculation(
        dict(T=step, lam=list(multipliers.values()), A=first, B=second, V=values), let,
        ["nonneg(lam)", "V @ (D.T @ lam) == 0", "psd(S)"], BY)


def _one_sample(scheme: Scheme) -> AtMost:
    return AtMost(lambda u: squared_norm(scheme(u)), squared_norm, dict(u=[1]),
                  "one sample, K = 1, u = 1")


def _short(n: int, *, odd: bool) -> AllOf:
    """‖uⁿ‖ <= ‖u⁰‖ for every K and monotone Φ, by a sum of inequalities; and examples."""
    kind = "cycle, odd" if odd and n > 2 else "cycle"
    parts: list[Any] = [_one_sample(FSI(ONE_SAMPLE, flux, CYCLE_STEP, n))
                        for flux in (*ODD, *(() if odd else (ONE_SIDED,)))]
    known = (kind, n) in MULTIPLIERS
    parts.append(_sum_of_inequalities(kind, n, CYCLE_STEP) if known else
                 Stable(FSI(ONE_SAMPLE, ONE_SIDED, CYCLE_STEP, n), EUCLIDEAN))
    return AllOf(parts)


@claim("derived (a repair of the nonlinear cycle)", notion="euclidean",
       within=dict(length=(1, 2, 3, 4)))
def fsi_cycle_is_euclidean_stable_nonlinear_short(length):
    """For monotone odd Φ with Lipschitz constant L, every K, 0 < τ <= 2/(L‖K‖²) and cycles of
    length n <= 4, Φ evaluated anew in every inner step: ‖uⁿ‖ <= ‖u⁰‖."""
    return _short(length, odd=True)


@claim("derived (a repair of the nonlinear cycle)", notion="euclidean", expect=REFUTED,
       within=dict(length=(1, 2, 3)))
def fsi_cycle_is_euclidean_stable_nonlinear_short_without_symmetry(length):
    """The same for monotone Φ with Φ(0) = 0, odd or not, and n <= 3."""
    return _short(length, odd=False)


@claim("derived (a repair of the nonlinear cycle)", notion="euclidean",
       within=dict(length=(1, 2)))
def fsi_cycle_is_euclidean_stable_nonlinear_two_steps(length):
    """The same for monotone Φ with Φ(0) = 0, odd or not, and n <= 2."""
    return _short(length, odd=False)


@claim("derived (Section 2.6, an acceleration of the gradient flow (1))", notion="energy",
       expect=REFUTED,
       within=dict(K=(ONE_SAMPLE,), length=(1, 2, 3, 4, 8),
                   flux=(fluxes.garrote(), fluxes.rational(), fluxes.soft())))
def fsi_cycle_decreases_the_energy(K, length, flux):
    """With Φ evaluated anew in every inner step and 0 < τ <= 2/(L‖K‖²), E(uⁿ) <= E(u⁰) after one
    cycle, E(u) = Σ Ψ((K u)ᵢ²); here τ is at the bound."""
    cycle = FSI(K, flux, stable_step(K, flux.facts.lipschitz), length)
    return Stable(cycle, energy(Energy(K, flux)))


#: Numerator and denominator of α_l, as polynomials in l, and the first l.
ALPHA, FROM_ZERO, FROM_ONE = ([2, 4], [3, 2]), 0, 1


def _extrapolates(first: int) -> Calculation:
    return Calculation(
        dict(zip(("top", "bottom"), ALPHA, strict=True), first=first), [],
        ["positive_on(bottom, first, inf)", "nonneg_on(top - bottom, first, inf)"],
        "α_l >= 1 if the numerator is at least the denominator", necessary=True)


@claim('Section 2.6, "a cycle of extrapolated explicit steps"', notion="bound", weight="minor",
       quote="a cycle of extrapolated explicit steps", expect=REFUTED)
def fsi_weights_extrapolate():
    """α_l = (4l+2)/(2l+3) >= 1 for every l >= 0, so every inner step extrapolates."""
    return _extrapolates(FROM_ZERO)


@claim("derived (Section 2.6)", notion="bound", weight="minor")
def fsi_weights_extrapolate_corrected():
    """α_l >= 1 for every l >= 1: all inner steps extrapolate but the first one, with α₀ = 2/3."""
    return _extrapolates(FROM_ONE)


# -- truncated fixed points ------------------------------------------------------------------------
#: Monotone Φ with Φ(0) = 0 and the Lipschitz constant L.
MONOTONE = AnyFlux(diffusivities=(0, "L"), slopes=(0, "L"))
THREE = dict(K=(ONE_SAMPLE, difference(1, 3)), flux=(*ODD, ONE_SIDED))


def _three_steps(K, flux, step) -> Stable:
    return Stable(FixedPoint(K, flux, stable_step(K, flux.facts.lipschitz, step / 2), 3), EUCLIDEAN)


@claim("derived (Section 2.7)", notion="euclidean", within=dict(THREE, step=(ONE, Fraction(5, 4))),
       for_all=dict(K=AnyOperator(), flux=MONOTONE, step=UpTo(Fraction(5, 4))))
def truncated_fixed_point_of_three_steps(K, flux, step):
    """For monotone Φ with Φ(0) = 0 and Lipschitz constant L and three fixed point steps,
    ‖v₃‖ <= ‖u‖ for every K, u and τL‖K‖² <= 5/4; here τL‖K‖² = step."""
    return _three_steps(K, flux, step)


@claim("derived (Section 2.7)", notion="euclidean", expect=REFUTED,
       within=dict(THREE, step=(Fraction(7, 5),)))
def truncated_fixed_point_of_three_steps_further(K, flux, step):
    """The same for τL‖K‖² <= 7/5."""
    return _three_steps(K, flux, step)


def _largest_root(n: int) -> Fraction:
    """The largest x with |1 − x + … ± xⁿ| <= 1, to a millionth from below: 1 for even n, the root
    of xⁿ⁺¹ = x + 2 for odd n."""
    if n % 2 == 0:
        return ONE
    low, high = ONE, Fraction(2)
    while high - low > Fraction(1, 10**6):
        middle = (low + high) / 2
        low, high = (middle, high) if middle ** (n + 1) <= middle + 2 else (low, middle)
    return low if n > 1 else high


@claim("derived (eq. (9), n iterations)", notion="euclidean",
       within=dict(K=REFLECTING_FIRST, iterations=(1, 2, 3, 4, 5), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND))
def truncated_fixed_point_is_euclidean_stable_at_the_explicit_bound_corrected(K, iterations, ratio):
    """For Φ = id the n-th iterate of (9) is qₙ(τKᵀK)u with qₙ(x) = 1 − x + … + (−x)ⁿ: its norm is
    at most ‖u‖ for every K if τ‖K‖² <= 1 for even n, and up to the root of xⁿ⁺¹ = x + 2 for odd n
    (2 for n = 1, 1.353 for n = 3, 1.2 for n = 5); here τ‖K‖² = ratio times that, to a millionth."""
    tau = stable_step(K, ONE, ratio * _largest_root(iterations) / 2)
    return Stable(FixedPoint(K, fluxes.identity(), tau, iterations), EUCLIDEAN)


@claim("derived (eq. (9), n iterations)", notion="range",
       within=dict(n=(2, 3, 6, 9), iterations=(1, 2, 3, 4, 5), ratio=(HALF, ONE)),
       beyond=dict(n=(12,), ratio=BEYOND))
def truncated_fixed_point_keeps_the_range_corrected(n, iterations, ratio):
    """For Φ = id, K1 reflecting and n iterations of (9), the last one stays in the range of u for
    0 < τ <= h²/(2n), and for longer signals up to there only; here τ = ratio · h²/(2n)."""
    return Stable(FixedPoint(difference(1, n), fluxes.identity(), ratio / (2 * iterations),
                             iterations), RANGE)
