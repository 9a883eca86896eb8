"""Claims that something exists: refuted only where all that could be an example is looked at."""

from dataclasses import replace
from fractions import Fraction as F

import pytest

from stabkit import fluxes
from stabkit.claims.claim import Draw, claim, registry
from stabkit.claims.settle import settle
from stabkit.operators import from_matrix
from stabkit.schemes import Explicit
from stabkit.stability.notions import EUCLIDEAN
from stabkit.stability.property import Not, Stable

ONE = from_matrix([[1]])


def some_step(values, bad):
    """That some tau of the values is stable (or not) for u+ = (1 - tau) u, which is so up to 2."""
    @claim("by hand", within=dict(tau=values), some=True)
    def some_step_is_such(tau):
        """For some tau."""
        what = Stable(Explicit(ONE, fluxes.identity(), tau), EUCLIDEAN)
        return Not(what) if bad else what

    return settle(some_step_is_such, 128, 0)


def test_of_finitely_many_each_is_looked_at():
    """Of 1/2, 1, 3 some are stable and some are not; of 1/2 and 1 none is unstable."""
    assert [str(some_step((F(1, 2), F(1), F(3)), bad).status) for bad in (True, False)] == \
        ["proved", "proved"]
    assert str(some_step((F(1, 2), F(1)), True).status) == "refuted"


def test_of_drawn_ones_the_others_may_be_examples():
    """Steps drawn from (0, 1) are all stable, though 3 is not: that none of them is an example
    refutes nothing, while one example proves."""
    verdict = some_step(Draw(lambda rng: F(1, 2 + int(rng.integers(9))), 5), True)
    assert str(verdict.status) == "undecided" and "drawn" in verdict.reason
    assert str(some_step(Draw(lambda rng: F(3), 2), True).status) == "proved"


@pytest.mark.slow
def test_the_claims_of_the_ledger_that_ask_for_an_example():
    """One is proved by an example.  The other is refuted for every length, not by those that are
    looked at: Φ′ >= −L₋ on the whole line and ‖K1‖² < 4 make ½∇²E = I + αKᵀΦ′K positive definite
    where 4αL₋ <= 1.  At α = 2, where that fails, nothing is refuted."""
    some = {name: entry for name, entry in registry().items() if entry.some}
    (_, shown), (_, refuted) = sorted(some.items(), key=lambda item: str(item[1].expected))
    assert (str(shown.expected), str(refuted.expected)) == ("proved", "refuted")
    for configuration in refuted.configurations():
        argument, _ = refuted(**configuration).what.parts
        face, calculation = argument.parts
        assert face.face == "slope" and face.low == -calculation.given["steepest"]
        assert 4 * F(configuration["alpha"]) * calculation.given["steepest"] <= 1
    planted = replace(refuted, within={**refuted.within, "alpha": ("2",)})
    assert str(settle(planted, 128, 0).status) != "refuted"
