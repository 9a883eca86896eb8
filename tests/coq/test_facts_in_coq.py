"""Which fact of a flux Coq is given as a reason, by the ends of its intervals."""

import pytest

from stabkit.coq.context import Context


@pytest.mark.parametrize("end, rests", [
    ("1", True), ("inflow", True), ("2 * info", True), ("inf", False)])
def test_only_an_infinite_end_is_no_end(end, rests):
    """g(s) = Φ(s)/s has two ends unless the upper one is inf itself, whatever letters it has."""
    context = Context(facts={"phi": {"sector": ["0", end], "slopes": ["0", "1"]}})
    reason = context.rests_by("phi")
    assert ("_rest" in reason) is rests and ("_slopes_most" in reason) is not rests
