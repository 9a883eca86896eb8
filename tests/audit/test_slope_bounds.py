"""Constants from the slopes of activations, against every pattern of slopes and another solver."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from math import inf

import numpy as np
import pytest

from stabkit import audit
from stabkit.audit.npz_file import from_arrays
from stabkit.audit.result import Audit
from stabkit.networks.form_certificate import assemble, certified_square
from stabkit.networks.graph import Graph
from stabkit.networks.multipliers import better_multipliers, first_multipliers
from stabkit.networks.slope_bound import slope_bound
from stabkit.networks.slope_form import slope_form
from stabkit.replay import check


def net(*matrices: np.ndarray, flux: str = "relu") -> Graph:
    """Layers in a row with one flux between them."""
    arrays: dict[str, np.ndarray] = {}
    for i, matrix in enumerate(matrices):
        arrays[f"A{i}"] = np.asarray(matrix, dtype=float)
        if i + 1 < len(matrices):
            arrays[f"flux{i}"] = np.array(flux)
    return from_arrays(arrays)


def drawn(*sizes: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((m, n)) for n, m in pairwise(sizes)]


def largest_pattern(matrices: list[np.ndarray], low: float = 0.0, high: float = 1.0) -> float:
    """max ‖Aₙ D … D A₀‖ over all D with entries `low` or `high`: no constant for slopes is less."""
    widths = [len(matrix) for matrix in matrices[:-1]]
    best = 0.0
    for slopes in product((low, high), repeat=sum(widths)):
        made, at = matrices[0], 0
        for width, matrix in zip(widths, matrices[1:], strict=True):
            made = matrix @ (np.array(slopes[at:at + width])[:, None] * made)
            at += width
        best = max(best, float(np.linalg.norm(made, 2)))
    return best


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(2, 4, 2), (3, 4, 4, 2), (5, 3, 3, 3, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_no_pattern_of_slopes_beats_the_constant(sizes, seed):
    """L is at least the gain of every pattern, and at most the product of the norms."""
    matrices = drawn(*sizes, seed=seed)
    found = slope_bound(net(*matrices), inf)
    assert found is not None
    norms = np.prod([np.linalg.norm(matrix, 2) for matrix in matrices])
    assert largest_pattern(matrices) <= found.constant <= norms * (1 + 1e-4)


@pytest.mark.slow
def test_a_constant_below_the_gain_of_a_pattern_is_never_certified():
    """For L² a hair below that of the best pattern no multipliers make the matrix positive."""
    matrices = drawn(2, 4, 4, 2)
    form = slope_form(net(*matrices))
    least = largest_pattern(matrices) ** 2 * (1 - 1e-6)
    rng = np.random.default_rng(1)
    start = first_multipliers(form)
    tried = [point.weights for point in better_multipliers(form, start, inf)]
    tried += [tried[-1] * np.exp(rng.standard_normal(len(tried[-1]))) for _ in range(50)]
    assert not any(certified_square(form, least, weights) for weights in tried)


def test_the_certificate_needs_every_multiplier_to_be_nonnegative():
    """With t < 0 the inequality for slopes turns round, so nothing is certified by it."""
    form = slope_form(net(*drawn(2, 3, 2)))
    weights = first_multipliers(form).weights.copy()
    weights[0] = -weights[0]
    assert not certified_square(form, 1e12, weights)


def test_two_and_a_quarter_make_a_half():
    """I/4 relu 2 I has the constant 1/2, which the product of norms finds, too."""
    found = slope_bound(net(2 * np.eye(3), np.eye(3) / 4), inf)
    assert Fraction(1, 2) <= found.constant <= Fraction(1, 2) * (1 + Fraction(1, 10**4))


def test_factors_that_undo_each_other():
    """diag(2, 1/2) and diag(1/2, 2) around ReLU: 1, where the product of the norms is 4."""
    found = slope_bound(net(np.diag([2, 0.5]), np.diag([0.5, 2])), inf)
    assert 1 <= found.constant <= 1 + Fraction(1, 10**4)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(40, 3, 3, 2), (40, 60, 2)])
def test_many_inputs_are_narrowed_without_loss(sizes):
    """A first layer Q A with orthonormal Q' sees no more than A does."""
    matrices = drawn(*sizes)
    q, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((sizes[0], sizes[0])))
    small, turned = slope_form(net(*matrices)), slope_form(net(matrices[0] @ q, *matrices[1:]))
    assert small.inputs == turned.inputs == min(sizes[0], sizes[1])
    found = [slope_bound(net(*matrices), inf), slope_bound(
        net(matrices[0] @ q, *matrices[1:]), inf)]
    assert float(found[0].constant) == pytest.approx(float(found[1].constant), rel=1e-4)


