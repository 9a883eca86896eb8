"""Networks as differential equations: growth and decay over long times (Section 2.2)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions, solve
from stabkit.claims.claim import claim
from stabkit.claims.configurations import draw_signal
from stabkit.classes import AnyFlux, AnySymmetric, AnyVector
from stabkit.operators import from_matrix
from stabkit.stability.notions import inner
from stabkit.stability.property import AllOf, AtMost, Calculation, Either, Example
from stabkit.stability.verdict import REFUTED

STABLE = "the system of ODE's is stable as long as the real part of the eigenvalues of K are not " \
         "positive"
DECAY = "if the eigenvalues of K are imaginary, then no decay of the signal occurs"

NILPOTENT = tuple(((a, b), (c, d)) for a, b, c, d in product((0, 1), repeat=4)
                  if a * a + b * c == d * d + b * c == (a + d) * b == (a + d) * c == 0)


@claim("after eq. (2.8)", notion="uniform", quote=STABLE, expect=REFUTED,
       within=dict(K=NILPOTENT))
def network_is_stable_for_nonpositive_real_parts(K):
    """Let σ be nondecreasing with Lipschitz constant 1 (identity, ReLU, tanh).  If all eigenvalues
    of K(t) have real parts <= 0, there is M with ‖y(T) − z(T)‖ <= M‖y(0) − z(0)‖ for every T > 0
    and all solutions y, z of ẏ = σ(K(t)y + b(t)).  Here K is constant with K² = 0, b = 0, z = 0."""
    return Either(_rows_do_not_expand(K), Calculation(
        dict(K=K, y=[1, 1]),
        [("relu(x)", "max(x, 0)"), ("v", "K @ y"), ("w", "relu(v)"), ("t", "tanh(v)")],
        ["K @ K == 0*K", "K @ w == 0*y and K @ t == 0*y",
         "norm2(v) > 0 and norm2(w) > 0 and norm2(t) > 0"],
        "both eigenvalues are 0, and K σ(K y) = 0: y + T σ(K y) is the solution from y, for each "
        "of the three σ, and 0 is one; their distance exceeds every M‖y‖ unless σ(K y) = 0"))


@claim("derived (after eq. (2.8))", notion="uniform",
       within=dict(K=(((-2, 1), (1, -2)), ((-1, -1), (1, -1)), ((0, 0), ("1/3", "-1/2")),
                      ((-3, 1, 2), (0, -1, 1), (-1, -1, -2)))))
def network_is_stable_for_nonpositive_real_parts_corrected(K):
    """If K(t)_ii + Σ_{j≠i} |K(t)_ij| <= 0 in every row for every t, then differences of solutions
    of ẏ = σ(K(t)y + b(t)) do not grow in the maximum norm, so they grow by at most M = √n in the
    Euclidean norm; for nondecreasing σ with Lipschitz constant 1.  Here K(t) = K.

    Shown is the sign of each row; that the maximum of the entries does not grow where the largest
    one does not is Dini's theorem on derivatives of maxima."""
    return _rows_do_not_expand(K)


def _rows_do_not_expand(K):
    """Differences do not grow in the maximum norm, whatever σ with these slopes is.

    Row by row: from the difference z of signs that is worst for the row, with σ = id."""
    n = len(K)
    let = [(f"z{i}", f"[{', '.join('1' if i == j else f'sign(K[{i}, {j}])' for j in range(n))}]")
           for i in range(n)]
    return Calculation(
        dict(K=K), let, [f"dot(K[{i}], z{i}) <= 0" for i in range(n)],
        "the difference z of two solutions has zᵢ′ = θᵢ(K z)ᵢ with 0 <= θᵢ <= 1; where |zᵢ| is "
        "largest, |zᵢ|′ <= θᵢ(Kᵢᵢ + Σ|Kᵢⱼ|)|zᵢ| <= 0, whatever σ, b(t) and t.  With σ = id the "
        "entry i of the difference zᵢ, whose maximum norm is 1, grows where the sum is positive",
        necessary=True)


