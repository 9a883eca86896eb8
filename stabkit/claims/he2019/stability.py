"""Are the steps of MgNet stable in the Euclidean norm?  (Derived from (8.1) and (8.6), ξ = τηᵀ.)"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

from stabkit import fluxes
from stabkit.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.he2019.convolutions import RELU
from stabkit.errors import Undecided
from stabkit.notions import EUCLIDEAN
from stabkit.operators import from_matrix
from stabkit.property import Calculation, Not, Stable
from stabkit.rational import fractions
from stabkit.schemes import Explicit
from stabkit.verdict import REFUTED

#: η with its squared spectral norm.
WEIGHTS = {"[1 1]": ([[1, 1]], 2), "[1 2; 2 -1]": ([[1, 2], [2, -1]], 5),
           "[1 -1; 0 2; 1 1]": ([[1, -1], [0, 2], [1, 1]], 6)}
RATIOS = (HALF, ONE)
STEP = "tau*(eta.T @ relu(eta @ relu(r)))"
SKIPS = {"relu(r)": lambda r: np.maximum(r, 0), "r": lambda r: r}


def _weights(name: str, ratio: Fraction) -> tuple[np.ndarray, Fraction]:
    eta, norm2 = WEIGHTS[name]
    return fractions(eta), Fraction(2 * ratio, norm2)


def _growing(eta: np.ndarray, tau: Fraction, skip: str) -> np.ndarray | None:
    """The first small integer signal whose norm grows in one step."""
    for entries in product((0, 1, -1, 2, -2), repeat=eta.shape[1]):
        r = fractions(entries)
        new = SKIPS[skip](r) - tau * (eta.T @ np.maximum(eta @ np.maximum(r, 0), 0))
        if new @ new > r @ r:
            return r
    return None


def _grows(eta: np.ndarray, tau: Fraction, skip: str) -> Not:
    r = _growing(eta, tau, skip)
    if r is None:
        raise Undecided("no growing signal with small entries")
    return Not(Calculation(dict(eta=eta, tau=tau, r=r), [RELU, ("new", f"{skip} - {STEP}")],
                           ["norm2(new) > norm2(r)"], "the norm of r grows"))


@claim("derived (eq. (8.6) with ξ = τηᵀ)", notion="euclidean",
       within=dict(eta=tuple(WEIGHTS), ratio=RATIOS),
       beyond=dict(eta=("[1 1]",), ratio=BEYOND))
def mg_resnet_step_is_euclidean_stable(eta, ratio):
    """For every η and 0 < τ <= 2/‖η‖²: ‖σ(r) − τηᵀσ(ησ(r))‖ <= ‖r‖ for every r; ratio = τ‖η‖²/2."""
    matrix, tau = _weights(eta, ratio)
    if ratio > 1:
        return _grows(matrix, tau, "relu(r)")
    return Calculation(
        dict(eta=matrix, tau=tau, x=[-1, 0, 1]), [RELU],
        [f"psd(2*I({len(matrix)}) - tau*(eta @ eta.T))", "relu(x)*(x - relu(x)) == 0",
         "relu(x)**2 <= x**2"],
        "with v = σ(r), p = σ(ηv) entry by entry pᵀ(ηv) = pᵀp, so |v|² − |v − τηᵀp|² = "
        "τpᵀ(2 − τηηᵀ)p >= 0, and |σ(r)| <= |r|; x, by scaling, stands for every entry")


@claim("derived (eq. (8.1) with ξ = τηᵀ)", notion="euclidean", expect=REFUTED,
       within=dict(eta=tuple(WEIGHTS), ratio=RATIOS))
def mgnet_step_is_euclidean_stable(eta, ratio):
    """For every η and 0 < τ <= 2/‖η‖²: ‖r − τηᵀσ(ησ(r))‖ <= ‖r‖ for every r; ratio = τ‖η‖²/2."""
    return _grows(*_weights(eta, ratio), "r")


@claim("derived (eq. (8.1) with ξ = τηᵀ)", notion="euclidean",
       within=dict(eta=tuple(WEIGHTS), ratio=RATIOS), beyond=dict(eta=("[1 1]",), ratio=BEYOND))
def mgnet_step_is_euclidean_stable_corrected(eta, ratio):
    """Without the inner activation, B = σ∘η: ‖r − τηᵀσ(ηr)‖ <= ‖r‖ for every η, every r and
    0 < τ <= 2/‖η‖²; ratio = τ‖η‖²/2."""
    matrix, tau = _weights(eta, ratio)
    return Stable(Explicit(from_matrix(matrix), fluxes.relu(), tau), EUCLIDEAN)


C, LONGEST = 5, 64


@claim("derived (eq. (8.1) with ξⁱ = τᵢηⁱᵀ)", notion="uniform", expect=REFUTED,
       within=dict(k=tuple(range(1, 9))))
def mgnet_layers_stay_bounded(k):
    """‖r_N‖ <= 5‖r_0‖ for every chain of N steps r ↦ r − τᵢηⁱᵀσ(ηⁱσ(r)) with τᵢ‖ηⁱ‖² <= 2, and
    every N; here for equal steps with η = (1, k), τ = 2/(1 + k²), from r_0 = (1, 0)."""
    eta, tau = fractions([[1, k]]), Fraction(2, 1 + k * k)
    r, layers = fractions([1, 0]), 0
    while r @ r <= C**2 and layers < LONGEST:
        r = r - tau * (eta.T @ np.maximum(eta @ np.maximum(r, 0), 0))
        layers += 1
    if r @ r <= C**2:
        raise Undecided(f"{LONGEST} equal layers stay within the bound")
    let = [(f"r{i + 1}", f"r{i} - " + STEP.replace("(r)", f"(r{i})"))
           for i in range(layers)]
    return Not(Calculation(
        dict(eta=eta, tau=tau, C=C, r0=[1, 0]), [RELU, *let],
        ["tau*norm2(eta) <= 2", f"norm2(r{layers}) > C**2 * norm2(r0)"],
        "the first entry a > 0 shrinks slowly and drives the second one to −k; so no constant "
        "serves for all k"))


@claim("derived (eq. (8.1) with ξⁱ = τᵢηⁱᵀ)", notion="uniform", within=dict(N=(1, 2, 5, 24)))
def mgnet_layers_stay_bounded_corrected(N):
    """‖r_N‖ <= √(N + 1) ‖r_0‖ for every chain of N such steps with τᵢ‖ηⁱ‖² <= 2."""
    return Calculation(
        dict(N=N, x=[-1, 0, 1]), [RELU, ("u", f"ones({N + 1})")],
        [f"psd((N + 1)*I({N + 1}) - outer(u, u))", "x == relu(x) - relu(-x)",
         "relu(x)*relu(-x) == 0"],
        "write r = v − m, v = σ(r), m = σ(−r).  A step gives w − m with |w| <= |v|, as "
        "|v|² − |w|² = τpᵀ(2 − τηηᵀ)p for p = σ(ηv).  Then |σ(w − m)| <= |σ(w)| and |σ(m − w)| <= "
        "|m| + c with c = |σ(−w)|, where |σ(w)|² + c² <= |v|².  So |r_N|² <= |v_N|² + (|m_0| + "
        "Σc_k)² with |v_N|² + Σc_k² <= |v_0|², and (Σ of N + 1 numbers)² is at most N + 1 times "
        "the sum of their squares, the first condition")
