"""Constants on a ball: against sampled pairs, exact slopes, and the derivative at the centre."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from functools import cache
from math import inf
from time import monotonic

import numpy as np
import pytest
from click.testing import CliRunner

from stabkit import InvalidArgument, audit, fluxes
from stabkit.audit.cell_evidence import evidence_of_cells
from stabkit.audit.npz_file import from_arrays
from stabkit.cli import cli
from stabkit.networks.affine_forms import Cell
from stabkit.networks.ball_bound import ball_bound
from stabkit.networks.graph import Graph, Node, evaluate
from stabkit.networks.layers import Product
from stabkit.networks.layers.activation import certified_slopes
from stabkit.networks.lines import lines_beside
from stabkit.networks.local_slopes import local_slopes
from stabkit.networks.slope_bound import slope_bound
from stabkit.replay import check
from stabkit.replay.cells import fill, gaps

RNG = np.random.default_rng(4)
MATRICES = [RNG.standard_normal((6, 3)), RNG.standard_normal((5, 6)), RNG.standard_normal((2, 5))]
BIASES = [RNG.standard_normal(6), RNG.standard_normal(5), RNG.standard_normal(2)]
CENTRE = RNG.standard_normal(3)


def net(flux: str) -> Graph:
    arrays = {f"A{i}": matrix for i, matrix in enumerate(MATRICES)}
    arrays |= {f"b{i}": bias for i, bias in enumerate(BIASES)}
    arrays |= {f"flux{i}": np.array(flux) for i in range(2)}
    return from_arrays(arrays)


@cache
def everywhere(flux: str) -> Fraction:
    """The constant that is shown without a ball."""
    return slope_bound(net(flux), inf).constant


def sampled(graph: Graph, radius: float, count: int = 4000) -> float:
    """The largest quotient of random pairs in the ball."""
    d = RNG.standard_normal((2 * count, 3))
    d *= radius * RNG.random((2 * count, 1)) ** (1 / 3) / np.linalg.norm(d, axis=1)[:, None]
    x = CENTRE + d
    y = evaluate(graph, x)
    apart = np.linalg.norm(y[:count] - y[count:], axis=1)
    return float((apart / np.linalg.norm(x[:count] - x[count:], axis=1)).max())


@pytest.mark.slow
@pytest.mark.parametrize("flux", ["relu", "tanh", "leaky_relu", "soft"])
@pytest.mark.parametrize("radius", [0.01, 0.3, 3.0])
def test_no_pair_in_the_ball_is_driven_further_apart(flux, radius):
    graph = net(flux)
    found = slope_bound(graph, inf, local_slopes(graph, CENTRE, radius))
    assert sampled(graph, radius) <= found.constant
    assert found.constant <= everywhere(flux) * (1 + Fraction(1, 10**4))


@pytest.mark.slow
@pytest.mark.parametrize("flux", ["relu", "tanh"])
def test_slopes_of_sampled_inputs_lie_in_the_local_ranges(flux):
    """Φ' at what activations see of random inputs in the ball, computed by hand."""
    graph, radius = net(flux), 0.7
    ranges = list(local_slopes(graph, CENTRE, radius).values())
    for _ in range(500):
        d = RNG.standard_normal(3)
        x = CENTRE + radius * d / np.linalg.norm(d)
        for matrix, bias, (low, high) in zip(MATRICES, BIASES, ranges, strict=False):
            z = matrix @ x + bias
            slope = (z > 0).astype(float) if flux == "relu" else 1 - np.tanh(z) ** 2
            assert (low - 1e-12 <= slope).all() and (slope <= high + 1e-12).all()
            x = np.maximum(z, 0) if flux == "relu" else np.tanh(z)