@claim("derived (after eq. (2.8))", notion="uniform",
       within=dict(K=tuple(from_matrix(rows) for rows in (
                       [[-2, 3], [3, -5]], [[-2, 1], [1, -2]],
                       [[-1, 2, 0], [2, -8, 3], [0, 3, -4]])), flux=(
                           fluxes.identity(), fluxes.relu()), y=(1,), z=(2,), bias=(3,)),
       for_all=dict(K=AnySymmetric(), flux=AnyFlux(slopes=(0, None)), y=AnyVector(), z=AnyVector(),
                    bias=AnyVector()))
def symmetric_negative_weights_are_stable(K, flux, y, z, bias):
    """If K is constant, symmetric and −b <= K <= −a < 0, then ‖y(T) − z(T)‖ <= √(b/a) ‖y(0) − z(0)‖
    for every T > 0 and all solutions of ẏ = σ(K y + b(t)), σ nondecreasing with Lipschitz constant
    1.

    For all symmetric K: the form −x·Kx of the difference x of two solutions does not grow; and
    a‖x‖² <= −x·Kx <= b‖x‖²."""
    def falls(y: Any, z: Any, bias: Any) -> Any:
        change = flux(K @ y + bias) - flux(K @ z + bias)
        return inner(change, K @ (y - z)) + inner(y - z, K @ change)

    return AllOf([
        AtMost(lambda y, z, bias: 0, falls, {
            name: draw_signal(x, K) for name, x in dict(y=y, z=z, bias=bias).items()},
            "less the derivative of the form"),
        Example(lambda: _is_bounded(K.exact()))])


def _is_bounded(K, share=1):
    """With share · b/a as the square of the constant; or a difference that grows beyond.

    If b(t) opens the first unit alone (σ = ReLU), z₁′ = (K z)₁ and the others rest: the difference
    (0, 1, 0, …) tends to (−K₁₂/K₁₁, 1, 0, …)."""
    exact, n = fractions(K), len(K)
    largest = max(abs(exact).sum(axis=1))
    least = 1 / max(abs(solve(exact, np.eye(n, dtype=int))).sum(axis=1))
    given = dict(K=exact, a=least, b=largest, share=share)
    return AllOf([
        Calculation(given, [], ["K.T == K", "a > 0", f"psd(-K - a*I({n}))", f"psd(b*I({n}) + K)",
                                "share >= 1"],
                    "the difference has z′ = D K z with diagonal 0 <= D <= 1, so (−zᵀKz)′ = "
                    "−2(Kz)ᵀD(Kz) <= 0 and a|z(T)|² <= −z(T)ᵀKz(T) <= −z(0)ᵀKz(0) <= b|z(0)|²"),
        Calculation(given, [("z", f"concat([-K[0, 1] / K[0, 0], 1], zeros({n - 2}))")],
                    ["not (a > 0 and K[0, 0] < 0) or norm2(z) <= share * b / a"],
                    "the limit of the difference, and its bound", necessary=True)])


@claim("derived (after eq. (2.8))", notion="uniform",
       within=dict(network=("constant K, ReLU", "periodic K(t), identity")))
def negative_real_parts_do_not_suffice(network):
    """Even if all eigenvalues of K(t) have real parts <= −c < 0, solutions of ẏ = σ(K(t)y) may grow
    exponentially: with σ = ReLU for a constant K, and with σ = id for a periodic K(t)."""
    if network == "periodic K(t), identity":
        # e² < 9, so 1 + c² > 9 outweighs the decay of a period.
        return _periodic_weights_grow(next(c for c in range(1, 10) if 1 + c * c > 9))
    small = sorted(product(range(-3, 4), repeat=4), key=lambda K: sum(map(abs, K)))
    return _gated_weights_grow(next(((a, b), (c, d)) for a, b, c, d in small
                                    if a + d < 0 < a * d - b * c and a > 0 >= c))


