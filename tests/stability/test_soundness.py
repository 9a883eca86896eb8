"""The verifier itself under test: no true statement refuted, no planted fault proved."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.arithmetic.transcript import Transcript
from stabkit.claims.claim import Claim, claim, registry
from stabkit.claims.settle import settle
from stabkit.claims.verify import verify
from stabkit.errors import HypothesisNotMet, InvalidArgument, InvalidEvidence
from stabkit.fluxes.flux import Facts, Flux, from_activation
from stabkit.operators import (
    DIRICHLET,
    NATURAL,
    PERIODIC,
    difference,
    from_matrix,
    norm_squared,
    stable_step,
)
from stabkit.replay import check, replay, sealed
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    HaarShrinkage,
    Implicit,
    Linear,
    Pointwise,
    ResidualBlock,
)
from stabkit.stability.certificates import cycle_polynomial
from stabkit.stability.decide import decide
from stabkit.stability.falsify import is_violated, search
from stabkit.stability.notions import (
    CONTRACTION,
    CONTRAST,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Energy,
    energy,
    sensitivity,
)
from stabkit.stability.property import (
    AllOf,
    AtMost,
    Calculation,
    FaceWithin,
    Identity,
    NormAtMost,
    Not,
    Stable,
    UniqueSolution,
)
from stabkit.stability.verdict import INAPPLICABLE, PROVED, REFUTED

ONE, HALF, MORE = Fraction(1), Fraction(1, 2), Fraction(1001, 1000)
K1 = {n: difference(1, n) for n in (2, 3, 4, 6)}
MINUS = fluxes.scaled_identity(-1)
NONLINEAR = (fluxes.soft(), fluxes.garrote(), fluxes.rational(), fluxes.charbonnier(),
             fluxes.perona_malik())


def rotation(p, q):
    """A rotation by a rational point of the circle."""
    r = p * p + q * q
    return Linear(from_matrix([[Fraction(p * p - q * q, r), Fraction(2 * p * q, r)],
                               [Fraction(-2 * p * q, r), Fraction(p * p - q * q, r)]]))


def at_bound():
    """Pairs of a scheme and a notion for which the margin is 0 for every signal, or for many."""
    yield from ((rotation(p, q), notion) for p, q in ((2, 1), (3, 2), (7, 4), (10, 3))
                for notion in (EUCLIDEAN, CONTRACTION))
    # I − 2P is a reflection where KᵀK = ‖K‖² P with a projection P, and τ = 2/‖K‖².
    for K in (K1[2], from_matrix([["1/3", "2/7", "-5/11"]]), difference(1, 1, "1/3", DIRICHLET)):
        tau = 2 / sum(K.values**2)
        yield from ((Explicit(K, fluxes.identity(), tau), notion)
                    for notion in (EUCLIDEAN, CONTRACTION, energy(Energy(K, fluxes.identity()))))
    for n in (3, 6):
        yield Explicit(K1[n], fluxes.identity(), HALF), RANGE  # a spike's neighbours touch it
        yield Explicit(K1[n], fluxes.soft("1/3"), "1/4"), SIGN
    yield Pointwise(fluxes.scaled_identity(-1), 4), EUCLIDEAN
    yield FixedPoint(from_matrix([["1/3"]]), fluxes.identity(), 9, 2), EUCLIDEAN
    yield HaarShrinkage(fluxes.scaled_identity(0), 6), EUCLIDEAN


@pytest.mark.slow
def test_ten_thousand_true_statements_at_the_bound_are_never_refuted(capsys):
    """|T u| = |u| for isometries: half of the time rounding says that the norm has grown.  Ten
    thousand signals with full mantissas; every negative margin in floats is looked at exactly."""
    rng = np.random.default_rng(0)
    statements, suspicions = 0, 0
    cases = list(at_bound())
    count = -(-10_000 // len(cases))
    for scheme, notion in cases:
        u = rng.standard_normal((count, scheme.size)) * 10.0 ** rng.integers(-3, 4, (count, 1))
        v = u + rng.standard_normal(u.shape) * 1e-3
        signals = (u, v)[:notion.signals]
        margins = notion.margins(*(part for each in signals for part in scheme.pair(each)))
        statements += count
        for place in np.flatnonzero(margins < 0):
            suspicions += 1
            exact = tuple(np.array([Fraction(x) for x in each[place].tolist()], dtype=object)
                          for each in signals)
            assert not is_violated(scheme, notion, exact), (scheme, notion, exact)
    with capsys.disabled():
        print(f"\n{statements} true statements at the bound, {suspicions} of them false in floats")
    assert statements >= 10_000 and suspicions >= 2_000


@pytest.mark.slow
def test_the_search_believes_no_rounding_error():
    """The whole falsifier, ascent included, on statements whose margin is 0 everywhere."""
    for scheme, notion in list(at_bound())[::3]:
        assert search(scheme, notion, trials=2_000, seed=1).witness is None


@pytest.mark.slow
def test_true_identities_are_proved_at_unpleasant_numbers():
    """(a + b)² = a² + 2ab + b² and |a + b| <= |a| + |b| fail in floats and hold in fractions."""
    rng = np.random.default_rng(2)
    for a, b in rng.standard_normal((300, 2)):
        given = dict(a=[Fraction(a)], b=[Fraction(b)])
        assert decide(Identity(lambda a, b: (a + b) ** 2, lambda a, b: a * a + 2 * a * b + b * b,
                               given)).status is PROVED
        assert decide(AtMost(lambda a, b: abs(a + b), lambda a, b: abs(a) + abs(b),
                             given)).status is PROVED


# -- planted faults ------------------------------------------------------------------------------
def _constants():
    """Factors of 1.001 in the unsafe direction; every bound here is attained by its class."""
    small = (K1[2], K1[3], difference(1, 4, 1, PERIODIC), difference(2, 4, 1, NATURAL),
             from_matrix([[1, 2], [3, 4]]))
    for K in small:
        for flux in (fluxes.identity(), *NONLINEAR):
            step = Explicit(K, flux, stable_step(K, flux.facts.slopes[1], MORE))
            yield Stable(step, EUCLIDEAN)
            yield Stable(step, energy(Energy(K, flux)))
            if flux.facts.monotone:
                yield Stable(step, CONTRACTION)
        yield NormAtMost(K, norm_squared(K).lower / MORE)
        yield Stable(FixedPoint(K, fluxes.identity(), stable_step(K) / 2 * MORE, 2), EUCLIDEAN)
        yield Stable(FSI(K, fluxes.identity(), stable_step(K, ONE, MORE), 128), EUCLIDEAN)
    for flux in (fluxes.identity(), *NONLINEAR):
        yield Stable(Explicit(K1[4], flux, MORE / 2), RANGE)
        yield Stable(Explicit(K1[3], flux, Fraction(2, 3) * MORE), CONTRAST)
        yield FaceWithin(flux, "diffusivity", 0, 1 / MORE)
        yield FaceWithin(flux, "slope", flux.facts.slopes[0], 1 / MORE)
    for flux in (fluxes.garrote(), fluxes.rational(), fluxes.perona_malik(), fluxes.weickert()):
        yield FaceWithin(flux, "slope", flux.facts.slopes[0] * Fraction(99, 100), 1)
    yield Stable(repeated(Fraction(1, 10)), sensitivity(1 / MORE))


def repeated(tau):
    return Explicit(K1[2], fluxes.identity(), tau)


def _signs():
    """One sign flipped: of the flux, of the adjoint, of the coupling."""
    for notion in (EUCLIDEAN, RANGE, SIGN, CONTRACTION, CONTRAST):
        yield Stable(Explicit(K1[3], MINUS, Fraction(1, 4)), notion)
        yield Stable(Explicit(K1[3], fluxes.leaky_relu("-1/2"), Fraction(1, 4)), notion)
    for notion in (EUCLIDEAN, RANGE):
        yield Stable(Implicit(K1[3], MINUS, Fraction(1, 10)), notion)
        yield Stable(ResidualBlock(K1[3], Fraction(1, 4) * K1[3].T, fluxes.soft()), notion)
        yield Stable(FSI(K1[3], MINUS, Fraction(1, 4), 3, frozen=True), notion)
    yield Stable(Explicit(K1[3], MINUS, 1), energy(Energy(K1[3], fluxes.identity())))
    yield Stable(Pointwise(fluxes.scaled_identity("-3/2"), 2), EUCLIDEAN)
    u = dict(u=["1/3", 2, -1])
    yield Identity(Explicit(K1[3], fluxes.garrote(), 1),
                   ResidualBlock(K1[3], K1[3].T, fluxes.garrote()), u)


def _dropped():
    """A hypothesis dropped: Φ monotone, continuous or 0 at 0; K 1 = 0; two neighbours; frozen."""
    for flux in (fluxes.garrote(), fluxes.rational(), fluxes.perona_malik(), fluxes.hard()):
        yield Stable(Explicit(K1[2], flux, Fraction(1, 2)), CONTRACTION)
        yield UniqueSolution(Implicit(K1[2], flux, 5))
    for K in (difference(1, 3, 1, DIRICHLET), difference(2, 4, 1, NATURAL), difference(2, 4)):
        yield Stable(Explicit(K, fluxes.soft(), Fraction(1, 32)), RANGE)
    for K in (difference(2, 4, 1, NATURAL), difference(2, 4)):
        yield Stable(Explicit(K, fluxes.identity(), Fraction(1, 20)), SIGN)
        yield Stable(Implicit(K, fluxes.identity(), Fraction(1, 2)), RANGE)
    shifted = from_activation(lambda s: s + 1, Facts(False, (ONE, ONE), None), name="shifted")
    bent = from_activation(lambda s: s**3, Facts(True, (ONE, ONE), None), name="bent")
    jump = Flux("jump", fluxes.hard().pieces, Facts(True, (0 * ONE, ONE), (0 * ONE, ONE)))
    one = from_matrix([[1]])
    yield Stable(Explicit(one, shifted, 1), EUCLIDEAN)
    yield Stable(ResidualBlock(one, -one, shifted), EUCLIDEAN)
    yield Stable(Pointwise(shifted, 2), RANGE)
    yield Stable(Explicit(one, bent, 1), EUCLIDEAN)
    yield Stable(Explicit(K1[2], jump, HALF), CONTRACTION)
    yield Stable(Pointwise(jump, 1), CONTRACTION)
    yield Stable(FSI(one, fluxes.garrote(), 2, 4), EUCLIDEAN)
    yield Stable(FSI(K1[2], fluxes.soft(), HALF, 1, printed=True), EUCLIDEAN)
    yield AllOf([Stable(repeated(ONE), EUCLIDEAN), Stable(repeated(ONE), RANGE),
                 Stable(Explicit(K1[3], fluxes.identity(), Fraction(2, 3)), RANGE)])


def _shifted():
    """An index shifted by one: of the super time step, of the weights, of the samples, of N."""
    for n in (1, 2, 3, 6):
        log = Transcript()
        last = cycle_polynomial(log, n)
        lines = [tuple(line) for line in log.let]
        yield Calculation({}, lines, [f"-{last}[1] == {Fraction((n + 1) * (n + 2), 3)}"],
                          necessary=True)
        yield Calculation({}, lines, [f"-{last}[1] == {Fraction((n - 1) * n, 3)}"], necessary=True)
    for n in (2, 3, 4):
        u = [Fraction((-1) ** i * (i + 2), 3) for i in range(n)]
        cycle = FSI(K1[n], fluxes.soft(), HALF, 2)
        for alphas in (("6/5", "10/7"), ("2/3", "10/7"), ("2/3", "2/3")):
            yield Identity(cycle, lambda u, n=n, alphas=alphas: _cycle(K1[n], u, alphas),
                           dict(u=u))
        yield NormAtMost(difference(1, n + 1), norm_squared(K1[n]).upper)
        yield Identity(Explicit(K1[n], fluxes.soft(), 1), Explicit(-K1[n], fluxes.relu(), 1),
                       dict(u=u))
    yield Identity(lambda u: u[1:] - u[:-1], lambda u: u[1:] - u[1:], dict(u=[1, 3, 4]))
    yield Stable(Explicit(difference(1, 6), fluxes.identity(), stable_step(K1[2])), EUCLIDEAN)


def _cycle(K, u, alphas):
    before = now = u
    for alpha in map(Fraction, alphas):
        step = Explicit(K, fluxes.soft(), HALF)
        before, now = now, alpha * step.step(now) + (1 - alpha) * before
    return now


def status(what):
    return decide(what, trials=4_000, seed=3).status


@pytest.mark.slow
def test_planted_faults_are_never_proved_and_nearly_always_refuted(capsys):
    """Every mutant is false.  None may be proved, and at least nine in ten must be refuted."""
    shares = {}
    for kind in (_constants, _signs, _dropped, _shifted):
        found = [(what, status(what)) for what in kind()]
        proved = [what for what, verdict in found if verdict is PROVED]
        assert proved == []
        shares[kind.__name__[1:]] = (sum(verdict is REFUTED for _, verdict in found), len(found))
        left = [(what, verdict) for what, verdict in found if verdict is not REFUTED]
        with capsys.disabled():
            print(f"\nplanted faults, {kind.__name__[1:]}: {shares[kind.__name__[1:]]}", *left,
                  sep="\n  not refuted: ")
    refuted, total = map(sum, zip(*shares.values(), strict=True))
    with capsys.disabled():
        print(f"planted faults refuted: {refuted} of {total} ({100 * refuted / total:.1f} %)")
    assert refuted >= 0.9 * total


# -- evidence ------------------------------------------------------------------------------------
def a_file(verdicts):
    """What stands in a verdict file."""
    return sealed({"stabkit": "0", "seed": 0, "budget": 1.0, "environment": {},
                   "verdicts": [verdict.to_json() for verdict in verdicts]})


QUICK = ("alt2021.euclidean_stability_without_sign_condition", "alt2021.fsi_formula_corrected",
         "alt2021.well_posedness", "alt2020.range_stability_of_blocks",
         "alt2021.proof_eigenvalue_interval")


@pytest.fixture(scope="module")
def verdicts():
    known = registry(["alt2020", "alt2021"])
    return [settle(replace(known[name], beyond={}), 256, 0) for name in QUICK]


@pytest.mark.slow
def test_the_evidence_of_every_verdict_replays(verdicts):
    """Proved and refuted, certificates and witnesses: the checker confirms each piece."""
    findings = replay(a_file(verdicts))
    assert findings and all(finding.holds for finding in findings)
    assert {finding.kind for finding in findings} >= {"certificate", "witness"}
    assert {verdict.status for verdict in verdicts} == {PROVED, REFUTED}


@pytest.mark.slow
def test_one_changed_digit_is_caught(verdicts):
    """Each digit of each number, condition and seal counts, also in the verdict itself."""
    rng = np.random.default_rng(5)
    for verdict in verdicts:
        content = verdict.to_json()
        text = json.dumps(content | {"evidence": content["evidence"][-1:]})
        places = [i for i, letter in enumerate(text) if letter.isdigit()]
        for place in rng.choice(places, min(40, len(places)), replace=False):
            changed = text[:place] + str((int(text[place]) + 3) % 10) + text[place + 1:]
            if _same(text, changed):
                continue
            read = json.loads(changed)
            read["evidence"] = [*content["evidence"][:-1], *read["evidence"]]
            whole = sealed(a_file([]) | {"verdicts": [read]})
            try:
                assert not all(finding.holds for finding in replay(whole)), changed
            except InvalidEvidence:
                continue


def _same(text, changed):
    # 0.5 and 0.50 would be one number; and a string that is no number is never the same.
    return json.loads(text) == json.loads(changed)


@pytest.mark.slow
def test_outcomes_carry_evidence_that_holds():
    """Whatever is decided, its evidence stands on its own, without a verdict around it."""
    for what in (Stable(Explicit(K1[3], fluxes.garrote(), HALF), EUCLIDEAN),
                 Stable(Explicit(K1[3], fluxes.perona_malik(), 1), RANGE),
                 Not(Stable(Explicit(K1[2], fluxes.weickert(), 1), CONTRACTION)),
                 UniqueSolution(Implicit(K1[2], fluxes.rational(), 5)),
                 NormAtMost(K1[4], Fraction(341, 100)), NormAtMost(K1[4], Fraction(342, 100)),
                 Stable(Chain([Explicit(K1[3], fluxes.soft(), HALF), Pointwise(fluxes.relu(), 3)]),
                        EUCLIDEAN)):
        outcome = decide(what, trials=2_000)
        assert outcome.status in (PROVED, REFUTED) and outcome.evidence
        for evidence in outcome.evidence:
            assert check(evidence.to_json({})) is None


# -- repeatability and hypotheses ------------------------------------------------------------------
@pytest.mark.slow
def test_the_same_seed_gives_the_same_verdicts_on_two_processes(verdicts):
    """Two spawned processes, one process and a second run: the same verdicts, digit by digit."""
    known = registry(["alt2020", "alt2021"])
    claims = [known[name] for name in (QUICK[0], QUICK[3], QUICK[4])]
    one, again, two = (verify(claims, budget=0.01, seed=7, workers=workers)
                       for workers in (1, 1, 2))
    assert [v.to_json() for v in one] == [v.to_json() for v in again] == [
        v.to_json() for v in two]


def test_random_search_is_repeatable():
    """Witness, trials and worst margin depend on the seed alone."""
    scheme = Explicit(K1[4], fluxes.perona_malik(), Fraction(53, 100))
    first, second = (search(scheme, RANGE, trials=3_000, seed=11) for _ in range(2))
    assert first.trials == second.trials and first.worst == second.worst
    assert (first.witness[0] == second.witness[0]).all()


def statement(within, body=None, **more) -> Claim:
    def about(n):
        """‖T(u)‖ <= ‖u‖."""
        if body is not None:
            body(n)
        return Stable(Explicit(K1[n], fluxes.soft(), "1/4"), EUCLIDEAN)
    return claim("here", within=within, **more)(about)


def test_a_claim_about_nothing_is_an_error():
    """No configuration meets the hypotheses: an error that names the claim, never a success."""
    with pytest.raises(InvalidArgument, match=r"about: its hypotheses hold in no configuration"):
        settle(statement(dict(n=())), 100, 0)
    with pytest.raises(InvalidArgument):
        verify([statement(dict(n=()))], budget=1)
    with pytest.raises(InvalidArgument, match="parts"):
        decide(AllOf([]))


def test_a_claim_whose_hypotheses_fail_everywhere_is_not_proved():
    """Every configuration is inapplicable: so is the claim, which was expected to be proved."""
    def unmet(n):
        raise HypothesisNotMet("not met")
    verdict = settle(statement(dict(n=(2, 3)), unmet), 100, 0)
    assert verdict.status is INAPPLICABLE and not verdict.as_expected and not verdict.evidence


def test_a_bound_that_is_tried_nowhere_is_not_called_sharp():
    """"Beyond" without a configuration shows nothing."""
    assert not settle(statement(dict(n=(2,)), beyond=dict(n=())), 100, 0).sharp
