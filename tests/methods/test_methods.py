"""Methods in time: published intervals and coefficients, and steps against powers of matrices."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import (
    EUCLIDEAN,
    Explicit,
    HypothesisNotMet,
    InvalidArgument,
    Stable,
    decide,
    difference,
    fluxes,
    methods,
)
from stabkit.arithmetic.rational import fractions
from stabkit.spectra import jacobian
from stabkit.stability.verdict import PROVED, REFUTED

#: Order, real interval, imaginary interval, SSP coefficient; Hairer and Wanner (1996), Gottlieb,
#: Ketcheson and Shu (2011), and for √8 and √3 the roots of |R(iy)| = 1.
RUNGE_KUTTA = {
    methods.euler: (1, 2, 0, 1),
    methods.midpoint: (2, 2, 0, 0),
    methods.heun: (2, 2, 0, 1),
    methods.ralston: (2, 2, 0, Fraction(1, 2)),
    methods.kutta3: (3, 2.5127453266, 3**0.5, 0),
    methods.heun3: (3, 2.5127453266, 3**0.5, 0),
    methods.ssp33: (3, 2.5127453266, 3**0.5, 1),
    methods.rk4: (4, 2.7852935634, 8**0.5, 0),
    methods.rk38: (4, 2.7852935634, 8**0.5, 0),
    methods.ssp104: (4, 13.917, None, 6),
    methods.ssp2(5): (2, None, 0, 4),
    methods.implicit_midpoint: (2, np.inf, np.inf, 2),
    methods.trapezoidal: (2, np.inf, np.inf, 2),
    methods.backward_euler: (1, np.inf, np.inf, np.inf),
    methods.radau_iia2: (3, np.inf, np.inf, 0),
    methods.lobatto_iiic2: (2, np.inf, np.inf, 0),
}
#: Order, real and imaginary interval; Hairer and Wanner (1996), section V.1; Ghrist et al. (2000).
MULTISTEP = {
    methods.leapfrog: (2, 0, 1),
    methods.adams_bashforth(1): (1, 2, 0),
    methods.adams_bashforth(2): (2, 1, 0),
    methods.adams_bashforth(3): (3, Fraction(6, 11), 0.7236),
    methods.adams_bashforth(4): (4, Fraction(3, 10), 0.4300),
    methods.adams_bashforth(5): (5, Fraction(90, 551), 0),
    methods.bdf(1): (1, np.inf, np.inf),
    methods.bdf(2): (2, np.inf, np.inf),
    methods.bdf(3): (3, np.inf, 0),
    methods.bdf(6): (6, np.inf, None),
}


def agrees(found, expected, tolerance=0.0):
    """That an enclosure holds an exact value, or is near a printed one."""
    if expected == np.inf:
        return not found.hi.is_finite()
    if isinstance(expected, float):
        return abs(float(found) - expected) < max(tolerance, 10.0 ** -(len(str(expected)) - 3))
    return found.lower <= expected <= found.upper


@pytest.mark.parametrize("method", RUNGE_KUTTA, ids=str)
def test_published_values_of_runge_kutta_methods(method):
    """Each enclosure holds the exact value or the printed digits, and is narrow."""
    order, real, imaginary, ssp = RUNGE_KUTTA[method]
    assert method.order == order
    for found, expected in ((method.real_interval, real), (method.imaginary_interval, imaginary),
                            (method.ssp_coefficient, ssp)):
        if expected is not None:
            assert agrees(found, expected, 5e-4)
            assert expected == np.inf or found.width < 1e-14


@pytest.mark.parametrize("method", MULTISTEP, ids=str)
def test_published_values_of_multistep_methods(method):
    """As above."""
    order, real, imaginary = MULTISTEP[method]
    assert method.order == order
    for found, expected in ((method.real_interval, real), (method.imaginary_interval, imaginary)):
        assert expected is None or agrees(found, expected, 5e-5)


@pytest.mark.parametrize("method", [methods.rk4, methods.kutta3, methods.ssp104], ids=str)
def test_an_interval_ends_where_a_mode_begins_to_grow(method):
    """|R| by floats, just inside and just beyond both ends."""
    for end, axis in ((method.real_interval, -1), (method.imaginary_interval, 1j)):
        r = float(end)
        assert method.amplification(axis * r * np.linspace(0, 0.999, 50)).max() <= 1 + 1e-12
        assert method.amplification(axis * r * 1.001) > 1


@pytest.mark.parametrize("k", range(1, 6))
def test_root_conditions_by_floats(k):
    """The roots of Σ (α − zβ) ζʲ by NumPy agree with the decision in fractions, off the circle."""
    method, rng = methods.adams_bashforth(k), np.random.default_rng(k)
    for z in rng.uniform(-2, 2, 60):
        for imaginary in (False, True):
            p = (method.alpha.astype(float) - (1j * z if imaginary else z) * method.beta)[::-1]
            size = np.abs(np.roots(p.astype(complex))).max()
            if abs(size - 1) > 1e-6:
                assert method.is_stable_at(Fraction(z), imaginary=imaginary) == (size < 1)


def test_a_wrong_table_is_seen():
    """1/3 in place of 1/6 among the weights of the classical method: not even of order 1."""
    wrong = methods.RungeKutta("wrong", methods.rk4.A, ["1/3", "1/3", "1/3", "1/6"])
    assert wrong.order == 0 and not wrong.real_interval.overlaps(methods.rk4.real_interval)
    assert methods.Multistep("explosive", [-1, -1, 1], [1, 0, 0]).real_interval == 0


def test_steps_are_polynomials_of_the_operator():
    """For a linear flux u⁺ = R(−τKᵀK) u, in fractions; the Jacobian of any step by differences."""
    K, tau = difference(1, 5), Fraction(1, 3)
    u = fractions([1, -2, "1/2", 3, 0])
    z = -tau * (K.T @ K).exact()
    expected, term = u, u
    for k in range(1, 5):
        term = z @ term / k
        expected = expected + term
    assert (methods.rk4(K, fluxes.identity(), tau)(u) == expected).all()
    assert (methods.euler(K, fluxes.identity(), tau)(u) ==
            Explicit(K, fluxes.identity(), tau)(u)).all()
    step = methods.ssp33(K, fluxes.perona_malik(), tau)
    v = u.astype(float)
    columns = [(step(v + 1e-6 * e) - step(v - 1e-6 * e)) / 2e-6 for e in np.eye(5)]
    assert np.abs(np.asarray(jacobian(step, v)) - np.array(columns).T).max() < 1e-8


def test_a_claim_about_a_step_of_rk4():
    """‖u⁺‖ <= ‖u‖ for 4τ <= 2.785; a step beyond is refuted."""
    K = difference(1, 6)
    for tau, status in (("69/100", PROVED), ("4/5", REFUTED)):
        found = decide(Stable(methods.rk4(K, fluxes.identity(), tau), EUCLIDEAN))
        assert found.status is status


def test_largest_steps_for_an_operator():
    """−KᵀK: real interval over 4 sin²; a skew difference: imaginary interval over its norm."""
    K = difference(1, 40)
    tau = methods.rk4.largest_step(-1 * (K.T @ K))
    top = 2 + 2 * np.cos(np.pi / 40)
    assert abs(float(tau) * top - 2.7852935634) < 1e-9
    n = 30
    skew = (np.eye(n, k=1) - np.eye(n, k=-1)) / 2
    assert abs(float(methods.rk4.largest_step(skew)) * np.cos(np.pi / (n + 1)) - 8**0.5) < 1e-9
    for bad in (K.T @ K, np.triu(np.ones((3, 3)))):
        with pytest.raises(HypothesisNotMet):
            methods.rk4.largest_step(bad)


def test_internal_stages():
    """An error in stage j of the classical method reaches u⁺ as z b_j + …: by perturbed steps."""
    z = Fraction(-3, 2)
    A, b = methods.rk4.A, methods.rk4.b
    for j, (above, below) in enumerate(methods.rk4.internal_functions):
        fields = []
        for i, row in enumerate(A):  # u = 0, and 1 is added to the argument of stage j
            fields.append(z * (sum((a * k for a, k in zip(row, fields, strict=False)),
                                   Fraction(0)) + (1 if i == j else 0)))
        value = sum((w * k for w, k in zip(b, fields, strict=True)), Fraction(0))
        quotient = above(_fmpq(z)) / below(_fmpq(z))
        assert Fraction(int(quotient.p), int(quotient.q)) == value


def _fmpq(value):
    from flint import fmpq
    return fmpq(value.numerator, value.denominator)


def test_what_is_no_method_is_refused():
    """The argument is named."""
    with pytest.raises(InvalidArgument, match="A, b"):
        methods.RungeKutta("x", [[0]], [1, 2])
    with pytest.raises(InvalidArgument, match="alpha"):
        methods.Multistep("x", [1, 0], [1])
    with pytest.raises(InvalidArgument, match="6 steps"):
        methods.bdf(7)
    with pytest.raises(HypothesisNotMet, match="implicit"):
        methods.backward_euler(difference(1, 3), fluxes.identity(), 1)