def _periodic_weights_grow(c):
    log = dict(N=[[0, c], [0, 0]])
    let = [("K", "N - I(2)"), ("period", "exp(-2) * ((I(2) + N.T) @ (I(2) + N))")]
    hypotheses = ["N @ N == 0*N", "trace(K) == -2 and det(K) == 1", "period >= 0"]
    return Either(
        Calculation(log, let, [*hypotheses, "period[1, 1] > 1"],
                    "K(t) = K for t in [0, 1), Kᵀ for t in [1, 2), and so on; the only eigenvalue "
                    "is −1.  As N² = 0, exp(K) = exp(−1)(I + N), so `period` is the solution "
                    "operator of one period; it has no negative entry, so that of m periods has an "
                    "entry of at least period[1, 1]ᵐ"),
        Calculation(log, let, [*hypotheses, "period @ ones(2) < 1"],
                    "the solution operator of a period is less than 1 in the maximum norm"))


def _gated_weights_grow(K):
    given, let = dict(K=K, y=[1, 0], rate=K[0][0]), [("relu(x)", "max(x, 0)")]
    return Either(Calculation(
        given, let,
        ["trace(K) < 0 and det(K) > 0", "relu(K @ y) == rate * y", "rate > 0"],
        "trace < 0 < det: both eigenvalues have negative real parts.  ReLU is positively "
        "homogeneous, so exp(rate·t) y is a solution"), _rows_do_not_expand(K))


def _imaginary(largest: int) -> list[tuple]:
    """Integer matrices with a pair of imaginary eigenvalues, the smallest first."""
    entries = range(-largest, largest + 1)
    found = [(a, b, c) for a, b, c in product(entries, repeat=3) if a * a + b * c < 0]
    found.sort(key=lambda K: (2 * abs(K[0]) + abs(K[1]) + abs(K[2]), [-x for x in K]))
    return [((a, b), (c, -a)) for a, b, c in found]


def _conserved_form(K: np.ndarray) -> np.ndarray:
    """The positive definite Q with QK + KᵀQ = 0, for a trace of 0 and a positive determinant."""
    Q = np.array([[K[1, 0], -K[0, 0]], [-K[0, 0], -K[0, 1]]], dtype=object)
    return Q if Q[0, 0] > 0 else -Q


def _focus(K: np.ndarray, Q: np.ndarray) -> tuple[np.ndarray, Fraction]:
    """The quartic form W4 and the c for which V + W4, V = sᵀQs, changes along s′ = K tanh(s) by
    −cV² to fourth order: c > 0 attracts, c < 0 repels.  W4 has the coefficients of p^(4−k) q^k."""
    (a, b), (c, d) = K
    along = fractions(np.zeros((5, 5), dtype=int))
    for k in range(5):
        along[k, k] += (4 - k) * a + k * d
        if k < 4:
            along[k + 1, k] += (4 - k) * b
        if k > 0:
            along[k - 1, k] += k * c
    G = 2 * K.T @ Q
    cubic = np.array([-G[0, 0], -G[0, 1], 0, -G[1, 0], -G[1, 1]], dtype=object) / 3
    A, B, C = Q[0, 0], 2 * Q[0, 1], Q[1, 1]
    square = np.array([A * A, 2 * A * B, B * B + 2 * A * C, 2 * B * C, C * C], dtype=object)
    # V² is constant along the linear flow, so the first coefficient of W4 can be 0.
    found = solve(np.column_stack([along[:, 1:], square]), -cubic)
    return np.concatenate([[Fraction(0)], found[:4]]), found[4]


