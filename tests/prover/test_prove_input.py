"""Bad input of the prover: one clear error that names the argument; files that were changed."""

import json

import pytest
from statements import SECTOR, K, explicit, heavy_ball, implicit, upto

from stabkit import EUCLIDEAN, RANGE, Explicit, bounded, difference, fluxes, prove, replay
from stabkit.classes import (
    AnyCount,
    AnyFlux,
    AnyOperator,
    AnyReal,
    AnySymmetric,
    Fixed,
    Such,
    UpTo,
)
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.multipliers import program
from stabkit.proof import check

ALL = dict(K=K, flux=SECTOR, ratio=upto(2))


@pytest.fixture
def solver():
    pytest.importorskip("clarabel", reason="the search needs the extra prove")


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("words, arguments, classes", [
    ("what: must be a function", (Explicit(difference(1, 3), fluxes.soft(), 1), EUCLIDEAN), {}),
    ("what: must be a function", (3, EUCLIDEAN), {}),
    ("ratio: needs a class", (explicit, EUCLIDEAN), dict(K=K, flux=SECTOR)),
    ("for_all gives ratio no class", (explicit, EUCLIDEAN), ALL | {"ratio": 1}),
    ("notion: a scheme needs one", (explicit,), ALL),
    ("notion: a scheme needs one", (explicit, bounded()), ALL),
    ("notion: must be one of", (heavy_ball(1), "stable"), ALL),
    ("notion: euclidean is of steps of one vector", (heavy_ball(1), EUCLIDEAN), ALL),
    ("its statement cannot be written", (explicit, RANGE), ALL),
    ("its statement cannot be written", (explicit, EUCLIDEAN), ALL | {"flux": AnyFlux()}),
    ("unexpected keyword", (explicit, EUCLIDEAN), ALL | {"bias": K}),
    ("what: must return a scheme", (lambda K: 3, EUCLIDEAN), dict(K=K)),
    ("spaces: needs one for each of u, w", (heavy_ball(1), bounded(), ), ALL | {"spaces": ("N",)}),
    ("gamma: it can neither be scaled away", (lambda K, gamma: lambda u: u - gamma * u, EUCLIDEAN),
     dict(K=K, gamma=AnyReal())),
    ("n: ", (lambda K, n: Explicit(K, n, 1), EUCLIDEAN), dict(K=K, n=AnyCount())),
])
def test_bad_input_is_named(words, arguments, classes):
    with pytest.raises(InvalidArgument) as raised:
        prove(*arguments, **classes)
    assert words in str(raised.value) or (words == "n: " and "flux: " in str(raised.value)) or (
        words == "unexpected keyword" and "bias" in str(raised.value))


def test_a_missing_solver_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(program, "is_installed", lambda: False)
    with pytest.raises(InvalidArgument, match=r"Clarabel.*pip install .*(prove|clarabel)"):
        prove(explicit, EUCLIDEAN, **ALL)


@pytest.mark.usefixtures("solver")
def test_a_solver_that_gives_up_proves_nothing(monkeypatch):
    """No answer, or nonsense: undecided, with the reason."""
    for answer in (None, program.Multipliers(__import__("numpy").zeros(0), 1.0, {})):
        monkeypatch.setattr("stabkit.multipliers.rounding.solve", lambda *_, answer=answer: answer)
        found = prove(explicit, EUCLIDEAN, refute=False, **ALL)
        assert found.status == "undecided" and "no proof found" in str(found)


@pytest.mark.slow
@pytest.mark.usefixtures("solver")
def test_an_unbounded_class_has_no_proof():
    """A step without an end: the explicit step is not stable, and a long one shows it."""
    found = prove(explicit, EUCLIDEAN, K=K, flux=SECTOR, ratio=UpTo(None))
    assert found.status == "refuted"
    of_numbers = dict(K=AnyOperator(square=1), flux=AnyFlux(slopes=(0, 1), diffusivities=(0, 1)))
    assert prove(plain, EUCLIDEAN, **of_numbers, tau=UpTo(None)).status == "refuted"


