"""Schemes of others are decided by theorems that a search finds for their own steps on symbols."""

import copy
import json
from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest

from stabkit import (
    CONTRACTION,
    EUCLIDEAN,
    POWER_BOUNDED,
    RANGE,
    Chain,
    Energy,
    Scheme,
    Stable,
    claim,
    decide,
    energy,
    fluxes,
    from_matrix,
    replay,
    senses,
    step_bound,
    verify,
)
from stabkit.arithmetic.exact import Exact
from stabkit.claims.rederived import listed_differences
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.multipliers import program
from stabkit.replay import check
from stabkit.report.explain import evidence_text
from stabkit.report.verdict_file import as_text, document

solver = pytest.mark.skipif(not program.is_installed(), reason="the search needs the extra prove")

A = from_matrix([[1, 0], [0, 2], [0, 0]])  # |A|² = 4
B = from_matrix([["1/2", 0], [0, 0], [0, "1/3"]])  # |B|² = 1/4
CHARBONNIER = fluxes.charbonnier()
BIAS = np.array([F(1), F(-2), F(1, 3)], dtype=object)


class Own(Scheme):
    @property
    def size(self):
        return self.A.shape[1]


@dataclass(frozen=True, eq=False)
class Descent(Own):
    """α u − τ AᵀΦ(B u + b)."""

    A: Any
    B: Any
    flux: Any
    tau: Any
    alpha: Any = 1
    bias: Any = 0

    def step(self, u):
        return self.alpha * u - self.tau * (self.A.T @ self.flux(self.B @ u + self.bias))


@dataclass(frozen=True, eq=False)
class Heun(Own):
    """u − (τ/2)(F(u) + F(u − τF(u))), F(u) = AᵀΦ(A u), with a literal 0.5."""

    A: Any
    flux: Any
    tau: Any

    def step(self, u):
        slope = self.A.T @ self.flux(self.A @ u)
        return u - 0.5 * self.tau * (slope + self.A.T @ self.flux(self.A @ (u - self.tau * slope)))


@dataclass(frozen=True, eq=False)
class Layers(Own):
    """u − τ Σ AᵢᵀΦ(Aᵢ u), of a list of matrices."""

    matrices: Any
    flux: Any
    tau: Any

    @property
    def size(self):
        return self.matrices[0].shape[1]

    def step(self, u):
        return u - self.tau * sum(A.T @ self.flux(A @ u) for A in self.matrices)


@dataclass(frozen=True, eq=False)
class HeavyBall(Scheme):
    """u⁺ = u − τ AᵀΦ(A u) + β(u − w), w⁺ = u, on states (u, w)."""

    A: Any
    flux: Any
    tau: Any
    beta: Any

    @property
    def size(self):
        return 2 * self.A.shape[1]

    def step(self, x):
        n = len(x) // 2
        u, w = x[:n], x[n:]
        slope = self.A.T @ self.flux(self.A @ u)
        return np.concatenate([u - self.tau * slope + self.beta * (u - w), u])


# Each with the step up to which it is stable, by hand: for Φ(s) = s the scheme is the matrix
# α − τ AᵀB, and Baillon and Haddad's theorem says that no monotone Φ with slopes <= 1 is worse.
TRUE = {
    "at the bound": (Descent(A, A, fluxes.soft(), F(1, 2)), EUCLIDEAN),
    "biases": (Descent(A, A, fluxes.relu(), F(1, 2), bias=BIAS), CONTRACTION),
    "a multiple": (Descent(from_matrix(3 * A.exact()), A, fluxes.relu(), F(1, 6)), CONTRACTION),
    "an array": (Descent(A.exact().astype(float), A, fluxes.relu(), F(1, 2)), CONTRACTION),
    "two matrices": (Descent(A, B, fluxes.relu(), F(1, 2), 0.5, BIAS), CONTRACTION),
    "Heun's method": (Heun(A, fluxes.relu(), F(1, 8)), CONTRACTION),
    "a list": (Layers((A, B), fluxes.relu(), F(2, 5)), CONTRACTION),
    "energy": (Descent(A, A, CHARBONNIER, F(1, 2)), energy(Energy(A, CHARBONNIER))),
}
SMALL = (Heun(from_matrix([[1, 1], [0, 1]]), fluxes.relu(), F(1, 8)), CONTRACTION)


