"""Pictures that take an argument: what is drawn is what was decided."""

import numpy as np
import pytest

from stabkit import audit, fluxes
from stabkit.audit.npz_file import from_arrays
from stabkit.report import figures


@pytest.mark.slow
def test_an_audit_is_drawn_with_its_bounds_and_steps():
    """K = (1): the step 3 makes u - 3u = -2u, so differences double; up to 2 they do not grow."""
    found = audit(from_arrays({"W1": np.array([[1.0]]), "flux": np.array("identity"),
                               "step": np.array(3.0)}), budget=1.0)
    bounds, steps = figures.audited(found).axes
    assert max(bar.get_width() for bar in bounds.patches) == pytest.approx(2, rel=1e-6)
    certified = steps.patches[0].get_width()
    assert certified <= 2 and certified == pytest.approx(2, rel=1e-2)


def test_notions_of_a_step_are_drawn_as_they_are_decided():
    """For N = 3 and Φ = id the sharp steps are 2/3, 1/2 and 0.38 (sign)."""
    panels = figures.notions_of_a_step("11/20", 3, fluxes.identity()).axes
    assert [bool(panel.lines) for panel in panels] == [False, True, True]
    assert [text.get_text() for text in panels[0].texts] == ["proved"]


def test_robustness_is_drawn_as_it_was_measured():
    """Two lines for each network, and an area where something is certified."""
    rows = [{"radius": r, "noise": 1 - r / 4, "attack": 1 - r / 2, "certified": 1 - r}
            for r in (0.0, 0.5, 1.0)]
    free = [{**row, "certified": 0.0} for row in rows]
    axes, = figures.robustness({"free": free, "certified": rows}).axes
    assert [list(each.get_ydata()) for each in axes.lines] == 2 * [
        [1, 0.875, 0.75], [1, 0.75, 0.5]]
    assert len(axes.collections) == 1
