"""What rounding did to a network's numbers is told as rounding, and nothing else is."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import Explicit, InvalidArgument, Status, audit, fluxes, from_matrix, replay
from stabkit.audit import npz_file
from stabkit.cli import main
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import (
    Activation,
    Dense,
    Scaling,
    Sum,
)
from stabkit.operators.singular_values import upper_root

RNG = np.random.default_rng(4)


def holds(result):
    return all(finding.holds for finding in replay(result.to_json()))


def told(result, notion):
    return next(item for item in result.judgements if item.notion == notion)


def dense(*matrices, flux=None):
    nodes, width = [], matrices[0].shape[1]
    for number, matrix in enumerate(matrices):
        nodes.append(Node(f"A{number}", "Gemm", Dense(matrix), (len(nodes) - 1,), (len(matrix),)))
        if flux and number < len(matrices) - 1:
            nodes.append(Node(f"phi{number}", flux.name, Activation(flux), (len(nodes) - 1,),
                              (len(matrix),)))
    return Graph(nodes, (width,), "row")


def orthogonal(n):
    return np.linalg.qr(RNG.standard_normal((n, n)))[0].astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("n, flux", [(4, None), (16, fluxes.tanh()), (20, None)])
def test_orthogonal_layers_are_what_was_meant(n, flux):
    matrices = [orthogonal(n) for _ in range(2)]
    result = audit(dense(*matrices, flux=flux), budget=1)
    found = told(result, "euclidean")
    assert result.status is Status.PROVED and holds(result)
    assert "norm 1" in found.rounding or result.upper <= 1
    near = Fraction(1, 10**6)
    assert 1 - near <= result.lower <= result.upper <= 1 + near
    exact = max(np.linalg.norm(matrix.astype(float), 2) for matrix in matrices)
    assert abs(exact - 1) < 1e-6
    assert audit(dense(*matrices, flux=flux), at_most="1.000001", rounding="exact",
                 budget=1).status is Status.PROVED


@pytest.mark.slow
def test_an_orthogonal_layer_taken_as_it_stands_is_not_proved():
    matrix = orthogonal(4) * np.float32(1 + 2**-22)
    assert np.linalg.norm(matrix.astype(float), 2) > 1
    assert audit(dense(matrix), rounding="exact", budget=1).status is Status.REFUTED
    assert audit(dense(matrix), budget=1).status is Status.PROVED
    within = audit(dense(matrix), rounding="intervals", budget=1)
    assert within.status is not Status.PROVED and holds(within)
    assert audit(dense(matrix), rounding="intervals", at_most="1.00001",
                 budget=1).status is Status.PROVED


@pytest.mark.parametrize("matrix", [
    orthogonal(4) * np.float32(1.001), orthogonal(4) * np.float32(1.00001),
    np.linalg.qr(RNG.standard_normal((4, 4)))[0] * (1 + 1e-9)])
def test_more_than_rounding_is_not_taken_for_rounding(matrix):
    """float32 by 1e-3 and 1e-5, float64 by 1e-9."""
    result = audit(dense(matrix), budget=1)
    assert result.status is Status.REFUTED and holds(result)
    assert not told(result, "contraction").rounding


def block(W1, W2, flux=None, bias=None):
    """u + W₂Φ(W₁u + b)."""
    m, n = W1.shape
    return Graph([Node("one", "Gemm", Dense(W1, bias), (-1,), (m,)),
                  Node("phi", "", Activation(flux or fluxes.tanh()), (0,), (m,)),
                  Node("two", "Gemm", Dense(W2), (1,), (n,)),
                  Node("add", "Add", Sum((1, 1)), (-1, 2), (n,))], (n,), "block")


@pytest.mark.slow
@pytest.mark.parametrize("n, bias", [(6, False), (6, True), (160, False), (160, True)])
def test_a_rounded_transpose_is_told_as_rounding(n, bias):
    """W₂ = −0.1 W₁ᵀ in float32: the map itself is steeper than 1 by rounding at most."""
    K = (RNG.standard_normal((n - 1, n)) / n**0.5).astype(np.float32)
    W2 = (np.float32(-0.1) * K.T).astype(np.float32)
    assert (W2.astype(float) != -0.1 * K.T.astype(float)).any()
    result = audit(block(K, W2, bias=RNG.standard_normal(n - 1) if bias else None), budget=1)
    found = told(result, "contraction")
    assert result.status is Status.PROVED and holds(result)
    assert "-0.1 times the transpose" in found.rounding
    assert 1 <= result.upper < 1 + Fraction(1, 10**6)


@pytest.mark.slow
def test_a_second_map_off_by_more_than_rounding_is_not_meant():
    K = (RNG.standard_normal((5, 6)) / 3).astype(np.float32)
    W2 = (np.float32(-0.1) * K.T).astype(np.float32)
    W2.flat[np.abs(W2).argmax()] *= np.float32(1.00001)
    found = told(audit(block(K, W2), budget=1), "contraction")
    assert found.status is not Status.PROVED and not found.rounding


@pytest.mark.slow
def test_a_step_that_only_rounding_puts_beyond_its_bound():
    """‖K‖² = 20 and L = 1: the bound is 1/10, and the double 0.1 lies 5.6e-18 above it."""
    K = np.array([[4.0, 2.0], [0, 0]])
    def at(tau):
        return npz_file.from_arrays({"W1": K, "flux": "identity", "step": np.array(tau)})
    found = audit(at(0.1), budget=1)
    assert Fraction(0.1) > Fraction(1, 10)
    assert found.status is Status.PROVED and holds(found)
    assert "step 0.1" in told(found, "contraction").rounding
    assert audit(at(0.1), rounding="exact", budget=1).status is Status.REFUTED
    assert audit(at(0.1 * (1 + 1e-12)), budget=1).status is Status.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("matrix, rounding", [
    (np.array([[.9, .1, 0], [.1, .8, .1], [0, .1, .9]]), "short decimals"),
    (np.array([[1 / 3, 2 / 3], [1 / 7, 6 / 7]]), "fractions")])
def test_rows_that_were_meant_to_add_to_one(matrix, rounding):
    assert any(sum(map(Fraction, row)) != 1 for row in matrix)
    result = audit(dense(matrix), notions=["range"], budget=1)
    found = told(result, "range")
    assert found.status is Status.PROVED and holds(result)
    assert rounding in found.rounding and "refuted" in found.rounding
    assert audit(dense(matrix), notions=["range"], rounding="exact",
                 budget=1).status is Status.REFUTED


@pytest.mark.slow
def test_a_stochastic_matrix_in_single_precision():
    matrix = RNG.random((5, 5))
    matrix = (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
    assert any(sum(map(Fraction, map(float, row))) != 1 for row in matrix)
    found = told(audit(dense(matrix), notions=["range"], budget=1), "range")
    assert found.status is Status.PROVED and "add to 1" in found.rounding
    matrix[0, 0] += np.float32(1e-4)
    assert told(audit(dense(matrix), notions=["range"], budget=1), "range").status is not \
        Status.PROVED


def test_exact_numbers_stay_as_they_are():
    found = audit(dense(np.array([[.5, .25], [.25, .5]])), budget=1)
    assert found.status is Status.PROVED and not told(found, "euclidean").rounding


@pytest.mark.slow
def test_the_command_and_the_call_take_the_same_words(tmp_path):
    path = tmp_path / "row.npz"
    np.savez(path, A0=np.array([[.9, .1], [.1, .9]]))
    codes = {word: main(["audit", str(path), "--notion", "range", "--budget", "1",
                         "--rounding", word]) for word in ("snapped", "exact", "intervals")}
    assert codes["snapped"] == 0 and codes["exact"] in (0, 1) and codes["intervals"] == 3
    assert main(["audit", str(path), "--rounding", "none"]) == 2
    with pytest.raises(InvalidArgument, match="rounding: must be among"):
        audit(str(path), rounding="none")


@pytest.mark.parametrize("factor", [np.array(2.0), np.array([2.0, 3.0])])
def test_all_weights_within_rounding_have_the_constant(factor):
    """Every float32 rounding of a matrix is covered: some neighbours, by LAPACK."""
    matrix = RNG.standard_normal((2, 2)).astype(np.float32)
    graph = Graph([*dense(matrix).nodes, Node("f", "Mul", Scaling(factor), (0,), (2,))], (2,))
    upper = float(audit(graph, rounding="intervals", budget=1).upper)
    for signs in np.ndindex(2, 2, 2, 2):
        near = matrix.astype(float) * (1 + (2 * np.array(signs).reshape(2, 2) - 1) * 2.0**-24)
        assert np.linalg.norm(np.reshape(factor, (-1, 1)) * near, 2) <= upper


@pytest.mark.parametrize("square", [
    Fraction(2), Fraction(4), Fraction(10)**616, 3 * Fraction(1, 10**640), Fraction(2)**2000,
    Fraction(1, 2)**2001])
def test_a_root_is_bounded_at_every_size(square):
    """√a <= r <= √a (1 + 2⁻⁵⁰), also where no float has that size."""
    assert square <= upper_root(square)**2 <= square * (1 + Fraction(1, 2**50))


def test_weights_near_the_ends_of_the_floats():
    """The smallest float shrinks; products of 1e308 are no floats, which is said in words."""
    assert audit(npz_file.from_arrays({"A0": np.array([[5e-324]])}), budget=1).status is \
        Status.PROVED
    huge = npz_file.from_arrays({"A0": np.full((2, 2), 1e308)})
    with pytest.raises(InvalidArgument, match="beyond 1e"):
        audit(huge, budget=1)


@pytest.mark.slow
def test_the_audit_of_a_scheme_tells_rounding_as_decide_does():
    """0.1 stands for 1/10, which is the bound for K = (4, 2); the double lies above it."""
    step = Explicit(from_matrix([[4, 2]]), fluxes.identity(), 0.1)
    told_by = told(audit(step, budget=1), "euclidean")
    assert told_by.status is Status.PROVED and "the double 0.1 of tau" in told_by.rounding