def plain(K, flux, tau):
    return Explicit(K, flux, tau)


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("end, status", [(2, "proved"), ("2.01", "refuted")])
def test_a_class_without_interior(end, status):
    """One flux alone, Φ(s) = s."""
    assert prove(plain, EUCLIDEAN, K=AnyOperator(square=1), tau=UpTo(end), flux=AnyFlux(
        slopes=(1, 1), diffusivities=(1, 1))).status == status


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("name, kind, words", [
    ("K", AnyOperator(square=-1), "square: no operator"),
    ("tau", UpTo(0), "top: no number lies in"), ("tau", UpTo(-1), "top: no number lies in"),
    ("flux", AnyFlux(diffusivities=(2, 1)), "diffusivities: the lower end comes first"),
    ("flux", AnyFlux(slopes=(1, 0)), "slopes: the lower end comes first"),
    ("flux", AnyFlux(diffusivities=(0, 1), slopes=(2, 3)), "slopes: no flux has such"),
    ("tau", Such(("tau - 5 >= 0", "1 - tau >= 0"), "> 0"), "tau: no number lies between 5 and 1"),
    ("tau", Such(("-tau >= 0",), "> 0"), "tau: no number lies between 0 and 0"),
    ("tau", Such(("tau - 1 > 0", "1 - tau >= 0"), "> 0"), "tau: no number lies between 1 and 1"),
    ("tau", AnyReal(3, 2), "tau: no number lies between 3 and 2"),
])
def test_an_empty_class_is_named(name, kind, words):
    """Whatever is said of no member is true, so that nothing is said of none."""
    classes = dict(K=AnyOperator(square=1), tau=UpTo(1), flux=AnyFlux(diffusivities=(0, 1)))
    with pytest.raises(InvalidArgument, match=words):
        prove(plain, EUCLIDEAN, **classes | {name: kind})


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("low, proved", [(-1, True), (1, True), (2, None)])
def test_symmetric_matrices_with_ends(low, proved):
    """‖Mu‖ <= ‖u‖ for −1 <= M <= 1, also for the one matrix I; none has 2 <= M <= 1.
    """
    if proved:
        assert prove(times, EUCLIDEAN, M=AnySymmetric(low, 1)).proved
    else:
        with pytest.raises(InvalidArgument, match="M: the lower end comes first"):
            prove(times, EUCLIDEAN, M=AnySymmetric(low, 1))


def times(M):
    return lambda u: M @ u


@pytest.mark.usefixtures("solver")
def test_a_number_that_conditions_fix_is_one():
    """1 <= τ <= 1."""
    assert prove(plain, EUCLIDEAN, K=AnyOperator(square=1), flux=AnyFlux(diffusivities=(0, 1)),
                 tau=Such(("tau - 1 >= 0", "1 - tau >= 0"), "> 0")).proved


@pytest.mark.usefixtures("solver")
def test_an_end_that_fixes_nothing_is_named():
    """τ <= 1 without a bound of L‖K‖² cannot be scaled away."""
    with pytest.raises(InvalidArgument, match="tau: it can neither be scaled away"):
        prove(lambda K, flux, tau: Explicit(K, flux, tau), EUCLIDEAN, K=K, flux=SECTOR,
              tau=UpTo(1))


@pytest.mark.usefixtures("solver")
def test_what_is_open_is_not_saved(tmp_path):
    found = prove(explicit, EUCLIDEAN, refute=False, **ALL | {"ratio": upto(3)})
    with pytest.raises(InvalidArgument, match="neither a proof nor a witness"):
        found.save(tmp_path / "open.json")


@pytest.mark.slow
@pytest.mark.usefixtures("solver")
def test_a_saved_proof_is_replayed_without_the_solver(tmp_path, monkeypatch):
    """And a changed one is refused: its seal, and without it the sum."""
    found = prove(explicit, EUCLIDEAN, **ALL)
    file = tmp_path / "proof.json"
    found.save(file, "theorem 2")
    monkeypatch.setattr(program, "is_installed", lambda: False)
    assert all(finding.holds for finding in replay(file))
    with pytest.raises(InvalidArgument, match="cannot write"):
        found.save(tmp_path / "no" / "folder.json")
    content = json.loads(file.read_text())
    data = content["verdicts"][0]["evidence"][0]["data"]
    data["statement"]["assume"]["step"] = "3 - L*c*tau >= 0"
    assert not all(finding.holds for finding in replay(content))
    with pytest.raises(InvalidEvidence, match="left over"):
        check(data["statement"], data["proof"])


@pytest.mark.usefixtures("solver")
def test_classes_with_one_value():
    """Fixed values are those values."""
    assert prove(lambda K, flux, tau: implicit(K, flux, tau), EUCLIDEAN, K=AnyOperator(),
                 flux=AnyFlux(diffusivities=(0, None)), tau=Fixed(1)).proved