FORMS = [
    ("V(p, q)", "Q[0, 0]*p**2 + 2*Q[0, 1]*p*q + Q[1, 1]*q**2"),
    ("W4(p, q)", "w[0]*p**4 + w[1]*p**3*q + w[2]*p**2*q**2 + w[3]*p*q**3 + w[4]*q**4"),
    ("Wp(p, q)", "4*w[0]*p**3 + 3*w[1]*p**2*q + 2*w[2]*p*q**2 + w[3]*q**3"),
    ("Wq(p, q)", "w[1]*p**3 + 2*w[2]*p**2*q + 3*w[3]*p*q**2 + 4*w[4]*q**3"),
    ("G", "2 * (K.T @ Q)"),
    ("rate(p, q)", "Wp(p, q)*(K[0, 0]*p + K[0, 1]*q) + Wq(p, q)*(K[1, 0]*p + K[1, 1]*q) "
                   "- (p**3*(G[0, 0]*p + G[0, 1]*q) + q**3*(G[1, 0]*p + G[1, 1]*q)) / 3"),
    ("x", "[-2, -1, 0, 1, 2]"), ("R", "inverse(Q)"), ("mu", "max(R[0, 0], R[1, 1])"),
    ("size", "mu**2 * sum(abs(w))"),
    ("rest", "mu**3 * (2/15 * sum(abs(G)) + dot(abs(K) @ ones(2), "
             "[dot([4, 3, 2, 1, 0], abs(w)), dot([0, 1, 2, 3, 4], abs(w))]) / 3)")]

LYAPUNOV = (
    "trace 0 and det > 0: the eigenvalues are imaginary.  s = K y has s′ = K tanh(s); V = sᵀQs is "
    "conserved by s′ = K s, and Wp, Wq are the derivatives of W4 (five-point formula, Euler's "
    "identity).  As |tanh x − x| <= |x|³/3, |tanh x − x + x³/3| <= 2|x|⁵/15 and sᵢ² <= mu V, the "
    "change of W = V + W4 along s is `rate` up to rest·V³, and rate = −cV² (a quartic form, so "
    "five values of p/q decide); |W4| <= size·V².  ")


SHOWN = [
    "trace(K) == 0 and det(K) > 0", "Q @ K + K.T @ Q == 0*K", "pd(Q)",
    "12*Wp(x, 1) == 8*(W4(x + 1, 1) - W4(x - 1, 1)) - W4(x + 2, 1) + W4(x - 2, 1)",
    "x*Wp(x, 1) + Wq(x, 1) == 4*W4(x, 1)", "rate(x, 1) == -c * V(x, 1)**2",
    "rest*bound < abs(c)", "size*bound < 1"]


def _remainders(K: np.ndarray, Q: np.ndarray, w: np.ndarray) -> tuple[Fraction, Fraction]:
    """The `size` and `rest` of FORMS."""
    mu = max(np.diag(solve(Q, np.eye(2, dtype=int))))
    slopes = [abs(w) @ [4, 3, 2, 1, 0], abs(w) @ [0, 1, 2, 3, 4]]
    rest = Fraction(2, 15) * abs(2 * K.T @ Q).sum() + abs(K).sum(axis=1) @ slopes / 3
    return mu**2 * abs(w).sum(), mu**3 * rest


def _lyapunov(K: np.ndarray, Q: np.ndarray, w: np.ndarray, c: Fraction) -> Either:
    """Repulsion proves that ‖y(t)‖ stays away from 0, attraction refutes it."""
    size, rest = _remainders(K, Q, w)
    bound = Fraction(1, 2)
    while c != 0 and (rest * bound >= abs(c) or 2 * size * bound >= 1):
        bound /= 2
    y = fractions([1, 1])
    while (start := K @ y @ Q @ (K @ y)) + size * start**2 >= bound - size * bound**2:
        y = y / 2
    given = dict(K=K, Q=Q, w=w, c=c, bound=bound)
    return Either(
        Calculation(given, FORMS, ["c < 0", *SHOWN], LYAPUNOV +
                    "c < 0, so W > 0 grows wherever 0 < V <= bound: no solution tends to 0"),
        Calculation(dict(given, y=y), [*FORMS, ("start", "V(dot(K[0], y), dot(K[1], y))")],
                    ["c > 0", *SHOWN, "start > 0", "start + size*start**2 < bound - size*bound**2"],
                    LYAPUNOV + "c > 0, so W > 0 decreases wherever 0 < V <= bound; the solution "
                    "from y ≠ 0 cannot reach V = bound and tends to 0"))


@claim("after eq. (2.8)", notion="bound", quote=DECAY, expect=REFUTED,
       within=dict(sigma=("id", "tanh"), K=_imaginary(2)))
