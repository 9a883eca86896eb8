"""Growth along trajectories: against finite differences, computed flows, and values by hand."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.arithmetic.rational import fractions
from stabkit.errors import HypothesisNotMet, InvalidArgument, Undecided
from stabkit.growth import (
    LyapunovEstimate,
    finite_time_growth,
    logarithmic_norm,
    lyapunov_exponents,
    matrix_norm,
    monodromy,
    parabolic_rate,
    propagator,
    second_order_rate,
)
from stabkit.growth.linear_pieces import linear_pieces
from stabkit.operators import difference as difference_operator
from stabkit.operators import from_matrix
from stabkit.schemes import Chain, Explicit, repeat
from stabkit.schemes.hamiltonian import Leapfrog, Verlet
from stabkit.schemes.residual import Linear
from stabkit.schemes.symmetric import ForwardEuler, SymmetricLayer, TotalVariation
from stabkit.spectra import jacobian, jacobians
from stabkit.stability.verdict import PROVED, SUPPORTED

MATRIX = [[1, -2, "1/2"], [0, 3, 1], [-1, 1, 2], ["1/3", 0, 1]]
START = ["1/3", "-3/4", "2/7"]
LEDGER = [[1, 0], [-1, "1/2"], [-1, "-1/2"]]


def layer(rows=MATRIX, flux=None, **more):
    return SymmetricLayer(from_matrix(rows), flux or fluxes.relu(), **more)


def irrational(make):
    """A real number of balls as an interval."""
    with precision(200):
        value = make()
        return Interval(value.lower(), value.upper())


def floats(matrix):
    return np.vectorize(float, otypes=[float])(matrix)


def near(matrix, expected, tolerance=1e-15):
    """That intervals are narrow and the expected floats lie in them, but for their own rounding."""
    widths = [entry.width for entry in np.asarray(matrix, dtype=object).flat]
    return max(widths) < tolerance and np.abs(floats(matrix) - expected).max() < tolerance


# -- norms ----------------------------------------------------------------------------------------
def test_norms_of_small_matrices_are_exact():
    assert matrix_norm([[3, 4], [0, 0]]) == 5
    assert matrix_norm(np.zeros((2, 2), dtype=int)) == 0
    assert logarithmic_norm([[-3, 1], [-1, -2]]) == -2
    assert logarithmic_norm([[0, 1], [0, 0]]) == Fraction(1, 2)
    assert logarithmic_norm([[-5]]) == -5


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_norms_enclose_what_numpy_finds(n, seed):
    matrix = np.random.default_rng(seed).standard_normal((n, n))
    norm, mu = matrix_norm(matrix), logarithmic_norm(matrix)
    for found, expected in ((norm, np.linalg.norm(matrix, 2)),
                            (mu, np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])):
        assert found.lower - Fraction(1, 10**12) <= expected <= found.upper + Fraction(1, 10**12)
        assert found.width < 1e-11


def test_the_norm_of_an_interval_matrix_holds_for_all_its_matrices():
    matrix = np.array([[Interval(0, 2), 0], [0, 1]], dtype=object)
    norm, mu = matrix_norm(matrix), logarithmic_norm(matrix)
    assert norm.lower <= 1 and norm.upper >= 2 and mu.lower <= 1 and mu.upper >= 2


# -- the propagator -------------------------------------------------------------------------------
def schemes():
    smooth, other = layer(flux=fluxes.charbonnier()), layer([[1, 0, 1]], fluxes.relu(), bias=[1])
    return {
        "parabolic": ForwardEuler(layer(), "1/20"),
        "bias": ForwardEuler(layer(bias=[1, -1, "1/2", 0]), "1/20"),
        "charbonnier": ForwardEuler(smooth, "1/20"),
        "total variation": ForwardEuler(layer(normalisation=TotalVariation("1/2")), "1/20"),
        "leapfrog": Leapfrog(layer(), "1/5"),
        "verlet": Verlet(layer(), other, "1/5"),
        "diffusion": Explicit(difference_operator(1, 3), fluxes.charbonnier(), "1/5"),
        "changing": Chain([ForwardEuler(layer(), "1/20"), ForwardEuler(other, "1/7")]),
    }


@pytest.mark.parametrize("name", schemes())
def test_the_propagator_is_the_derivative_of_the_steps(name):
    scheme, steps = schemes()[name], 3
    u = fractions((START * 2)[:scheme.size])
    bits = None if name in ("parabolic", "bias", "leapfrog", "verlet", "changing") else 200
    found = propagator(scheme, u, steps, bits=bits)
    start, h = u.astype(float), 1e-6
    differences = [repeat(scheme, steps)(start + h * e) - repeat(scheme, steps)(start - h * e)
                   for e in np.eye(scheme.size)]
    assert np.abs(floats(found.matrix).T - np.array(differences) / (2 * h)).max() < 1e-6
    assert np.abs(floats(found.state) - repeat(scheme, steps)(start)).max() < 1e-12
    norm = np.linalg.norm(floats(found.matrix), 2)
    assert abs(float(found.norm) - norm) < 1e-9 and found.norm.width < 1e-9


def test_the_propagator_is_exact_and_agrees_with_the_derivative_of_the_composition():
    scheme = ForwardEuler(layer(), "1/20")
    found = propagator(scheme, START, 3)
    assert (found.matrix == jacobian(repeat(scheme, 3), START)).all()
    assert (found.state == repeat(scheme, 3)(fractions(START))).all()


def test_enclosures_hold_the_exact_propagator():
    scheme = Leapfrog(layer(), "1/5")
    exact = propagator(scheme, START * 2, 6)
    enclosed = propagator(scheme, START * 2, 6, bits=100)
    assert all(ball.lower <= entry <= ball.upper if isinstance(ball, Interval) else ball == entry
               for ball, entry in zip(enclosed.matrix.flat, exact.matrix.flat, strict=True))
    assert enclosed.norm.overlaps(exact.norm)


def test_a_box_of_weights_lets_perturbations_double():
    # K with rows (1, 1, 1) and (−1, −1, −1), δ = 1: (1, 1, 1) goes to −2, 4, −8, ...
    scheme = ForwardEuler(layer([[1, 1, 1], [-1, -1, -1]]), 1)
    found = propagator(scheme, [1, 1, 1], 5)
    assert (found.state == -32).all() and found.norm == 32


# -- rates ----------------------------------------------------------------------------------------
def runge_kutta(field, x, steps, h):
    for _ in range(steps):
        k1 = field(x)
        k2 = field(x + h / 2 * k1)
        k3 = field(x + h / 2 * k2)
        k4 = field(x + h * k3)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        yield x


RATED = {
    "relu": layer(), "leaky": layer(flux=fluxes.leaky_relu("1/10")),
    "identity": layer(flux=fluxes.identity()), "tanh": layer(flux=fluxes.tanh()),
    "bias": layer(bias=[1, -1, 0, 2]), "scale": layer(scale=[1, 2, "1/2", 0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RATED)
@pytest.mark.parametrize("seed", range(3))
def test_the_rates_hold_along_computed_flows(name, seed):
    made, steps, h = RATED[name], 300, 0.01
    rng = np.random.default_rng(seed)
    starts = rng.standard_normal((2, made.size))
    first, second = float(parabolic_rate(made).upper), float(second_order_rate(made).upper)
    size = np.linalg.norm(starts[0] - starts[1])
    for j, x in enumerate(runge_kutta(made, starts, steps, h), 1):
        assert np.linalg.norm(x[0] - x[1]) <= np.exp(first * j * h) * size * (1 + 1e-6)
    n, both = made.size, np.hstack([starts, np.zeros_like(starts)])
    flow = runge_kutta(lambda x: np.hstack([x[:, n:], made(x[:, :n])]), both, steps, h)
    for j, x in enumerate(flow, 1):
        distance = np.linalg.norm(x[0, :n] - x[1, :n])
        assert distance <= np.exp(second * j * h) * size * (1 + 1e-6)


def test_rates_by_hand():
    assert parabolic_rate(layer([[1, 0], [0, 2]], fluxes.identity())) == -1
    assert parabolic_rate(layer([[1, 0], [0, 2]])) == 0
    assert parabolic_rate(layer([[1, 0], [0, 2]], fluxes.scaled_identity(-1))) == 4
    assert parabolic_rate(layer([[1]], fluxes.identity(), scale=[-3])) == 3
    assert second_order_rate(layer([[1, 1], [1, -1]])) == Fraction(1, 2)


@pytest.mark.slow
def test_the_rate_bounds_the_logarithmic_norm_at_every_state():
    made = layer(flux=fluxes.leaky_relu("1/10"))
    rate = parabolic_rate(made)
    for seed in range(20):
        y = fractions([Fraction(int(k), 4) for k in np.random.default_rng(seed).integers(-9, 9, 3)])
        assert logarithmic_norm(made.jacobian(y)).lower <= rate.upper


def test_rates_need_their_hypotheses():
    with pytest.raises(HypothesisNotMet):
        parabolic_rate(layer(normalisation=TotalVariation(1)))
    with pytest.raises(HypothesisNotMet):
        second_order_rate(layer(flux=fluxes.scaled_identity(-1)))


# -- monodromy ------------------------------------------------------------------------------------
def test_the_pieces_of_fluxes():
    q = Fraction(2)
    assert [(p.low, p.high, p.slope, p.offset) for p in linear_pieces(fluxes.soft(2))] == [
        (None, -q, 0, -q), (-q, q, 1, 0), (q, None, 0, q)]
    assert [(p.slope, p.offset) for p in linear_pieces(fluxes.relu())] == [(0, 0), (1, 0)]
    with pytest.raises(HypothesisNotMet):
        linear_pieces(fluxes.tanh())


def test_cosine_and_then_a_line():
    # y = cos T up to π/2, then −(T − π/2); a quarter turn, then a shear.
    until = irrational(lambda: arb.pi() / 2 + 3)
    found = monodromy(layer([[1]]), [1], until)
    assert near(found.state, [-3, -1]) and near(found.matrix, [[-3, 1], [-1, 0]])
    (switch,) = found.switches
    assert switch.lower <= irrational(lambda: arb.pi() / 2).upper
    assert switch.upper >= irrational(lambda: arb.pi() / 2).lower and switch.width < 1e-20


def test_the_start_may_lie_on_a_breakpoint_that_it_leaves():
    down = monodromy(layer([[1]]), [0], 3, velocity=[-1])
    assert near(down.matrix, [[1, 3], [0, 1]]) and near(down.state, [-3, -1])
    up = monodromy(layer([[1]]), [0], 3, velocity=[1])
    c, s = np.cos(3), np.sin(3)
    assert near(up.matrix, [[c, s], [-s, c]]) and near(up.state, [s, c]) and not up.switches


def test_a_flow_may_end_at_a_switch():
    quarter = irrational(lambda: arb.pi() / 2)
    found = monodromy(layer([[1]]), [1], quarter)
    assert near(found.matrix, [[0, 1], [-1, 0]]) and near(found.state, [0, -1])


def test_clipping_by_hand():
    # y″ = −1 from y = 2: y = 2 − T²/2 meets the breakpoint 1 at T = √2 with the speed −√2.
    found = monodromy(layer([[1]], fluxes.soft()), [2], 2)
    t = 2 - np.sqrt(2)
    c, s, root = np.cos(t), np.sin(t), np.sqrt(2)
    assert near(found.state, [c - root * s, -s - root * c])
    assert near(found.matrix, np.array([[c, s], [-s, c]]) @ [[1, root], [0, 1]])


@pytest.mark.slow
def test_the_monodromy_that_refutes_stability_in_two_dimensions():
    period = irrational(lambda: arb.pi() + arb.pi() / arb(2).sqrt())
    found = monodromy(layer(LEDGER), [1, 0], period)
    trace = irrational(lambda: -arb.pi() / arb(2).sqrt())
    assert near(found.state, [1, 0, 0, 0])
    assert len(found.switches) == 2
    for transverse in (found.trace([1]), found.trace() - 2):
        assert transverse.overlaps(trace) and transverse.width < 1e-15
        assert transverse < -2
    # The other perturbations do not act on the transverse ones.
    assert near(found.block([0, 1])[np.ix_([1, 3], [0, 2])], np.zeros((2, 2)))


@pytest.mark.slow
@pytest.mark.parametrize("name, flux", [("relu", None), ("leaky", fluxes.leaky_relu("1/10")),
                                        ("soft", fluxes.soft("1/2"))])
def test_monodromy_is_the_derivative_of_a_computed_flow(name, flux):
    made = layer(flux=flux, bias=["1/5", "-1/7", "1/3", "1/11"], scale=[1, 2, 1, "1/2"])
    found = monodromy(made, START, 2)

    start = np.concatenate([fractions(START), fractions([0, 0, 0])])
    field = runge_kutta(lambda x: np.hstack([x[3:], made(x[:3])]), start.astype(float), 1000, 0.002)
    *_, end = field
    assert found.switches and np.abs(floats(found.state) - end).max() < 1e-4
    h = Fraction(1, 2**40)
    move = fractions([1, 2, -1, 0, 1, -1])
    moved = start + h * move
    other = monodromy(made, moved[:3], 2, velocity=moved[3:])
    with precision(200):
        difference = (other.state - found.state) / h
        assert np.abs(floats(difference - found.matrix @ move)).max() < 1e-9
    # The flow is Hamiltonian, so its derivative M is symplectic: MᵀJM = J.
    J = np.kron([[0, 1], [-1, 0]], np.eye(3, dtype=int))
    assert near(found.matrix.T @ J @ found.matrix, J, 1e-12)


def test_what_is_not_known_is_undecided():
    with pytest.raises(Undecided, match="touches a breakpoint"):  # the second row rests at 0
        monodromy(layer([[1, 0], [0, 1]]), [1, 0], 2)
    with pytest.raises(Undecided, match="touches a breakpoint"):  # 1 + cos T touches 0 at π
        monodromy(layer([[1, 0], [0, 1]], bias=[1, 5]), [0, -5], 4)


@pytest.mark.parametrize("arguments", [([1, 2], 1), ([1], 0), ([1], Interval(-1, 1)), ([1], "x")])
def test_monodromy_refuses_what_it_cannot_use(arguments):
    with pytest.raises(InvalidArgument):
        monodromy(layer([[1]]), *arguments)


# -- exponents ------------------------------------------------------------------------------------
@pytest.mark.slow
def test_exponents_of_a_linear_map_are_its_logarithms():
    estimate = lyapunov_exponents(Linear(from_matrix([[3, 0], [1, "1/2"]])), [1.0, 1.0], 400)
    assert np.abs(np.array(estimate.exponents) - np.log([3, 0.5])).max() < 0.01
    assert np.abs(np.array(estimate.later) - np.log([3, 0.5])).max() < 1e-9
    assert "not proven" in str(estimate)


@pytest.mark.slow
def test_exponents_of_a_volume_preserving_scheme_add_up_to_nothing():
    estimate = lyapunov_exponents(Leapfrog(layer(), "1/10"), np.arange(6.0) / 7, 200)
    assert abs(sum(estimate.exponents)) < 1e-12


def test_finite_time_growth_is_the_norm_of_the_propagator():
    """‖J₁₁ … J₀‖ by ARPACK lies in the enclosure by exact products; its direction grows so."""
    scheme = Explicit(difference_operator(1, 5), fluxes.rational(), "1/3")
    u = np.array([0.0, 2.0, -1.0, 0.5, 1.5])
    found = finite_time_growth(scheme, u, 4, count=2)
    norm = propagator(scheme, u, 4, bits=200).norm
    assert norm.lower - Fraction(1, 10**9) <= found.factors[0] <= norm.upper + Fraction(1, 10**9)
    assert found.factors[0] >= found.factors[1]
    e = 1e-6 * found.directions[0]
    image = (repeat(scheme, 4)(u + e) - repeat(scheme, 4)(u - e)) / 2e-6
    assert abs(np.linalg.norm(image) - found.factors[0]) < 1e-6
    with pytest.raises(InvalidArgument, match="count"):
        finite_time_growth(scheme, u, 4, count=6)


@pytest.mark.slow
def test_growth_of_many_samples_is_that_of_the_dense_product():
    """Singular values of J₂₉ … J₀ by NumPy; of diag(2, 2, 1, …, 1) the double one; and a smoothing
    run keeps constants, so its factor is 1, among many that are nearly 1."""
    scheme = Explicit(difference_operator(1, 120), fluxes.perona_malik(), "1/4")
    u = np.random.default_rng(2).standard_normal(120) * 3
    product = np.eye(120)
    for J in jacobians(scheme, u, 30):
        product = np.asarray(J) @ product
    found = finite_time_growth(scheme, u, 30, count=3)
    assert np.abs(found.factors / np.linalg.svd(product)[1][:3] - 1).max() < 1e-6
    attained = np.linalg.norm(product @ found.directions.T, axis=0)
    assert np.abs(attained / found.factors - 1).max() < 1e-9
    double = Linear(from_matrix(np.diag(np.append([2, 2], np.full(38, 1))).tolist()))
    assert np.abs(finite_time_growth(double, np.ones(40), 3, count=2).factors - 8).max() < 1e-9
    smooth = Explicit(difference_operator(1, 1000), fluxes.charbonnier(), "1/4")
    calm = finite_time_growth(smooth, np.random.default_rng(0).standard_normal(1000), 100)
    assert 0.9995 < calm.factors[0] < 1 + 1e-12


def test_the_largest_exponents_alone():
    """Two of forty of a linear map: log 3 and log 2."""
    matrix = np.diag(np.append([3, 2], np.full(38, 1)))
    matrix[3, 0] = 1
    scheme = Linear(from_matrix(matrix.tolist()))
    found = lyapunov_exponents(scheme, np.ones(40), 200, count=2)
    assert np.abs(np.array(found.later) - np.log([3, 2])).max() < 1e-9
    with pytest.raises(InvalidArgument, match="count"):
        lyapunov_exponents(scheme, np.ones(40), 200, count=41)
    for estimate in (lyapunov_exponents, finite_time_growth):
        with pytest.raises(InvalidArgument, match="signal of numbers, got 'ones'"):
            estimate(scheme, "ones", 200)


def test_an_estimate_is_supported_and_can_be_nothing_else():
    estimate = lyapunov_exponents(Explicit(difference_operator(1, 4), fluxes.charbonnier(), "1/4"),
                                  np.arange(4.0), 5)
    assert estimate.status is SUPPORTED and estimate.exponents[0] <= 1e-12
    with pytest.raises(InvalidArgument):
        LyapunovEstimate((0.0,), (0.0,), 5, PROVED)
    with pytest.raises(AttributeError):
        estimate.steps = 7
