"""Semi-implicit steps and additive operator splitting."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    RANGE,
    SIGN,
    SemiImplicit,
    additive_splitting,
    decide,
    difference,
    fluxes,
    spectra,
    step_bound,
)
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.fluxes.faces import Facts
from stabkit.fluxes.flux import from_diffusivity
from stabkit.operators import grid_gradient
from stabkit.replay import check
from stabkit.schemes import twins

RATIONAL = fluxes.rational("3/2")


def splitting_of_weickert(u, g, tau, h):
    """(1/m) Σ_l (I − m τ A_l)⁻¹ u with the matrices A_l of the paper, entry by entry, dense."""
    m, total = u.ndim, np.zeros(u.size)
    sites = np.arange(u.size).reshape(u.shape)
    for axis in range(m):
        matrix = np.zeros((u.size, u.size))
        lines = np.moveaxis(sites, axis, 0)
        for i, j in zip(lines[:-1].flat, lines[1:].flat, strict=True):
            weight = g((u.flat[j] - u.flat[i]) / h[axis]) / h[axis]**2
            matrix[i, j] += weight
            matrix[j, i] += weight
            matrix[i, i] -= weight
            matrix[j, j] -= weight
        total += np.linalg.solve(np.eye(u.size) - m * tau * matrix, u.ravel())
    return total / m


@pytest.mark.parametrize(("shape", "h"), [((6,), (1,)), ((4, 5), (1, 0.5)), ((3, 4, 2), (1, 1, 2))])
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_matrices_of_the_paper(monkeypatch, shape, h, compiled):
    """Array expression and loops against dense systems built entry by entry."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0 if compiled else 10**9)
    u = np.random.default_rng(1).standard_normal(shape)
    u.flat[:2] = 0  # an edge where g(0) is asked
    found = additive_splitting(shape, RATIONAL, "5/2", h)(u.ravel())
    assert found == pytest.approx(
        splitting_of_weickert(u, lambda s: 1 / (1 + s * s / 2.25), 2.5, h), abs=1e-13)


@pytest.mark.slow
def test_blocks_of_lines_and_types(monkeypatch):
    """More lines than a block holds, two steps, a batch; float32 to its own precision."""
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    u = np.random.default_rng(2).standard_normal((2, 70 * 67))
    scheme = additive_splitting((70, 67), RATIONAL, 20)
    found, half = scheme.advance(u, 2), scheme.advance(u.astype(np.float32), 2)
    monkeypatch.setattr(twins, "WORTH_COMPILING", 10**9)
    assert np.abs(found - scheme.advance(u, 2)).max() < 1e-13
    assert half.dtype == np.float32
    assert np.abs(half - found).max() < 1e-5


@pytest.mark.slow
def test_a_jump_whose_square_is_infinite(monkeypatch):
    """Nothing flows over it: each side goes to its own values, and no number is lost."""
    u = np.random.default_rng(5).standard_normal((6, 20))
    u[:, 10:] += 1e200
    monkeypatch.setattr(twins, "WORTH_COMPILING", 0)
    found = additive_splitting((6, 20), RATIONAL, 5)(u.ravel()).reshape(6, 20)
    monkeypatch.setattr(twins, "WORTH_COMPILING", 10**9)
    alone = additive_splitting((6, 10), RATIONAL, 5)(u[:, :10].ravel()).reshape(6, 10)
    assert np.abs(found[:, :10] - alone).max() < 1e-13
    assert (found[:, 10:] == 1e200).all()


def test_fractions_solve_the_equation():
    """(I + τ Kᵀ G K) v = u exactly, with G the diagonal of g(K u)."""
    K, tau = difference(1, 5), Fraction(7, 3)
    u = np.array([Fraction(k * k % 7, 2) for k in range(5)], dtype=object)
    v = SemiImplicit(K, fluxes.rational(), tau)(u)
    g = [1 / (1 + (b - a)**2) for a, b in pairwise(u)]
    flow = [0, *(w * (b - a) for w, a, b in zip(g, v, v[1:], strict=False)), 0]
    assert [v[i] - tau * (flow[i + 1] - flow[i]) for i in range(5)] == list(u)