@pytest.mark.slow
@solver
@pytest.mark.parametrize("name", TRUE)
def test_own_schemes_are_proved_for_all(name):
    """And the checker, which has no solver, accepts what is found."""
    outcome = decide(*TRUE[name])
    assert outcome.status == "proved" and "proved for all N, K" in outcome.reason
    assert "For all\n" in evidence_text(outcome.evidence[0].to_json({}))
    assert check(outcome.evidence[0].to_json({})) is None


@pytest.mark.slow
@solver
@pytest.mark.parametrize("scheme, notion", [
    (Descent(A, A, fluxes.soft(), F(501, 1000)), EUCLIDEAN),  # |1 − 4τ| > 1 at u = (0, big)
    (Descent(A, A, fluxes.relu(), F(-1, 100)), CONTRACTION),  # ascent
    (Descent(A, A, fluxes.perona_malik(), F(1, 2)), CONTRACTION),  # a falling flux
    (Descent(from_matrix([[2]]), from_matrix([[-1]]), fluxes.relu(), F(1, 3), 0.5), CONTRACTION),
], ids=["step", "sign", "flux", "damping"])  # 1/2 + 2/3 > 1
def test_what_is_false_is_not_proved(scheme, notion):
    assert decide(scheme, notion, trials=500).status != "proved"


@pytest.mark.slow
@solver
def test_a_step_beyond_the_bound_falls_by_an_exact_signal():
    outcome = decide(Descent(A, A, fluxes.relu(), F(501, 1000)), CONTRACTION)
    assert outcome.status == "refuted" and check(outcome.evidence[0].to_json({})) is None


@pytest.mark.slow
@solver
def test_a_chain_of_own_schemes_is_proved_part_by_part():
    parts = [TRUE["biases"][0], TRUE["Heun's method"][0]]
    outcome = decide(Chain([*parts, *parts]), CONTRACTION, trials=20)
    assert outcome.status == "proved" and len(outcome.evidence) == 2


@pytest.mark.slow
@solver
@pytest.mark.parametrize("change, words", [
    (lambda data: data["theorem"]["statement"]["bounds"].update(K="8"), "not add up"),
    (lambda data: data["shows"].remove("psd(4 * I(2) - K.T @ K)"), "not shown"),
    (lambda data: data["given"].update(K=[["1", "0"], ["0", "3"], ["0", "0"]]), "not hold"),
    (lambda data: data["theorem"]["proof"]["steps"].pop(), "not add up"),
    (lambda data: data["theorem"].pop("proof"), "missing"),
    (lambda data: (data.pop("facts"), data.update(shows=[
        text for text in data["shows"] if text.startswith("psd")])), "assumes as its sector"),
    (lambda data: data["theorem"]["statement"].update(
        equations={"none": "u == 0"}), "assumes in equations"),
    (lambda data: data["theorem"]["statement"]["operators"].update(K="N -> N symmetric"),
     "not shown that K is symmetric"),
    (lambda data: (data["theorem"]["statement"]["bounds"].update(K="2 + 2"), data["given"].update(
        K=[["1", "1"]] * 3), data["shows"].remove("psd(4 * I(2) - K.T @ K)"), data["shows"].append(
            "psd(2 + 2 * I(2) - K.T @ K)")), "plain number"),  # |K|² = 6, and 2 is in all entries
    (lambda data: (data.pop("facts"), data["shows"].remove("all(0 <= g(x) <= 1 for x in cells("
                   "ends))"), data["shows"].append("all(0 <= 0 and 1 <= 1 for x in cells(ends))"),
                   data["shows"].remove("all(0 <= dphi(x) <= 1 for x in cells(slope_ends))")),
     "assumes as its sector"),
    (lambda data: data.update(facts={name.replace("soft", "other") if "slopes" in name else name:
                                     texts for name, texts in data["facts"].items()}),
     "by facts of one flux"),
    (lambda data: data.pop("facts"), "by facts of one flux"),
], ids=["wider class", "not a member", "other matrix", "shorter", "no proof", "any flux",
        "no signals", "other symmetry", "a sum", "two comparisons", "facts of two fluxes",
        "facts of no flux"])