def imaginary_eigenvalues_prevent_decay(sigma, K):
    """If all eigenvalues of the constant K are imaginary, ‖y(t)‖ does not tend to 0 along
    ẏ = σ(K y) for any y(0) ≠ 0; for σ = id and σ = tanh."""
    K = fractions(K)
    Q = _conserved_form(K)
    if sigma == "id":
        given = dict(K=K, Q=Q)
        return AllOf([
            Calculation(given, [], ["Q @ K + K.T @ Q == 0*K", "pd(Q)"], "yᵀQy > 0 is conserved"),
            Calculation(given, [], ["trace(K) >= 0 and det(K) >= 0"],
                        "else K has an eigenvalue with a negative real part, so a solution decays",
                        necessary=True)])
    if K[0, 0] != 0:
        return _lyapunov(K, Q, *_focus(K, Q))
    return Calculation(
        dict(K=K), [], ["K[0, 0] == 0 and K[1, 1] == 0", "K[0, 1] * K[1, 0] < 0"],
        "log cosh(K₂₁y₁)/K₂₁ − log cosh(K₁₂y₂)/K₁₂ is conserved, and it is 0 only for y = 0")


@claim("after eq. (2.8)", notion="bound", quote=DECAY,
       within=dict(frequencies=((1,), (3,), (1, 2), (1, 1)), shear=("0", "1", "-1/2")))
def imaginary_eigenvalues_prevent_decay_corrected(frequencies, shear):
    """For σ = id and K constant, invertible and diagonalisable with imaginary eigenvalues there is
    c > 0 with ‖y(t)‖ >= c‖y(0)‖; and ‖y(t)‖ = ‖y(0)‖ for every y(0) if and only if K is
    skew-symmetric.  Here K = S B S⁻¹ with rotations B and S = I + shear · (ones above the
    diagonal)."""
    return _keeps_its_size(frequencies, shear)


def _keeps_its_size(frequencies, shear, decay=0):
    """With eigenvalues −decay ± i · frequency: ‖y(t)‖ >= c‖y(0)‖ for c > 0, or it decays."""
    n = 2 * len(frequencies)
    B = -Fraction(decay) * fractions(np.eye(n, dtype=int))
    for k, frequency in enumerate(frequencies):
        B[2 * k, 2 * k + 1], B[2 * k + 1, 2 * k] = -frequency, frequency
    S = fractions(np.eye(n, dtype=int)) + Fraction(shear) * fractions(np.eye(n, k=1, dtype=int))
    back = solve(S, np.eye(n, dtype=int))
    K, Q = S @ B @ back, back.T @ back
    given = dict(K=K, Q=Q, low=1 / max(abs(S @ S.T).sum(axis=1)), high=max(abs(Q).sum(axis=1)),
                 rate=decay, y=_vector_off_kernel(K + K.T))
    bounds = ["low > 0", f"psd(Q - low*I({n}))", f"psd(high*I({n}) - Q)"]
    return Either(
        Calculation(given, [], ["Q @ K + K.T @ Q == 0*K", *bounds,
                                "K + K.T == 0*K or dot(y, (K + K.T) @ y) != 0"],
                    "yᵀQy is conserved, so |y(t)|² >= (low/high)|y(0)|².  The derivative of |y|² "
                    "is yᵀ(K + Kᵀ)y: it vanishes for every y if K + Kᵀ = 0, and not for this y "
                    "otherwise.  Every such K has this form"),
        Calculation(given, [], ["rate > 0", "Q @ K + K.T @ Q == -(2 * rate * Q)", *bounds],
                    "yᵀQy is exp(−2 rate t) times what it was, so y(t) tends to 0"))


def _vector_off_kernel(S):
    """A vector y with yᵀS y ≠ 0 for a symmetric S ≠ 0: a unit vector or the sum of two."""
    one = np.eye(len(S), dtype=int)
    return next((y for i, j in product(range(len(S)), repeat=2)
                 if (y := one[i] + one[j] * (i != j)) @ S @ y), one[0])