@pytest.mark.slow
@pytest.mark.parametrize("flux", ["relu", "tanh"])
def test_cutting_the_ball_lowers_the_constant_and_never_below_a_pair(flux):
    """Random pairs close to each other, which see the steepest cell, stay below the bound."""
    graph, radius = net(flux), 0.7
    whole = slope_bound(graph, inf, local_slopes(graph, CENTRE, radius)).constant
    found = ball_bound(graph, CENTRE, radius, monotonic() + 3)
    d = RNG.standard_normal((6000, 3))
    d *= radius * RNG.random((6000, 1)) ** (1 / 3) / np.linalg.norm(d, axis=1)[:, None]
    moved = 1e-6 * RNG.standard_normal(d.shape)
    apart = evaluate(graph, CENTRE + d) - evaluate(graph, CENTRE + d + moved)
    steep = np.linalg.norm(apart, axis=1) / np.linalg.norm(moved, axis=1)
    assert found.cells > 1 and found.constant <= whole
    assert steep.max() <= float(found.constant) * (1 + 1e-6)


def test_cells_cover_the_ball():
    """Every point of a disc lies in a half of it, and so in a quarter; empty ones are left out."""
    ball = Cell(np.array([-1.0, -1.0]), np.array([1.0, 1.0]), 1.0)
    cells = [ball]
    for axis in (0, 1, 0, 1, 0, 1):
        cells = [half for cell in cells for half in cell.halves(axis)]
    angles = RNG.uniform(0, 2 * np.pi, 500)
    points = np.sqrt(RNG.uniform(0, 1, 500)) * np.stack([np.cos(angles), np.sin(angles)])
    inside = [(cell.low <= points.T).all(1) & (cell.high >= points.T).all(1) for cell in cells]
    assert np.any(inside, axis=0).all() and len(cells) < 64


@pytest.mark.slow
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh", "soft", "garrote", "perona_malik"])
def test_an_activation_lies_beside_its_line(name):
    """|Φ(z) − s z − t| <= e at many points of random ranges, Φ by the dictionary's floats."""
    flux = getattr(fluxes, name)()
    low = 3 * RNG.standard_normal(20)
    high = low + RNG.random(20) * np.exp(RNG.standard_normal(20))
    lines = lines_beside(flux, low, high, certified_slopes(flux))
    z = low + (high - low) * np.linspace(0, 1, 800)[:, None]
    away = np.abs(flux.activation(z) - lines.slope * z - lines.shift)
    assert (away <= lines.margin + 1e-12).all()
    assert (lines.margin <= (high - low) * (lines.high - lines.low) / 2 + 1e-12).all()


@pytest.mark.slow
def test_in_a_tiny_ball_the_constant_is_the_norm_of_the_derivative():
    graph, x = net("tanh"), CENTRE
    made = np.eye(3)
    for matrix, bias in zip(MATRICES[:2], BIASES[:2], strict=True):
        z = matrix @ x + bias
        made, x = (1 - np.tanh(z) ** 2)[:, None] * (matrix @ made), np.tanh(z)
    norm = np.linalg.norm(MATRICES[2] @ made, 2)
    found = slope_bound(graph, inf, local_slopes(graph, CENTRE, 1e-9))
    assert norm * (1 - 1e-9) <= found.constant <= norm * (1 + 1e-4)


@pytest.mark.slow
def test_an_audit_decides_the_local_question_both_ways():
    graph = net("tanh")
    least = sampled(graph, 0.05)
    proved = audit(graph, around=CENTRE, radius="1/20", at_most=2 * least, budget=2)
    assert str(proved.status) == "proved" and proved.local.lower <= proved.local.upper
    assert proved.local.upper <= 2 * least
    refuted = audit(graph, around=CENTRE, radius="1/20", at_most=0.8 * least, budget=2)
    assert str(refuted.status) == "refuted"
    for signal in next(item for item in refuted.judgements if item.counts).signals:
        assert np.linalg.norm(signal.astype(float) - CENTRE) <= 0.05


@pytest.mark.slow
def test_where_nothing_can_switch_the_network_is_linear():
    """ReLU far from its kinks: the constant is the norm of one matrix, and the proof replays."""
    graph = net("relu")
    found = audit(graph, around=CENTRE, radius="1/1000000", at_most=100, budget=1)
    judged = next(item for item in found.judgements if item.counts)
    assert str(found.status) == "proved" and any(
        "psd(square" in text for piece in judged.evidence for text in piece.data["shows"])
    assert all(check(piece.to_json({})) is None for piece in judged.evidence)
    assert found.local.upper <= found.local.lower * (1 + Fraction(1, 1000))