@pytest.mark.parametrize("tau", ["1/8", 1000])
@pytest.mark.parametrize("flux", [fluxes.perona_malik(2), fluxes.soft(), fluxes.weickert()],
                         ids=str)
def test_every_step_size_keeps_range_and_norm(flux, tau):
    """Inverses of M-matrices with row sums 1 are means; their inverses are at least I."""
    on_line = SemiImplicit(difference(1, 7), flux, tau)
    for scheme in (on_line, additive_splitting((3, 4), flux, tau)):
        assert decide(scheme, RANGE).status.value == "proved"
        assert decide(scheme, EUCLIDEAN).status.value == "proved"
    assert decide(on_line, SIGN).status.value == "proved"


@pytest.mark.slow
def test_what_is_false_is_refuted():
    """Inverses for second differences have negative entries; a split step creates signs in 2-D;
    g falls, so a large signal beside a smaller one is smoothed less and differences grow."""
    steep = fluxes.rational("1/4")
    for scheme, notion in ((SemiImplicit(difference(2, 6), RATIONAL, 7), RANGE),
                           (additive_splitting((3, 4), RATIONAL, 7), SIGN),
                           (SemiImplicit(difference(1, 6), steep, 7), CONTRACTION)):
        found = decide(scheme, notion)
        assert found.status.value == "refuted"
        assert all(check(evidence.to_json({})) is None for evidence in found.evidence)


@pytest.mark.parametrize("declared", [-1, 0])
def test_a_negative_diffusivity_is_not_proved(declared):
    """g(s) = (1 − s²)/(1 + s²) falls to −1, whatever is declared: the matrix may be singular."""
    backward = from_diffusivity(lambda s: (1 - s * s) / (1 + s * s),
                                Facts(True, (-2, 1), (declared, 1)))
    for notion in (RANGE, EUCLIDEAN):
        assert decide(SemiImplicit(difference(1, 4), backward, 1), notion).status.value != "proved"


@pytest.mark.slow
def test_all_steps_at_once():
    """No condition of the certificate speaks of τ."""
    bound = step_bound(lambda dt: additive_splitting((3, 4), RATIONAL, dt), RANGE)
    assert "all tau > 0" in str(bound)


def test_derivative():
    """A(u) v = u: A dv = du − dA v, against differences of the step."""
    scheme = additive_splitting((3, 4), RATIONAL, "5/2")
    u = np.random.default_rng(3).standard_normal(12)
    J = np.asarray(spectra.jacobian(scheme, u))
    e = 1e-6
    differences = [(scheme(u + e * d) - scheme(u - e * d)) / (2 * e) for d in np.eye(12)]
    assert np.abs(J - np.transpose(differences)).max() < 1e-8


def test_one_part_is_the_whole_system():
    """With all rows in one part it is the semi-implicit step, here by SciPy's solver."""
    K, u = grid_gradient((3, 3)), np.random.default_rng(4).standard_normal(9)
    dense = K.sparse().toarray()
    g = 1 / (1 + (dense @ u)**2 / 2.25)
    matrix = scipy.sparse.csc_array(np.eye(9) + 2 * dense.T @ (g[:, None] * dense))
    assert SemiImplicit(K, RATIONAL, 2)(u) == pytest.approx(scipy.sparse.linalg.spsolve(matrix, u))


def test_wrong_parts():
    with pytest.raises(InvalidArgument, match="split: the parts have 7 rows together, K has 4"):
        SemiImplicit(difference(1, 5), RATIONAL, 1, (3, 4))
    with pytest.raises(InvalidArgument, match="split"):
        SemiImplicit(difference(1, 5), RATIONAL, 1, (0, 4))
    with pytest.raises(InvalidArgument, match="tau"):
        additive_splitting((3, 4), RATIONAL, 0)


def test_no_theorem_for_all_of_it():
    """An inverse is no word of the proofs for all operators."""
    from stabkit.proof.symbols import Symbols
    with pytest.raises((HypothesisNotMet, InvalidArgument)):
        SemiImplicit(difference(1, 5), RATIONAL, 1)(Symbols().vector("u"))
