"""Derivatives, Newton's method, and reported numbers (Sections 3 and 5)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import determinant, fractions, rank
from stabkit.claims.claim import claim
from stabkit.stability.property import AllOf, Calculation
from stabkit.stability.verdict import REFUTED

NEWTON = "Newton-type methods do not require a “learning rate” or momentum"
SLOPES = {"x**2": "2*x", "x**3 - x": "3*x**2 - 1", "x": "1 + 0*x"}
FIVE_POINTS = ("f(e, i, j) moves one entry by e; it is a polynomial of degree <= 4 in e, for which "
               "the five-point formula is the derivative at 0 exactly.  ")


def _integers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return fractions(rng.integers(-3, 4, shape))


def _jacobian(sigma: str, shape: str, matrix: str, moved: str, seed: int) -> Calculation:
    """Column by column: is `matrix` the derivative of vec(Y⁺) by vec(Y) or vec(K)?"""
    n, s = map(int, shape.split("x"))
    rng = np.random.default_rng(seed)
    columns = s if moved == "Y" else n
    unit = f"e*outer(I({n})[i], I({columns})[j])"
    step = {"Y": f"(Y + {unit}) + delta*sigma(K @ (Y + {unit}) + B)",
            "K": f"Y + delta*sigma((K + {unit}) @ Y + B)"}[moved]
    return Calculation(
        dict(K=_integers(rng, n, n), Y=_integers(rng, n, s), B=_integers(rng, n, s),
             delta="1/3"),
        [("sigma(x)", sigma), ("slope(x)", SLOPES[sigma]), ("D", "diag(vec(slope(K @ Y + B)))"),
         ("J", matrix.format(n=n, s=s, ns=n * s)), ("f(e, i, j)", step),
         ("column(i, j)", "vec(8*(f(1, i, j) - f(-1, i, j)) - f(2, i, j) + f(-2, i, j)) / 12")],
        [f"J.T[{j * n + i}] == column({i}, {j})" for j in range(columns) for i in range(n)],
        FIVE_POINTS + "In general by the chain rule and vec(A V B) = (Bᵀ ⊗ A) vec(V)",
        necessary=True)


@claim("eq. (3.13)", notion="identity", weight="minor",
       within=dict(sigma=("x**2", "x**3 - x"), shape=("1x1", "2x3"), seed=(1, 2)))
def derivative_with_respect_to_the_features(sigma, shape, seed):
    """For Y⁺ = Y + δσ(K Y + b): ∂vec(Y⁺)/∂vec(Y) = I + δ diag(vec σ′(K Y + b)) (I ⊗ K), with vec by
    columns."""
    return _jacobian(sigma, shape, "I({ns}) + delta * (D @ kron(I({s}), K))", "Y", seed)


@claim("eq. (3.13)", notion="identity", weight="minor", expect=REFUTED,
       within=dict(sigma=("x", "x**2"), shape=("1x1", "2x2"), seed=(1,)))
def derivative_with_respect_to_the_weights(sigma, shape, seed):
    """For Y⁺ = Y + δσ(K Y + b): ∂vec(Y⁺)/∂vec(K) = I + δ diag(vec σ′(K Y + b)) (Yᵀ ⊗ I); here for
    square Y, because otherwise the two terms have different shapes."""
    return _jacobian(sigma, shape, "I({ns}) + delta * (D @ kron(Y.T, I({n})))", "K", seed)


@claim("eq. (3.13)", notion="identity", weight="minor",
       within=dict(sigma=("x", "x**2", "x**3 - x"), shape=("1x1", "2x3"), seed=(1, 2)))
def derivative_with_respect_to_the_weights_corrected(sigma, shape, seed):
    """∂vec(Y⁺)/∂vec(K) = δ diag(vec σ′(K Y + b)) (Yᵀ ⊗ I), without I.  Its product with vec(V) is
    vec(δσ′ ⊙ (V Y)), the transposed one gives δ(σ′ ⊙ W)Yᵀ, and that of the derivative with respect
    to Y gives W + δKᵀ(σ′ ⊙ W)."""
    return _weight_products(sigma, shape, seed, "delta * (D @ kron(Y.T, I({n})))")


def _weight_products(sigma, shape, seed, matrix):
    """`matrix` is the derivative, with these products."""
    n, s = map(int, shape.split("x"))
    found = _jacobian(sigma, shape, matrix, "K", seed)
    rng = np.random.default_rng([seed, n])
    return Calculation(
        dict(found.given, V=_integers(rng, n, n), W=_integers(rng, n, s)),
        [*found.let, ("g", "slope(K @ Y + B)"),
         ("F", f"I({n * s}) + delta * (D @ kron(I({s}), K))")],
        [*found.shows, "J @ vec(V) == vec(delta * g * (V @ Y))",
         "J.T @ vec(W) == vec(delta * (g * W) @ Y.T)",
         "F.T @ vec(W) == vec(W + delta * K.T @ (g * W))"], found.by, necessary=True)


@claim("Section 3", notion="bound", weight="minor", quote=NEWTON, expect=REFUTED,
       within=dict(start=("0", "1", "2", "3")))
def newton_needs_no_step_length(start):
    """Full steps of Newton's method reduce every smooth strictly convex objective from every start,
    and full steps of the Gauss–Newton method every least-squares objective; here √(1 + x²), and
    r²/2 with r = x/√(1 + x²)."""
    return Calculation(
        dict(x=start), [("newton", "x - x * (1 + x**2)"), ("f2(x)", "1 + x**2"),
                        ("g2(x)", "x**2 / (2 + 2*x**2)")],
        ["f2(newton) <= f2(x) or g2(newton) <= g2(x)"],
        "f = √(1 + x²) has f′ = x/f and f″ = 1/f³ > 0; r has r′ = 1/f³: both steps go to "
        "x − x(1 + x²) = −x³.  f2 is f², g2 the least-squares objective; both grow where neither "
        "comparison holds, as from every |x| > 1", necessary=True)


def _regular(rng: np.random.Generator, n: int) -> np.ndarray:
    while determinant(found := _integers(rng, n, n)) == 0:
        pass
    return found


def _full_rank(rng: np.random.Generator, rows: int, n: int) -> np.ndarray:
    while rank(found := _integers(rng, rows, n)) < n:
        pass
    return found


@claim("derived (Section 3)", notion="bound", weight="minor", within=dict(n=(1, 2, 3), seed=(1, 2)))
def newton_needs_no_step_length_corrected(n, seed):
    """Where the gradient is not 0 and the Hessian H is positive definite (the Jacobian J has full
    column rank), the Newton (Gauss–Newton) direction is a descent direction, so small enough steps
    reduce the objective; for a quadratic objective (an affine residual) the full step minimises."""
    return _descends(n, seed, 1)


def _descends(n, seed, sign):
    """With a Hessian of one sign: a descent direction, and the full step minimises."""
    rng = np.random.default_rng([seed, n])
    J, root = _full_rank(rng, n + 1, n), _regular(rng, n)
    gradient = fractions([1] + [0] * (n - 1)) + 2 * _integers(rng, n)
    while not any(J.T @ (residual := _integers(rng, n + 1))):
        pass
    given = dict(H=sign * root.T @ root, J=J, g=gradient, r=residual)
    let = [("d", "-(inverse(H) @ g)"), ("gauss", "-(inverse(J.T @ J) @ (J.T @ r))")]
    return AllOf([
        Calculation(given, let,
                    ["pd(H)", "dot(g, d) == -dot(d, H @ d)", f"rank(J) == {n}",
                     "dot(J.T @ r, gauss) == -norm2(J @ gauss)"],
                    "gᵀd = −dᵀHd < 0 and (Jᵀr)ᵀd = −|Jd|² < 0"),
        Calculation(given, let,
                    ["dot(g, d) < 0 and dot(J.T @ r, gauss) < 0", "H @ d + g == 0*g",
                     "J.T @ (J @ gauss + r) == 0*g"],
                    "the directions descend, and the gradient of the quadratic model vanishes "
                    "after a full step", necessary=True)])


@claim("Section 3", notion="identity", weight="minor", quote="they naturally scale",
       within=dict(n=(1, 2, 3), seed=(1, 2, 3)))
def newton_scales_naturally(n, seed):
    """With nonsingular, exactly solved linear systems the Newton and the Gauss–Newton iterates are
    equivariant under every invertible linear change of variables x = A z.  (Truncated inner
    iterations need not be.)"""
    return _are_equivariant(n, seed, "inverse({})")


def _are_equivariant(n, seed, inverse):
    """Of the steps x − H⁻¹g, with `inverse` of the second derivatives for H⁻¹."""
    rng = np.random.default_rng([seed, n])
    half = _regular(rng, n)
    while determinant(H := half + half.T) == 0:
        half = _regular(rng, n)
    return Calculation(
        dict(H=H, J=_full_rank(rng, n + 1, n), A=_regular(rng, n), g=_integers(rng, n),
             r=_integers(rng, n + 1), z=_integers(rng, n)),
        [("x", "A @ z"), ("L", "J @ A"), ("newton", f"x - {inverse.format('H')} @ g"),
         ("newton_z", f"z - {inverse.format('A.T @ H @ A')} @ (A.T @ g)"),
         ("gauss", f"x - {inverse.format('J.T @ J')} @ (J.T @ r)"),
         ("gauss_z", f"z - {inverse.format('L.T @ L')} @ (L.T @ r)")],
        ["A @ newton_z == newton", "A @ gauss_z == gauss"],
        "by the chain rule the gradient in z is Aᵀg, the Hessian AᵀHA, the Jacobian J A; "
        "(AᵀHA)⁻¹Aᵀg = A⁻¹H⁻¹g for every g, likewise with JᵀJ; by induction for all iterates",
        necessary=True)


def _reduction(start: str, end: str, percent: str) -> Calculation:
    """Can numbers that round to the printed ones be reduced by what rounds to the percentage?"""
    return Calculation(
        dict(start=start, end=end, claimed=Fraction(percent) / 100, half="1/2000"),
        [("low", "1 - (end + half)/(start - half)"), ("high", "1 - (end - half)/(start + half)")],
        ["low <= claimed + half", "claimed - half <= high"],
        "start and end are printed with three decimals and the percentage with one, so each may be "
        "off by `half`; low and high are the least and the largest reduction", necessary=True)


@claim('Section 5 ("62.4%")', notion="identity", weight="minor",
       quote="reduces the objective function by about 62.4% from about 0.218 to 0.082",
       within=dict(start=("0.218",), end=("0.082",), percent=("62.4",)))
def fine_training_reduction(start, end, percent):
    """From 0.218 to 0.082 is a reduction by 62.4%, within the rounding of the printed numbers."""
    return _reduction(start, end, percent)


@claim('Section 5.1 ("62.8%")', notion="identity", weight="minor", expect=REFUTED,
       within=dict(start=("0.212",), end=("0.081",), percent=("62.8",)))
def coarse_training_reduction(start, end, percent):
    """From 0.212 to 0.081 is a reduction by 62.8%, within the rounding of the printed numbers."""
    return _reduction(start, end, percent)


@claim("derived (Section 5.1)", notion="identity", weight="minor",
       within=dict(start=("0.212",), end=("0.081",), percent=("61.8",)))
def coarse_training_reduction_corrected(start, end, percent):
    """From 0.212 to 0.081 is a reduction by 61.8%, within the rounding of the printed numbers."""
    return _reduction(start, end, percent)


@claim('Section 5.1 ("35.5%")', notion="identity", weight="minor", expect=REFUTED,
       quote="reduction of the objective function of 35.5% from around 0.218 to 0.147",
       within=dict(start=("0.218",), end=("0.147",), percent=("35.5",)))
def prolonged_start_reduction(start, end, percent):
    """From 0.218 to 0.147 is a reduction by 35.5%, within the rounding of the printed numbers."""
    return _reduction(start, end, percent)


@claim("derived (Section 5.1)", notion="identity", weight="minor",
       within=dict(start=("0.218",), end=("0.147",), percent=("32.6",)))
def prolonged_start_reduction_corrected(start, end, percent):
    """From 0.218 to 0.147 is a reduction by 32.6%, within the rounding of the printed numbers."""
    return _reduction(start, end, percent)


@claim('Section 4, "4 times cheaper in 2D and 8 times cheaper in 3D"', notion="bound",
       weight="minor", within=dict(dimension=(2, 3)))
def coarse_work_adds_at_most_a_third(dimension):
    """One pass on every level of a hierarchy costs at most 4/3 (in two dimensions) and 8/7 (in
    three) of one pass on the finest, for every number of levels."""
    return _work_at_most(2**dimension, Fraction(2**dimension, 2**dimension - 1))


def _work_at_most(cheaper, bound):
    return Calculation(
        dict(q=cheaper, bound=bound, levels=list(range(1, 9))),
        [("work(m)", "(1 - 1 / q**m) / (1 - 1 / q)")],
        ["work(levels) <= bound", "1 + bound / q <= bound"],
        "the work W of m + 1 levels is 1 + W/q for that of m, so it stays below every such bound, "
        "by induction.  It tends to q/(q − 1), and a bound below that fails the last condition",
        necessary=True)
