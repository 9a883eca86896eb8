"""Semi-iterative and Chebyshev schemes (Section 3.4)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.transcript import Transcript, named
from stabkit.claims.claim import claim
from stabkit.claims.configurations import constant
from stabkit.claims.he2019.matrices import integers
from stabkit.classes import AnyMap, AnyOperator, AnyReal, AnyVector
from stabkit.operators import from_matrix
from stabkit.stability.property import AllOf, Calculation, Identity
from stabkit.stability.verdict import REFUTED

FROM_SEMI = "can be obtained from the above semi-iterative form"


@claim("eqs (3.21), (3.22)", within=dict(
    alphas=(("1/3", "2/3"), ("-1", "2"), ("1/2", "1/4", "1/4")), n=(1, 2)),
    beyond=dict(alphas=(("1/3", "1/3"),)))
def semi_iterative_residual(alphas, n):
    """For linear A and Σⱼαⱼ = 1, uⁱ = Σⱼαⱼ(uʲ + Bⱼ(f − A uʲ)) (3.21) has the residual
    rⁱ = Σⱼαⱼ(I − A Bⱼ)(rʲ), also for nonlinear Bⱼ.  (Without Σα = 1 the defect is (1 − Σα)f.)"""
    # Imported here, because claims must load quickly.
    from stabkit.multigrid import MultiStep
    rng, log = np.random.default_rng(n), Transcript()
    A, u = log.give("A", integers(rng, n, n)), log.give("u", integers(rng, n))
    f = log.give("f", list(range(1, n + 1)))
    maps = [lambda r: named(r * r - 1, "b"), lambda r: named(np.maximum(2 * r, 0) + 1, "b"),
            lambda r: named(-abs(r), "b")][:len(alphas)]
    count = len(alphas)
    weights = [tuple(Fraction(int(i == j)) for j in range(i + 1)) for i in range(count - 1)]
    step = MultiStep((*weights, tuple(map(Fraction, alphas))),
                     tuple(tuple(maps[:i + 1]) for i in range(count)))
    *earlier, last = step(lambda v: A @ v, f, u)
    residuals = [named(f - A @ v, "r") for v in earlier]
    right = sum(Fraction(a) * (r - A @ B(r))
                for a, B, r in zip(alphas, maps, residuals, strict=True))
    return Calculation(log.given, log.let, [(f - A @ last).equals(right)],
                       "f − A Σαⱼ(uⱼ + bⱼ) = Σαⱼ(f − A uⱼ − A bⱼ) for any vectors bⱼ, as Σαⱼ = 1",
                       necessary=True)


LOWEST = 0
#: Two steps with the weights α₀ = lρ and α₁ = 1 − lρ, which are at least l if −1 <= l <= 0: with
#: p₂(x) = (1 − lρ)x² + lρx, `top` is ρ² − p₂(ρ) in powers of ρ, and `bottom` is 4(1 − lρ)(1 +
#: min p₂/ρ²) = 4(1 − lρ) − l².
TWO_STEPS = [("top", "[0, 0, -l, l]"), ("bottom", "[4 - l**2, -4*l]")]
SHORTER = ["positive_on(top, 0, 1)", "positive_on(bottom, 0, 1)"]
SHORTER_BY = ("p₂(ρ) = (1 + l)ρ² − lρ³ at the end and −l²ρ²/(4(1 − lρ)) at the minimum are below "
              "ρ² in modulus")


@claim("eq. (3.21), αⱼ >= 0, Σαⱼ = 1", notion="bound", expect=REFUTED)
def semi_iteration_accelerates():
    """For B fixed and linear and the spectrum of I − A B filling [0, ρ], ρ < 1, some weights
    αⱼⁱ >= 0 with Σⱼαⱼⁱ = 1 give after some i >= 2 steps a residual polynomial whose maximum over
    [0, ρ] is below ρⁱ, that of plain residual correction.

    Residual polynomials have pᵢ(ρ) = ρ Σαⱼpⱼ(ρ), j < i.  With weights >= 0 this is ρ times a mean
    of numbers pⱼ(ρ) >= ρʲ >= ρ^{i−1}, so pᵢ(ρ) >= ρⁱ for every i, by induction.  With weights
    that may fall to l < 0 two steps suffice."""
    given = dict(l=LOWEST)
    return AllOf([
        Calculation(given, [], ["l < 0 or not nonneg_on([0, 1, -1], 0, 1)"],
                    "means are at least the smallest of their numbers, and ρ − ρ² >= 0 makes that "
                    "the last one", necessary=True),
        Calculation(given, TWO_STEPS, ["l >= -1", *SHORTER], SHORTER_BY)])


@claim("derived (eq. (3.21))", notion="bound")
def semi_iteration_accelerates_corrected():
    """Without the condition αⱼ >= 0 some weights with Σⱼαⱼ = 1 give after two steps a residual
    polynomial whose maximum modulus over [0, ρ] is below ρ², for every 0 < ρ < 1: α₀ = −ρ and
    α₁ = 1 + ρ."""
    from stabkit.multigrid import MultiStep, identity
    points = [(Fraction(x, 5), Fraction(r, 4)) for x in range(3) for r in (1, 2)]
    log = Transcript()
    x, q = (log.give(name, list(values)) for name, values in zip("xq", zip(*points, strict=True),
                                                                 strict=True))
    one, least = Fraction(1), log.give("l", -1)
    f = log.term(f"ones({len(points)})")
    step = MultiStep(((one,), (least * q, 1 - least * q)), ((identity,), (identity, identity)))
    last = step(lambda u: (1 - x) * u, f, 0 * x)[-1]
    return Calculation(
        log.given, [*log.let, *TWO_STEPS],
        [f"{f.text} - (1 - x) * ({last.text}) == (1 - l*q)*x**2 + l*q*x", *SHORTER],
        f"x stands for an eigenvalue of I − A B, q for ρ: two steps of (3.21) from u = 0 leave the "
        f"residual p₂(x), of degree 2 in x and 1 in q, as 3 × 2 points show; {SHORTER_BY}",
        necessary=True)


OMEGA2 = "2/(2 - rho**2)"
CHEBYSHEV = [("w1", "ones(112)"), ("w2", OMEGA2.replace("rho", "q"))]
T = {1: "y", 2: "2*y**2 - 1", 3: "4*y**3 - 3*y", 4: "8*y**4 - 8*y**2 + 1",
     5: "16*y**5 - 20*y**3 + 5*y"}


@claim("eq. (3.23)", within=dict(k=(1, 2, 3, 4, 5)))
def chebyshev_residual_polynomial(k):
    """With B fixed and linear, ω¹ = 1, ω² = 2/(2 − ρ²) and ω^{k+1} = 1/(1 − ρ²ωᵏ/4) for k >= 2, the
    residual after k steps of (3.23) is T_k(X/ρ)/T_k(1/ρ) applied to r⁰, X = I − A B."""
    points = [(Fraction(x, 7), Fraction(r, 17)) for x in range(-3, 4) for r in range(1, 17)]
    x, q = zip(*points, strict=True)
    omegas = CHEBYSHEV + [(f"w{j + 1}", f"1/(1 - q**2*w{j}/4)") for j in range(2, k)]
    steps = [(f"u{j}", f"w{j}*(u{j - 1} + (f - (1 - x)*u{j - 1})) + (1 - w{j})*u{max(j - 2, 0)}")
             for j in range(1, k + 1)]
    return Calculation(
        dict(x=x, q=q),
        [*omegas[:max(k, 1)], ("f", "ones(112)"), ("u0", "0*x"), *steps, ("T(y)", T[k])],
        [f"(f - (1 - x)*u{k}) * T(1/q) == T(x/q)"],
        "x stands for an eigenvalue of X (A B = 1 − x), q for ρ.  Multiplied by the denominators, "
        "both sides are polynomials of degree <= 5 in x and <= 30 in q, even or odd in q; they "
        "agree at 7 × 16 points with q > 0, so always", necessary=True)


@claim("eq. (3.23)", weight="minor", quote=FROM_SEMI, expect=REFUTED,
       within=dict(rho=("1/2", "3/4", "9/10"), AB=("1", "1/2")))
def chebyshev_is_a_semi_iteration(rho, AB):
    """For 0 < ρ < 1 and every linear A, (3.23) with one linear B on all steps is of the form
    (3.21), with every Bⱼⁱ equal to B or 0, constants αⱼⁱ >= 0 and Σⱼαⱼⁱ = 1."""
    return Calculation(
        dict(A=AB, f=1, u0=0, rho=rho),
        [("w", OMEGA2), ("u1", "u0 + (f - A*u0)"),
         ("u2", "w*(u1 + (f - A*u1)) + (1 - w)*u0"),
         ("corners", "[u0, u0 + (f - A*u0), u1, u1 + (f - A*u1)]")],
        ["min(corners) <= u2", "u2 <= max(corners)"],
        "B = 1.  With weights >= 0 that sum to 1, u² is a mean of the uʲ and uʲ + B rʲ",
        necessary=True)


def semi_weights(w):
    """α_{i−2} and α_{i−1} of step i, where ωⁱ = w."""
    return 1 - w, w


def _bend(matrix: list) -> Callable[[Any], Any]:
    """A map that is not linear."""
    M = from_matrix(matrix)
    return lambda r: abs(M @ r) - 1


#: Any linear A, any maps B¹ and B², any ω² and u; listed are numbers ω² <= 1 and > 1.
TWO_STEPS_OF = dict(A=(from_matrix([[2, -1], [1, 3]]),), B1=(_bend([[1, 2], [0, -1]]),),
                    B2=(_bend([[1, 0], [3, 1]]),), omega=("1", "8/7", "3/2"), f=((1, 2), (0, -3)),
                    u=((3, -1),))
ANY_TWO_STEPS = dict(A=AnyOperator("N", "N"), B1=AnyMap(), B2=AnyMap(), omega=AnyReal(),
                     f=AnyVector(), u=AnyVector())


@claim("derived (eq. (3.23))", weight="minor", within=TWO_STEPS_OF, for_all=ANY_TWO_STEPS)
def chebyshev_is_a_semi_iteration_corrected(A, B1, B2, omega, f, u):
    """Step i of (3.23) is (3.21) with α_{i−1} = ωⁱ, B_{i−1} = Bⁱ, α_{i−2} = 1 − ωⁱ and B_{i−2} = 0:
    the weights sum to 1, but 1 − ωⁱ < 0 for ωⁱ > 1."""
    from stabkit.multigrid import ChebyshevStep, MultiStep, nothing
    one, w = Fraction(1), constant(omega)
    chebyshev = ChebyshevStep((one, w), (B1, B2))
    semi = MultiStep(((one,), semi_weights(w)), ((B1,), (nothing, B2)))
    return Identity(lambda f, u: chebyshev(lambda v: A @ v, f, u)[-1],
                    lambda f, u: semi(lambda v: A @ v, f, u)[-1], dict(f=f, u=u),
                    "the same sum, term by term")


PRINTED_RECURSION = "w*r1 + (1 - w)*r0 - A*B*r1"


@claim("eq. (3.24)", weight="minor", expect=REFUTED, within=dict(omega=("1", "2"), B=("1", "1/2")))
def chebyshev_residual_recursion(omega, B):
    """For linear A, (3.23) implies rⁱ = ωⁱrⁱ⁻¹ + (1 − ωⁱ)rⁱ⁻² − A Bⁱrⁱ⁻¹."""
    return Calculation(
        dict(A=1, B=B, f=1, u0=0, u1=0, w=omega),
        [("r0", "f - A*u0"), ("r1", "f - A*u1"), ("r2", "f - A*(w*(u1 + B*r1) + (1 - w)*u0)")],
        [f"r2 == {PRINTED_RECURSION}"], "the last term lacks the factor ω", necessary=True)


def recursion(w: Any, before: Any, now: Any, corrected: Any) -> Any:
    """rⁱ of ωⁱ, rⁱ⁻², rⁱ⁻¹ and A Bⁱ(rⁱ⁻¹)."""
    return w * (now - corrected) + (1 - w) * before


@claim("derived (eq. (3.24))", weight="minor", within=TWO_STEPS_OF, for_all=ANY_TWO_STEPS)
def chebyshev_residual_recursion_corrected(A, B1, B2, omega, f, u):
    """For linear A, (3.23) implies rⁱ = ωⁱ(rⁱ⁻¹ − A Bⁱ(rⁱ⁻¹)) + (1 − ωⁱ)rⁱ⁻², also for nonlinear
    Bⁱ; here from any u⁰ and, as B¹ is any map, any u¹."""
    from stabkit.multigrid import ChebyshevStep
    w = constant(omega)
    step = ChebyshevStep((Fraction(1), w), (B1, B2))

    def residuals(f: Any, u: Signal) -> list:
        return [f - A @ v for v in step(lambda v: A @ v, f, u)[-3:]]

    def by_recursion(f: Any, u: Signal) -> Any:
        before, now, _ = residuals(f, u)
        return recursion(w, before, now, A @ B2(now))

    return Identity(lambda f, u: residuals(f, u)[2], by_recursion, dict(f=f, u=u),
                    "f has the factor 1 = ω + (1 − ω)")