@cache
def certificates():
    """Those of all cells of a ball, for a constant just above what was found, and the claim."""
    graph = net("relu")
    whole = slope_bound(graph, inf, local_slopes(graph, CENTRE, 1.5)).constant
    found = ball_bound(graph, CENTRE, 1.5, inf, whole * Fraction(97, 100))
    assert 4 < found.cells < 200
    at_most = Fraction(f"{float(found.constant) * 1.0001:.6f}")
    pieces = evidence_of_cells(found, Fraction(3, 2), at_most, "")
    return [piece.to_json({}) for piece in pieces], (
        f"x local constant <= {float(at_most)} within 1.5")


@pytest.mark.slow
def test_every_cell_is_shown_and_together_they_fill_the_ball():
    pieces, claim = certificates()
    assert all(check(piece) is None for piece in pieces)
    assert all("t" in piece["data"]["given"] or "C" in piece["data"]["given"] for piece in pieces)
    assert not list(gaps({"claim": claim, "evidence": pieces}))
    assert len(json.dumps(pieces)) < 2e6


@pytest.mark.slow
def test_a_cell_that_is_left_out_or_another_ball_is_noticed():
    """The planted faults: no verdict may rest on all cells but one, or on those of another ball."""
    pieces, claim = certificates()
    for number in range(len(pieces)):
        left = pieces[:number] + pieces[number + 1:]
        assert [*gaps({"claim": claim, "evidence": left})] == ["its cells do not fill the ball"]
    for wrong in (claim.replace("1.5", "1.6"), claim.replace("<= ", "<= 0."), "x", f"{claim}1",
                  claim.replace("local", "Local"), claim.replace("<= ", "<=  "),
                  f"{claim} local constant <= 0.1 within 1.5"):
        assert "another ball" in " ".join(gaps({"claim": wrong, "evidence": pieces}))


def test_a_lower_constant_of_a_cell_is_not_believed():
    """The constant, the multipliers, the condition itself, the cell: each changed alone."""
    pieces, _ = certificates()
    for change in (lambda data: data["given"].update(L="1/10"),
                   lambda data: data["given"].update(L="1/10", square="1/100"),
                   lambda data: data["given"].update(t=["-1"] * len(data["given"]["t"])),
                   lambda data: data["shows"].remove("psd(M)"),
                   lambda data: data["let"][-1].__setitem__(1, "I(2)"),
                   lambda data: data["cells"].update(at_most="1/10")):
        piece = deepcopy(next(one for one in pieces if "t" in one["data"]["given"]))
        change(piece["data"])
        assert check(piece) is not None


def test_boxes_that_fill_a_ball():
    """Parts of a disc, one of which may be as small as the disc reaches; the contrary of each."""
    half, one = Fraction(1, 2), Fraction(1)
    left, right = {0: (-inf, Fraction(0))}, {0: (Fraction(0), inf)}
    corner = {0: (Fraction(9, 10), inf), 1: (Fraction(9, 10), inf)}
    rest = [{0: (-inf, Fraction(9, 10))}, {1: (-inf, Fraction(9, 10))}]
    assert fill([{}], one) and fill([left, right], one) and fill(rest, one)
    assert fill([{0: (-one, one), 1: (-one, one)}], one)
    assert not fill([], one) and not fill([left], one) and not fill(rest, 2 * one)
    assert fill([*rest, corner], 2 * one)
    assert not fill([{0: (-inf, -half)}, {0: (-half + Fraction(1, 10**9), inf)}], one)
    assert not fill([{0: (-one, one), 1: (-one, half)}], one)


@pytest.mark.slow
def test_what_holds_for_all_inputs_holds_in_a_ball():
    """f(x) = (3, 4)·relu((3, 4) x)/32 = 25/32 max(x, 0): L = 25/32 in a ball around the kink.

    The product of the norms 5/8 and 5/4 proves it; what multipliers find is only near it.  A pair
    on the rising side refutes 0.78.
    """
    graph = from_arrays({"A0": np.array([[3], [4]]) / 8, "flux0": np.array("relu"),
                         "A1": np.array([[3, 4]]) / 4})
    for bound, status in (("25/32", "proved"), ("0.78", "refuted")):
        found = audit(graph, around=[0.0], radius=1, at_most=bound, budget=0.5)
        local = next(item for item in found.judgements if item.counts)
        assert str(local.status) == status and found.local.upper <= Fraction(25, 32)
        assert all(check(piece.to_json({})) is None for piece in local.evidence)


