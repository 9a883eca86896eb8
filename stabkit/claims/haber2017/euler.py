"""Forward Euler steps of linear networks (eq. (2.9))."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions, solve
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.classes import AnyOperator, UpTo
from stabkit.operators import difference, from_matrix, stable_step
from stabkit.schemes import Explicit
from stabkit.stability.notions import EUCLIDEAN
from stabkit.stability.property import Calculation, Stable
from stabkit.stability.verdict import REFUTED

EULER = "stable as long as δt is sufficiently small and K does not contain positive eigenvalues"

SMALL = sorted(product((0, 1, -1), repeat=4), key=lambda K: sum(map(abs, K)))


def _trace_and_determinant(K: tuple[int, ...]) -> tuple[int, int]:
    a, b, c, d = K
    return a + d, a * d - b * c


def _no_positive_eigenvalue(K: tuple[int, ...]) -> bool:
    trace, det = _trace_and_determinant(K)
    return trace * trace < 4 * det or (trace <= 0 and det >= 0)


def _nonpositive_and_diagonalisable(K: tuple[int, ...]) -> bool:
    trace, det = _trace_and_determinant(K)
    scalar = K[1] == K[2] == 0 and K[0] == K[3]
    return trace <= 0 <= det and (trace * trace != 4 * det or scalar)


def _matrices(wanted) -> tuple:
    return tuple((K[:2], K[2:]) for K in SMALL if wanted(K) and sum(map(abs, K)) < 3)


def _boundedness_of_powers(K) -> Calculation:
    """Are the powers of I + δK bounded for every small δ?  Settled by trace and determinant for
    2×2 matrices without positive eigenvalues."""
    return Calculation(
        dict(K=K), [],
        ["K == 0*K or (trace(K) < 0 and det(K) >= 0)"],
        "trace < 0 < det: the eigenvalues of K have negative real parts, those of I + δK are "
        "inside the unit circle for small δ.  trace < 0 = det: they are 0 and the trace.  "
        "Otherwise, as no eigenvalue is positive, either trace >= 0 < det, and det(I + δK) = 1 + "
        "δ trace + δ² det > 1 for every δ > 0, so that the powers of I + δK are unbounded; or "
        "trace = det = 0, K² = 0 ≠ K, and (I + δK)ʲ = I + jδK is unbounded", necessary=True)


@claim("eq. (2.9), read literally", notion="uniform", quote=EULER, expect=REFUTED,
       within=dict(K=_matrices(_no_positive_eigenvalue)))
def euler_is_stable_without_positive_eigenvalues(K):
    """σ = id: if the constant K has no positive real eigenvalue, the iterates of (2.9) are bounded
    uniformly in j for every small enough δ > 0."""
    return _boundedness_of_powers(K)


@claim("derived (eq. (2.9))", notion="euclidean",
       within=dict(D=(difference(1, 2), difference(1, 4), difference(2, 4),
                      from_matrix([[1, 2], [0, 0], [-1, "1/2"]])), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND), for_all=dict(D=AnyOperator(letter="K"), ratio=UpTo(1)))
def euler_is_stable_without_positive_eigenvalues_corrected(D, ratio):
    """σ = id: if the constant K is symmetric without positive eigenvalues, that is K = −DᵀD, then
    ‖y_{j+1}‖ <= ‖y_j‖ for 0 < δ <= 2/‖K‖; here δ = ratio · 2/‖K‖."""
    return Stable(Explicit(D, fluxes.identity(), stable_step(D, ratio=ratio)), EUCLIDEAN)


@claim("eq. (2.9), read with the real parts of (2.8)", notion="uniform", quote=EULER,
       expect=REFUTED, within=dict(K=_matrices(_nonpositive_and_diagonalisable)))
def euler_is_stable_for_nonpositive_real_parts(K):
    """σ = id: if the constant K is diagonalisable and all its eigenvalues have real parts <= 0, the
    iterates of (2.9) are bounded uniformly in j for every small enough δ > 0."""
    return _boundedness_of_powers(K)


@claim("derived (eq. (2.9))", notion="uniform",
       within=dict(eigenvalues=(((-1, 2),), ((-1, 0), (-3, 0)), ((0, 0), (-1, 3)),
                                ((-1, 1), (-2, 1))),
                   shear=("0", "1", "-1/2"), ratio=(HALF, ONE)),
       beyond=dict(ratio=BEYOND))
def euler_is_stable_for_nonpositive_real_parts_corrected(eigenvalues, shear, ratio):
    """σ = id: if the constant K is diagonalisable and each eigenvalue λ is 0 or has Re λ < 0, the
    iterates of (2.9) are bounded uniformly in j for 0 < δ <= min 2|Re λ|/|λ|² over λ ≠ 0.  Here
    K = S B S⁻¹, B with these eigenvalues Re λ ± i Im λ, δ = ratio · the bound."""
    n = sum(2 if imaginary else 1 for _, imaginary in eigenvalues)
    B = fractions(np.zeros((n, n), dtype=int))
    place = 0
    for real, imaginary in eigenvalues:
        B[place, place] = Fraction(real)
        if imaginary:
            B[place + 1, place + 1] = Fraction(real)
            B[place, place + 1], B[place + 1, place] = Fraction(-imaginary), Fraction(imaginary)
        place += 2 if imaginary else 1
    S = fractions(np.eye(n, dtype=int)) + Fraction(shear) * fractions(np.eye(n, k=1, dtype=int))
    step = ratio * min(Fraction(-2 * real, real**2 + imaginary**2)
                       for real, imaginary in eigenvalues if (real, imaginary) != (0, 0))
    Q = solve(S @ S.T, np.eye(n, dtype=int))
    return Calculation(
        dict(K=S @ B @ solve(S, np.eye(n, dtype=int)), Q=Q, delta=step),
        [("A", f"I({n}) + delta * K")],
        ["pd(Q)", "psd(-(Q @ K + K.T @ Q))", "psd(Q - A.T @ Q @ A)"],
        "yᵀQy does not grow in a step δ, nor in a smaller one: Q − AᵀQA is δ times "
        "−(QK + KᵀQ) − δKᵀQK, which decreases in δ.  In this norm K is normal, so growth means an "
        "eigenvalue of A beyond the unit circle", necessary=True)
