"""Smoothers that are damped by an estimate of the spectral radius: PyAMG."""

from __future__ import annotations

from fractions import Fraction

from stabkit.claims.claim import claim
from stabkit.claims.configurations import BEYOND, HALF, ONE
from stabkit.operators import PERIODIC, convolution
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

ESTIMATE = "PyAMG 5.4.1, pyamg.util.linalg.approximate_spectral_radius,"
DIAGONAL = ((1, 0), (0, 2))
STARTS = ((1, 0), (1, 1), (2, 1))


#: What one step from v estimates, and the square of its error.
ESTIMATED, ERROR = "dot(v, A @ v) / norm2(v)", "norm2(r) / norm2(v)"


def _quotient(v: tuple[int, int], shows: str, by: str) -> Calculation:
    return Calculation(dict(A=DIAGONAL, v=v), [
        ("q", ESTIMATED), ("r", "A @ v - q * v"), ("e", ERROR),
    ], [shows], by,
                       necessary=True)


@claim(f"{ESTIMATE} parameter tol", notion="bound", expect=REFUTED,
       quote="Relative tolerance of approximation, i.e., the error divided by the approximate "
             "spectral radius is compared to tol.",
       within=dict(start=STARTS[:1], tol=(Fraction(1, 100),)))
def pyamg_estimate_is_within_the_tolerance(start, tol):
    """Where the iteration stops because its error is within tol, ρ(A) <= (1 + tol) times the
    estimate.  The error is that of an eigenpair, which need not be the dominant one; here A =
    diag(1, 2), one step, initial guess (1, 0): the error is 0, the estimate 1 and ρ(A) = 2."""
    return _quotient(start, f"psd((1 + {tol}) * q * I(2) - A)",
                     "the estimate of one step is the Rayleigh quotient q of the guess, its error "
                     "the residual r; psd says that no eigenvalue exceeds (1 + tol) q")


@claim(f"derived ({ESTIMATE} parameter tol)", notion="bound", within=dict(start=STARTS))
def pyamg_estimate_is_within_the_tolerance_corrected(start):
    """The error bounds the distance of the estimate from some eigenvalue of a symmetric A."""
    return _quotient(start, "not pd((A - q * I(2)) @ (A - q * I(2)) - e * I(2))",
                     "if every eigenvalue were farther from q than |r|/|v|, then (A - q)^2 > e")


@claim(f"derived ({ESTIMATE} used as a bound by the smoothers)", notion="bound", expect=REFUTED,
       within=dict(start=STARTS[1:]))
def pyamg_estimate_is_an_upper_bound(start):
    """For symmetric A >= 0 the estimate is at least ρ(A); here one step from a positive guess."""
    return _quotient(start, "psd(q * I(2) - A)",
                     "the estimate of one step is the Rayleigh quotient q of the guess")


@claim(f"derived ({ESTIMATE} used as a bound by the smoothers)", notion="bound",
       within=dict(start=STARTS))
def pyamg_estimate_is_an_upper_bound_corrected(start):
    """For symmetric A >= 0 the estimate is at most ρ(A): it is a bound from below."""
    return _quotient(start, "not pd(q * I(2) - A)",
                     "a Ritz value is the Rayleigh quotient of some vector, so at most rho(A)")


@claim("PyAMG 5.4.1, pyamg.relaxation.relaxation.jacobi, example", notion="energy",
       quote="presmoother=('jacobi', {'omega': 4.0/3.0, 'iterations' : 2})",
       within=dict(n=(4, 6), part=(ONE, Fraction(100, 101), Fraction(2, 3))),
       beyond=dict(part=(Fraction(666, 1000),)))
def pyamg_jacobi_bears_an_estimate_from_below(n, part):
    """Jacobi with omega = 4/3, divided by an estimate of ρ(D⁻¹A), does not increase the energy
    norm of the error as long as the estimate is at least 2ρ/(3) — so an estimate that is 1 % too
    small does no harm; here A = [−1 2 −1], periodic, and the estimate is part · ρ."""
    return Calculation(
        dict(A=convolution([-1, 2, -1], n, PERIODIC).exact(), w=Fraction(4, 3) / (2 * part)), [],
        [f"psd(2 * 2 * I({n}) - w * A)"],
        "D = 2 I and rho = 2; |e - w D^-1 A e|_A <= |e|_A for all e iff 2 D - w A >= 0 on the "
        "range of A",
        necessary=True)


CHEBYSHEV = "PyAMG 5.4.1, chebyshev_polynomial_coefficients and smoothing.setup_chebyshev"


@claim(CHEBYSHEV, notion="spectrum",
       quote="a,b typically represent the interval of the spectrum for some matrix that you wish "
             "to damp with a Chebyshev smoother.",
       within=dict(reach=(HALF, ONE, Fraction(11, 10), Fraction(11, 10) + Fraction(1, 30))),
       beyond=dict(reach=tuple(BEYOND[0] * Fraction(34, 30) for _ in range(1))))
def pyamg_chebyshev_bears_an_estimate_from_below(reach):
    """The Chebyshev smoother of degree 3 on [ρ/30, 1.1ρ], ρ an estimate, amplifies nothing as long
    as the true spectral radius is at most (1.1 + 1/30)ρ: the factor 1.1 allows an estimate 11.8 %
    too small, and no more; here ρ = 1 and the spectrum reaches to `reach`."""
    a, b = Fraction(1, 30), Fraction(11, 10)
    return Calculation(
        dict(a=a, b=b, reach=reach),
        [("T(x)", "4 * x**3 - 3 * x"), ("m", "(b + a) / (b - a)"), ("h", "2 / (b - a)"),
         # T(m - h t)/T(m) by Taylor's formula
         ("p", "[T(m), -h * (12 * m**2 - 3), 12 * m * h**2, -4 * h**3] / T(m)")],
        ["nonneg_on([1, 0, 0, 0] - p, 0, reach)", "nonneg_on([1, 0, 0, 0] + p, 0, reach)"],
        "an error along an eigenvector of eigenvalue t is multiplied by p(t)",
        necessary=True)
