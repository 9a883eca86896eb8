"""How sharp bounds are: smallest refuted ratios, known by hand for one sample."""

from fractions import Fraction as F

import pytest

from stabkit import fluxes
from stabkit.claims.bounds import Bounds, as_text
from stabkit.claims.claim import claim
from stabkit.operators import from_matrix
from stabkit.schemes import Explicit
from stabkit.stability.notions import EUCLIDEAN
from stabkit.stability.property import AllOf, Not, Stable
from stabkit.stability.refuting import Refuter
from stabkit.stability.verdict import PROVED, REFUTED

ONE = from_matrix([[1]])


def one_sample(tau):
    """u+ = (1 - tau) u does not grow if and only if 0 <= tau <= 2."""
    return Stable(Explicit(ONE, fluxes.identity(), tau), EUCLIDEAN)


def bounded(bounds, beyond=None):
    """That tau <= bound is stable, for each of some bounds."""
    @claim("by hand", within=dict(n=bounds, ratio=(F(1),)), beyond=beyond)
    def steps_up_to_a_bound(n, ratio):
        """|u+| <= |u|."""
        return one_sample(ratio * n)

    return steps_up_to_a_bound


def tightness(bounds, status=PROVED, sharp=None, beyond=None):
    entry = bounded(bounds, beyond)
    return Bounds(entry, 256, 0).tightness(status, list(entry.configurations()), sharp)


def test_the_smallest_ratio_is_bisected_from_above():
    """Of the bound 1 the steps up to 2 are stable, so 2 is not refuted; 4 is, and of
    1 + 3k/32 the first above 2 is 65/32."""
    assert tightness((F(1),)) == {0: F(65, 32)}


def test_only_a_smaller_ratio_is_looked_for_again():
    """The bounds 1, 1/2, 2 and 9/5 leave the factors 2, 4, 1 and 10/9: every ratio above these is
    refuted, and what is larger than one before is not told."""
    found = tightness((F(1), F(1, 2), F(2), F(9, 5)))
    assert list(found) == [0, 2] and found[0] == F(65, 32) and 1 < found[2] <= 1 + F(1, 30_000)
    assert list(tightness((F(9, 5), F(1, 2), F(1)))) == [0]


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [(F(1), F(19, 10)), (F(3, 2), F(1), F(17, 10), F(16, 10))])
def test_the_smallest_of_all_is_that_of_one_by_one(bounds):
    one_by_one = [tightness((bound,))[0] for bound in bounds]
    found = list(tightness(bounds).values())
    assert found[-1] == min(one_by_one) and found == sorted(found, reverse=True)
    for bound, ratio in zip(bounds, one_by_one, strict=True):
        assert ratio * bound > 2


def test_what_is_known_to_be_sharp_is_where_it_begins():
    """With 1001/1000 refuted for all, a bound that leaves more room adds nothing."""
    beyond = dict(ratio=(F(1001, 1000),))
    assert Bounds(bounded((F(2),), beyond), 256, 0).are_sharp()
    assert not Bounds(bounded((F(2), F(1)), beyond), 256, 0).are_sharp()
    assert tightness((F(1),), sharp=True, beyond=beyond) == {}
    assert tightness((F(2),), sharp=True, beyond=beyond)[0] < F(1001, 1000)


def test_of_a_refuted_claim_the_last_configuration_tells():
    """tau <= 4 is false from ratio 1/2 on, which itself is stable: of k/32 the first is 17/32."""
    assert tightness((F(1), F(4)), REFUTED) == {1: F(17, 32)}


def test_a_remembered_signal_decides_nothing_by_itself():
    """After a violation at 2 + 10^-9 the signal is known; at 2 and below it breaks nothing."""
    refuted = Refuter()
    assert refuted(one_sample(2 + F(1, 10**9)), 64, 0)
    assert not refuted(one_sample(F(2)), 64, 0) and not refuted(one_sample(F(1)), 64, 0)
    assert refuted(one_sample(F(3)), 0, 0)


def test_parts_and_contraries_are_looked_at():
    refuted = Refuter()
    stable, not_stable = one_sample(F(1)), one_sample(F(3))
    assert refuted(AllOf([stable, not_stable]), 64, 0) and refuted(Not(stable), 64, 0)
    assert not refuted(AllOf([stable, Not(not_stable)]), 64, 0)


def test_files_hold_no_addresses():
    """What has no text of its own is told by its kind, so that two runs write the same file."""
    class Nameless:
        pass

    assert as_text(Nameless()).endswith(".Nameless object>") and " at " not in as_text(lambda: 0)
    assert (as_text(F(1, 2)), as_text(3), as_text("a at 0x1")) == ("1/2", 3, "a at 0x1")