def test_changed_theorems_are_refused(change, words):
    """A wider class is not proved, and without its bound this matrix is no member."""
    evidence = copy.deepcopy(decide(*TRUE["at the bound"]).evidence[0].to_json({}))
    change(evidence["data"])
    try:
        fault = check(evidence)
    except InvalidEvidence as error:
        fault = str(error)
    assert fault is not None and words in fault


@pytest.mark.slow
@solver
def test_a_theorem_about_other_fluxes_is_not_what_a_claim_says():
    """Of fluxes whose slopes are below 1/9 alone the same proof would say less."""
    @claim("Section 1", within={"n": (1,)})
    def descends(n):
        """A step at its bound."""
        return Stable(*TRUE["at the bound"])

    entry, = (verdict.to_json() for verdict in verify([descends]))
    content = {"seed": 0, "verdicts": [entry]}
    finding, = listed_differences(content, {entry["claim"]: descends})
    assert finding.holds, finding.reason
    entry["evidence"][0]["data"]["theorem"]["statement"]["assume"] = {"more": "1 - tau >= 0"}
    finding, = listed_differences(content, {entry["claim"]: descends})
    assert not finding.holds and "evidence 1" in finding.reason


@solver
@pytest.mark.slow
def test_momentum_is_bounded_for_all_time():
    """With β = 1/2 and τ|A|² < 1, by a form of the state; the first steps stay below the bound."""
    scheme = HeavyBall(from_matrix([[1, 1], [0, 1]]), fluxes.relu(), F(1, 3), 0.5)
    outcome = decide(scheme, POWER_BOUNDED)
    assert outcome.status == "proved" and check(outcome.evidence[0].to_json({})) is None
    bound = F(outcome.evidence[0].data["theorem"]["statement"]["goal"].split("*")[0])
    start = x = np.array([F(3), F(-1), F(-2), F(5)], dtype=object)
    for _ in range(12):
        x = scheme(x)
        assert x @ x <= bound * (start @ start)


@solver
@pytest.mark.slow
def test_momentum_that_grows_is_not_proved():
    """For Φ(s) = s and A = 1 it is z² − (1 + β − τ) z + β, which has a root −2 for β = 1, τ = 9/2.
    """
    scheme = HeavyBall(from_matrix([[1]]), fluxes.relu(), F(9, 2), 1)
    assert (-2)**2 + (1 + 1 - F(9, 2)) * 2 + 1 == 0
    assert decide(scheme, POWER_BOUNDED).status == "undecided"


@pytest.mark.slow
@solver
def test_the_sharp_step_of_an_own_scheme():
    """2/|A|² = 1/2; all smaller steps are means, and beyond it a signal breaks the norm."""
    found = step_bound(Descent(from_matrix([[2]]), from_matrix([[2]]), fluxes.relu(), F(1, 6)),
                       EUCLIDEAN)
    assert found.proved == ((0, F(1, 2)),) and F(1, 2) < found.refuted[0][0] < F(501, 1000)
    found.check()


@dataclass(frozen=True, eq=False)
class Relaxed(Descent):
    """(1 − τ) u + τ(u − AᵀΦ(B u))."""

    def step(self, u):
        return (1 - self.tau) * u + self.tau * (u - self.A.T @ self.flux(self.B @ u))


@dataclass(frozen=True, eq=False)
class Bent(Descent):
    """u − τ(1 − τ)(2 − τ) AᵀΦ(B u): it ascends between 1 and 2."""

    def step(self, u):
        tau = self.tau * (1 - self.tau) * (2 - self.tau)
        return u - tau * (self.A.T @ self.flux(self.B @ u))


