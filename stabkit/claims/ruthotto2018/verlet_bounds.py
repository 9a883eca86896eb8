"""Step sizes for which the Verlet scheme stays bounded for all times."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import isqrt
from typing import Any

from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.claims.related_classes import AnyProductBound
from stabkit.claims.ruthotto2018 import networks as net
from stabkit.claims.ruthotto2018.growth import bounded
from stabkit.claims.ruthotto2018.verlet import verlet_network
from stabkit.classes import AnyOperator, AnyVector, ForExamples, Positive, Such
from stabkit.operators import norm_squared
from stabkit.schemes import SymmetricLayer, Verlet
from stabkit.stability.notions import inner, squared_norm
from stabkit.stability.property import AllOf, Always, Example
from stabkit.stability.verdict import REFUTED

UP = "[[0, 1], [0, 0]]"
LINEAR = ("1 | 1", "2 | 1", "1 | 3/2", "2 1; 1 2 | 1 0; 0 1", "1 1; 1 -1 | 1 1; 1 -1",
          "1 1; 1 -1 | 1 1; 0 0; 1 -1")
ONE_BY_ONE = LINEAR[:3]


def _step_for(pair, ratio):
    """The step with δ‖K₁‖‖K₂‖ = 2 ratio."""
    square = Fraction(1)
    for K in net.pair(pair):
        square *= norm_squared(K).upper
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    return 2 * Fraction(ratio) / root


def _verlet_is_bounded(pair, delta):
    """By the conserved form, definite exactly if every δ²μ < 4; in one dimension by the trace."""
    step, log = verlet_network(pair, net.IDENTITY, delta), Transcript()
    n = step.first.size
    V = step.jacobian(log.give("x0", [0] * (2 * n))).text
    if n == 1:
        return bounded(log, V)
    log.let += [["B", "K.T @ K"], ["C", "H.T @ H"],
                ["Q", "kron([[1, 0], [0, 0]], C) + kron([[0, 0], [0, 1]], B) + delta / 2 * "
                      f"(kron({UP}, C @ B) + kron({UP}.T, B @ C))"]]
    return AllOf([
        net.show(log, [f"{V}.T @ Q @ {V} == Q", "pd(Q)"],
                  "the step conserves x'Qx = Y'CY + Z'BZ + δY'CBZ, which is positive definite: all "
                  "iterates are bounded"),
        net.show(log, ["not (pd(B) and pd(C)) or pd(4 / delta**2 * inverse(C) - B)"],
                  "a mode of BC with the eigenvalue μ has the trace 2 − δ²μ and the determinant 1: "
                  "it grows, at least linearly, if δ²μ >= 4", necessary=True)])


@claim("derived (eq. (10) corrected)", notion="uniform",
       within=dict(K=(net.TALL,), H=(net.weights([[2, 1], [1, "1/2"]], "H"),), m=("64",),
                   delta=("1/20",), room=("1/2",), y=(1,), z=(2,), pair=LINEAR,
                   ratio=(HALF, Fraction(9, 10), Fraction(999, 1000))),
       beyond=dict(pair=ONE_BY_ONE, ratio=(*BEYOND, Fraction(5, 4))),
       for_all=dict(K=AnyOperator(), H=AnyOperator("N", "P"),
                    m=AnyProductBound("H@K.T", "M"), room=Positive(),
                    delta=Such(("4 - 4*room - delta**2*m >= 0",)), y=AnyVector(),
                    z=AnyVector(), pair=ForExamples(), ratio=ForExamples()))
def verlet_step_bound(K, H, m, delta, room, y, z, pair, ratio):
    """For σ = id, constant weights, B = K₁ᵀK₁ and C = K₂ᵀK₂ positive definite and 0 < δ²μ < 4 for
    every eigenvalue μ of BC the Verlet iterates are bounded uniformly in j.  In the examples
    δ = ratio · 2/(‖K₁‖‖K₂‖), and they are not bounded just beyond.

    Shown is, for δ²m <= 4(1 − r) with m >= ‖K₂K₁ᵀ‖², the largest μ, that the form
    Q = ‖K₂Y‖² + ‖K₁Z‖² + δ(K₂Y)·(K₂K₁ᵀK₁Z) is kept and r‖K₁Z‖² and r‖K₂Y‖² are at most Q; for
    definite B and C this bounds Y and Z."""
    net.bounds(m, H, K)
    first, second = SymmetricLayer(K, net.IDENTITY), SymmetricLayer(H, net.IDENTITY)
    delta, room = net.number(delta), net.number(room)

    def form(y: Any, z: Any) -> Any:
        return squared_norm(H @ y) + squared_norm(K @ z) - delta * inner(H @ y, H @ first(z))

    def step(y: Any, z: Any) -> tuple[Any, Any]:
        y = y - delta * first(z)
        return y, z + delta * second(y)

    def always(margin: Any, relation: str = ">=") -> Always:
        return Always(lambda y, z: (y, z), step, lambda state, y, z: form(y, z) - margin(*state),
                      dict(y=net.signal(K, y), z=net.signal(K, z)), relation)

    return AllOf([always(form, "=="), always(lambda y, z: room * squared_norm(K @ z)),
                  always(lambda y, z: room * squared_norm(H @ y)),
                  Example(lambda: _verlet_is_bounded(pair, _step_for(pair, ratio)))])


@claim("derived (eq. (10) corrected)", notion="uniform", expect=REFUTED,
       within=dict(pair=ONE_BY_ONE, ratio=(HALF, ONE)))
def verlet_step_bound_at_equality(pair, ratio):
    """For σ = id, constant weights, B and C positive definite and 0 < δ²μ <= 4 for every eigenvalue
    μ of BC the Verlet iterates are bounded uniformly in j; here n = 1 and
    δ = ratio · 2/(‖K₁‖‖K₂‖)."""
    return _verlet_is_bounded(pair, _step_for(pair, ratio))


@claim("derived (eq. (10) corrected)", notion="uniform",
       within=dict(pair=LINEAR, ratio=(HALF, ONE)), beyond=dict(ratio=BEYOND))
def verlet_step_bound_at_equality_corrected(pair, ratio):
    """For σ = id, constant weights, B and C positive definite and 0 < δ²μ <= 4 for every eigenvalue
    μ of BC there is c with ‖x_j‖ <= c(1 + j)‖x₀‖ for the Verlet iterates: they grow at most
    linearly.  Here δ = ratio · 2/(‖K₁‖‖K₂‖).

    Shown is the condition on the eigenvalues; that powers of a 2×2 matrix of determinant 1 and
    |trace| <= 2 grow at most linearly is its Jordan form."""
    return _verlet_grows_linearly(pair, _step_for(pair, ratio))


def _verlet_grows_linearly(pair, delta):
    step, log = verlet_network(pair, net.IDENTITY, delta), Transcript()
    n = step.first.size
    V = step.jacobian(log.give("x0", [0] * (2 * n))).text
    if n == 1:
        return bounded(log, V, grows="linearly")
    log.let += [["B", "K.T @ K"], ["C", "H.T @ H"]]
    definite = "pd(B) and pd(C)"
    return AllOf([
        net.show(log, [definite], "BC has a basis of eigenvectors, with eigenvalues μ > 0"),
        net.show(log, [f"not ({definite}) or psd(4 / delta**2 * inverse(C) - B)"],
                  "a mode of BC with the eigenvalue μ has the trace 2 − δ²μ and the determinant 1: "
                  "powers of such a matrix grow at most linearly for 0 < δ²μ <= 4, and "
                  "exponentially beyond", necessary=True)])


SIZES = ("1", "1/2", "3/2", "2")
LETTERS = tuple(f"{a} | {b}" for a, b in product(SIZES, repeat=2)
                if (Fraction(a) * Fraction(b)) ** 2 <= 3)
WORDS = tuple(f"{first}, {second}" for first, second in product(LETTERS, repeat=2))


@claim("derived (eq. (10) corrected)", notion="uniform", expect=REFUTED, within=dict(word=WORDS))
def verlet_step_bound_for_changing_weights(word):
    """For σ = id, weights that change from step to step, B_j and C_j positive definite and bounded
    and δ²ρ(B_jC_j) <= 3 for every j, the Verlet iterates are bounded uniformly in j; here n = 1,
    δ = 1, and the weights K₁ | K₂ of two steps are repeated for ever."""
    log, names = Transcript(), []
    for pair in word.split(","):
        step = verlet_network(pair, net.IDENTITY, 1)
        names.append(step.jacobian(log.give("x0", [0, 0])).text)
    return bounded(log, log.define("P", log.term(" @ ".join(reversed(names)))).text)


CHANGES = ("1 | 1, 1 | 3/2", "1 | 2, 3/2 | 1", "1 1; 1 -1 | 1 0; 0 1, 1 1; 1 -1 | 1 0; 0 1/2",
           "1 0; 0 1 | 1 1/2; 0 1, 1 0; 1/3 1 | 1 0; 0 1")


@claim("derived (eq. (10) corrected)", notion="uniform",
       within=dict(change=CHANGES, delta=("1/2", "1/3")))
def verlet_step_bound_for_changing_weights_corrected(change, delta):
    """For σ = id let Q_j be the form Y·C_jY + Z·B_jZ + δY·C_jB_jZ that step j conserves.  If
    Q_j >= m I > 0 for all j and Σ‖Q_{j+1} − Q_j‖ = V is finite (in particular after finitely many
    changes), then ‖x_N‖² <= (‖Q₀‖/m) exp(V/m) ‖x₀‖² for all N.

    Shown for one change; the product of the factors 1 + ‖Q_{j+1} − Q_j‖/m is at most exp(V/m), as
    1 + x <= exp(x)."""
    return _forms_are_conserved(change, delta)


def _forms_are_conserved(change, delta, sign=1):
    """With the forms Y·CY + Z·BZ + sign · δY·CBZ."""
    log, n = Transcript(), 0
    log.give("m", Fraction(1, 16))
    log.give("side", sign)
    for pair in change.split(","):
        K, H = net.pair(pair)
        n = K.shape[1]
        step = Verlet(SymmetricLayer(K, net.IDENTITY), SymmetricLayer(H, net.IDENTITY), delta)
        step.jacobian(log.give("x0", [0] * (2 * n)))
        G, W = (log.give_once(X, "", X.exact).text for X in (K, H))
        B = log.define("B", log.term(f"{G}.T @ {G}")).text
        C = log.define("C", log.term(f"{W}.T @ {W}")).text
        log.define("Q", log.term(
            f"kron([[1, 0], [0, 0]], {C}) + kron([[0, 0], [0, 1]], {B}) + side * delta / 2 * "
            f"(kron({UP}, {C} @ {B}) + kron({UP}.T, {B} @ {C}))"))
    log.define("v", log.term("sqrt(norm2(Q1 - Q))"))
    size = f"I({2 * n})"
    return AllOf([
        net.show(log, [f"psd(Q - m * {size}) and psd(Q1 - m * {size})",
                        f"psd((v + 1/1000) * {size} - (Q1 - Q))"],
                  "a change adds x'(Q1 − Q)x <= (‖Q1 − Q‖/m) x'Qx, so it multiplies x'Qx at most "
                  "by exp(‖Q1 − Q‖/m), and m|x|² <= x'Qx"),
        net.show(log, ["V.T @ Q @ V == Q", "V1.T @ Q1 @ V1 == Q1"],
                  "each step conserves its form", necessary=True)])