@pytest.mark.slow
def test_a_narrowed_form_is_never_too_small():
    """Without activations between, narrowing must keep at least the norm itself."""
    for seed in range(5):
        matrices = drawn(30, 4, 4, seed=seed)
        gain = np.linalg.norm(matrices[1] @ matrices[0], 2)  # all slopes 1
        assert slope_bound(net(*matrices), inf).constant >= gain


@pytest.mark.slow
def test_the_constant_is_that_of_another_solver():
    """The semidefinite program, solved by Clarabel (interior points, homogeneous embedding)."""
    cvxpy = pytest.importorskip("cvxpy")
    if "CLARABEL" not in cvxpy.installed_solvers():
        pytest.skip("needs clarabel")
    form = slope_form(net(*drawn(3, 6, 6, 2), flux="leaky_relu"))
    t, square = cvxpy.Variable(len(form.low), nonneg=True), cvxpy.Variable()
    fixed = assemble(form, 1e-300, np.zeros(len(form.low)))
    unit = assemble(form, 1.0, np.zeros(len(form.low))) - fixed
    P, Q = form.factors
    half = P.T @ cvxpy.diag(t) @ Q
    cvxpy.Problem(cvxpy.Minimize(square), [square * unit + fixed + (half + half.T) / 2 >> 0]).solve(
        solver="CLARABEL")
    found = slope_bound(net(*drawn(3, 6, 6, 2), flux="leaky_relu"), inf)
    assert float(found.constant) == pytest.approx(float(square.value) ** 0.5, rel=1e-4)


def test_a_residual_block_has_a_certificate_of_its_own():
    """u − W'φ(W u)/2 with W₂ off the transpose by 1e-7: 1 up to 1e-4, not 1 + ‖W‖²/2."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((5, 4))
    W /= np.linalg.norm(W, 2)
    graph = from_arrays({"W1": W, "W2": -W.T * (1 + 1e-7 * rng.standard_normal((4, 5))),
                         "flux": np.array("tanh")})
    assert 1 - Fraction(1, 10**6) <= slope_bound(graph, inf).constant <= 1 + Fraction(1, 10**4)


def test_slopes_that_are_known_to_be_smaller_lower_the_constant():
    """With all slopes 1 the constant is the norm of the product of the matrices."""
    matrices = drawn(3, 4, 2)
    graph = net(*matrices)
    place = next(i for i, node in enumerate(graph.nodes) if not node.layer.is_linear)
    one = np.ones(4)
    found = slope_bound(graph, inf, {place: (one, one)})
    assert found.constant >= Fraction(float(np.linalg.norm(matrices[1] @ matrices[0], 2))) * (
        1 - Fraction(1, 10**12))
    assert float(found.constant) == pytest.approx(
        np.linalg.norm(matrices[1] @ matrices[0], 2), rel=1e-3)


# -- in an audit -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def audited() -> Audit:
    """Of a network whose norms multiply to more than twice what its slopes allow."""
    return audit(net(*drawn(3, 5, 5, 2)), at_most=20, budget=4)


@pytest.mark.slow
def test_an_audit_is_nearer_than_the_product_of_norms(audited):
    matrices = drawn(3, 5, 5, 2)
    norms = np.prod([np.linalg.norm(matrix, 2) for matrix in matrices])
    assert largest_pattern(matrices) <= audited.upper < 0.9 * norms
    assert audited.lower <= audited.upper


def test_the_matrix_inequality_replays(audited):
    """The evidence holds by the checker, and no longer with a smaller constant in it."""
    judgement = next(item for item in audited.judgements if item.notion.startswith("constant"))
    shown = [item.to_json({}) for item in judgement.evidence if "psd(M)" in item.data["shows"]]
    assert len(shown) == 1 and check(shown[0]) is None
    shown[0]["data"]["given"]["square"] = str(Fraction(shown[0]["data"]["given"]["square"]) / 2)
    assert check(shown[0]) is not None
