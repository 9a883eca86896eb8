"""Searches in floats where nothing is proved: what they look at before their time is over."""

import numpy as np

from stabkit import RANGE, step_bound
from stabkit import time_limit as clock
from stabkit.stability.falsify.search import Search
from stabkit.stability.sharpness import searched


def test_good_steps_leave_time_for_those_beyond(monkeypatch):
    """Each of the nine steps takes all the time that it gets, and every one gets some."""
    now, shares = [100.0], []

    def take_all(scheme, notion, **options):
        until = clock._UNTIL.get()
        shares.append(until - now[0])
        now[0] = max(now[0], until)
        return Search(None, 1, 0.0)

    monkeypatch.setattr(searched, "search", take_all)
    monkeypatch.setattr(searched, "monotonic", lambda: now[0])
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    found = step_bound(lambda u, dt: np.sort(u), RANGE, shape=3)
    assert len(shares) == 9 and min(shares) > 0.5 and sum(shares) < 20
    assert "20 seconds in all" in str(found)