@pytest.mark.parametrize("wrong, text", [
    (dict(around=CENTRE), "belong together"), (dict(radius=1), "belong together"),
    (dict(around=CENTRE[:2], radius=1), "3 finite numbers"),
    (dict(around=CENTRE, radius=0), "must be positive"),
    (dict(around=CENTRE * np.nan, radius=1), "finite"),
    (dict(around="missing.npy", radius=1), "cannot read"),
    (dict(around="input.txt", radius=1), "unknown kind '.txt'; use .npy, .csv")])
def test_a_wrong_ball_is_one_clear_error(wrong, text):
    with pytest.raises(InvalidArgument, match=text):
        audit(net("relu"), budget=1, **wrong)


def test_a_file_with_a_broken_header_is_one_clear_error(tmp_path):
    """NumPy reads the header of an .npy file as Python, which raises what it likes."""
    path = tmp_path / "input.npy"
    for header in (b"{'descr': '<f8', ", b"0 \x00 (", b"\xff"):
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        with pytest.raises(InvalidArgument, match=r"around: .* is damaged or no input"):
            audit(net("relu"), around=path, radius=1, budget=1)


@pytest.mark.slow
def test_the_command_takes_a_file(tmp_path):
    arrays = {f"A{i}": matrix for i, matrix in enumerate(MATRICES)}
    np.savez(tmp_path / "net.npz", flux0="tanh", flux1="tanh", **arrays)
    np.savetxt(tmp_path / "input.csv", CENTRE[None], delimiter=",")
    result = CliRunner().invoke(cli, [
        "audit", str(tmp_path / "net.npz"), "--around", str(tmp_path / "input.csv"),
        "--radius", "1/100", "--at-most", "1000", "--budget", "1"])
    assert result.exit_code == 0 and "within 0.01 of the given input: between" in result.output


@pytest.mark.slow
def test_advice_in_a_ball_is_proved_when_it_is_followed():
    """Another constant, a smaller radius, a smaller last layer: each is asked and proved."""
    graph, L = net("relu"), Fraction(1)
    bounds = audit(graph, around=CENTRE, radius=2, at_most=1000, budget=4).local
    small = audit(graph, around=CENTRE, radius="1/1000", at_most=1000, budget=4).local
    L = (bounds.lower + small.upper) / 2 if bounds.lower > small.upper else bounds.lower * 9 / 10
    found = audit(graph, around=CENTRE, radius=2, at_most=L, budget=8)
    assert found.status.value != "proved" and found.advice[0].startswith("ask for --at-most ")
    asked = found.advice[0].split("--at-most ")[1].split(",")[0]
    assert audit(graph, around=CENTRE, radius=2, at_most=asked, budget=8).status.value == "proved"
    scaled = next(text for text in found.advice if "scale by" in text)
    factor = float(scaled.split("scale by ")[1])
    arrays = {f"A{i}": matrix for i, matrix in enumerate(MATRICES)}
    arrays |= {f"b{i}": bias for i, bias in enumerate(BIASES)}
    arrays |= {f"flux{i}": np.array("relu") for i in range(2)} | {"A2": factor * MATRICES[2]}
    assert audit(from_arrays(arrays), around=CENTRE, radius=2, at_most=L,
                 budget=8).status.value == "proved"
    nearer = next(text for text in found.advice if "--radius" in text)
    radius = nearer.split("--radius ")[1].split(",")[0]
    assert 0 < float(Fraction(radius)) < 2
    assert audit(graph, around=CENTRE, radius=radius, at_most=L, budget=8).status.value == "proved"


@pytest.mark.slow
def test_no_advice_applies_where_no_constant_is_certified():
    graph = Graph([Node("square", "Mul", Product(), (-1, -1), (2,))], (2,), "square")
    found = audit(graph, around=np.zeros(2), radius=1, at_most=1, budget=2)
    assert found.local.upper is None and "nothing is known to help" in found.advice[0]