@pytest.mark.slow
@solver
def test_steps_with_one_less_the_step():
    """Relaxed is u − 4τu for u > 0, so 1/2 is sharp; Bent is no mean of steps, and 3/2 ascends."""
    one = from_matrix([[2]])
    found = step_bound(Relaxed(one, one, fluxes.relu(), F(1, 6)), EUCLIDEAN)
    assert found.proved == ((0, F(1, 2)),)
    found = step_bound(Bent(one, one, fluxes.relu(), F(1, 16)), EUCLIDEAN, halvings=3, trials=60)
    assert found.proved and not any(low <= F(3, 2) <= high for low, high in found.proved)
    assert decide(Bent(one, one, fluxes.relu(), F(3, 2)), EUCLIDEAN).status == "refuted"


@pytest.mark.slow
@solver
def test_the_senses_of_an_own_scheme():
    """u − (1/3)·2·relu(2u) is u for u < 0 and −u/3 for u > 0: a sign changes, nothing grows."""
    one = from_matrix([[2]])
    table = senses(Descent(one, one, fluxes.relu(), F(1, 3)))
    assert {name: table.status(name) for name in ("euclidean", "contraction", "bounded powers",
                                                  "positivity")} == {
        "euclidean": "proved", "contraction": "proved", "bounded powers": "proved",
        "positivity": "refuted"}
    assert "proved for all N, K" in str(table) and "tau = 1/3" in str(table)
    for bound in table.sets.values():
        bound.check()
    with pytest.raises(InvalidArgument, match="its own size"):
        senses(Descent(one, one, fluxes.relu(), F(1, 3)), shape=1)


@pytest.mark.slow
def test_without_the_solver_it_is_said_what_to_install(monkeypatch):
    """The decision goes on, by trials."""
    monkeypatch.setattr(program, "is_installed", lambda: False)
    outcome = decide(*SMALL, trials=20)
    assert outcome.status == "supported"
    assert "Clarabel" in outcome.reason and "pip install" in outcome.reason


@pytest.mark.slow
@solver
@pytest.mark.parametrize("answer", [None, program.Multipliers(np.zeros(0), 1.0, {})])
def test_a_solver_that_fails_proves_nothing(monkeypatch, answer):
    for place in ("rounding", "worst_case"):
        monkeypatch.setattr(f"stabkit.multipliers.{place}.solve", lambda *_: None)
    monkeypatch.setattr("stabkit.multipliers.rounding.solve", lambda *_: answer)
    assert decide(*SMALL, trials=20).status == "supported"


@pytest.mark.slow
@solver
def test_other_notions_are_decided_as_before():
    """The range of a signal is no square."""
    assert decide(*TRUE["at the bound"][:1], RANGE).status == "refuted"


@pytest.mark.slow
@solver
def test_a_listed_claim_of_an_own_scheme_is_proved_and_replayed():
    """What a claims file lists has the theorem in its certificates."""
    @claim("my notes", notion="contraction", within=dict(tau=(F(1, 2), F(1, 3))),
           beyond=dict(tau=(F(501, 1000),)))
    def own(tau):
        """For 0 < τ <= 1/2 differences do not grow."""
        return Stable(Descent(A, A, fluxes.relu(), tau, 1, BIAS), CONTRACTION)

    verdict, = verify([own])
    assert verdict.status == "proved" and verdict.sharp
    content = json.loads(as_text(document([verdict.to_json()], seed=0, budget=1.0)))
    assert all(finding.holds for finding in replay(content))


def test_whole_powers_of_exact_numbers_are_exact():
    """Of negative ones too, with exponents of Python and NumPy."""
    assert Exact(F(-3)) ** 2 == 9 and type(Exact(F(-3)) ** 2) is Exact
    assert Exact(F(2, 3)) ** np.int64(3) == F(8, 27) and Exact(F(-2)) ** -1 == F(-1, 2)
