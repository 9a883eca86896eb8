"""Which fact of a flux Coq is given as a reason, by the ends of its intervals."""

import pytest

from stabkit.coq.context import Context


@pytest.mark.parametrize("end, reason", [
    ("1", "phi_rest"), ("inflow", "phi_rest"), ("2 * info", "phi_rest"),
    ("inf", "(rests _ _ _ phi_sector_least phi_slopes_most)")])
def test_only_an_infinite_end_is_no_end(end, reason):
    """g(s) = Φ(s)/s has two ends unless the upper one is inf itself, whatever letters it has."""
    context = Context(facts={"phi": {"sector": ["0", end], "slopes": ["0", "1"]}})
    assert context.rests_by("phi") == reason
