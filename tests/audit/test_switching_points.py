"""Formulas that differ from a known flux at single points are not taken for it."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit.audit.reading.recognition import flux_of_formula
from stabkit.fluxes.expression import VARIABLE, Expression
from stabkit.networks.layers.activation import certified_slopes, diffusivity_evidence

HALF = Fraction(1, 2)
KNOWN = {"soft_shrinkage": VARIABLE - np.maximum(np.minimum(VARIABLE, 1), -1),
         "hard": Expression.where(abs(VARIABLE) > 1, 0 * VARIABLE, VARIABLE),
         "tukey": Expression.where(abs(VARIABLE) > 1, 0 * VARIABLE,
                                   VARIABLE * (1 - VARIABLE**2) ** 2)}
KNOWN["firm"] = Expression.where(abs(VARIABLE) <= 1, VARIABLE, VARIABLE / abs(VARIABLE)
                                 * np.maximum(2 - Expression.where(
                                     VARIABLE < 0, -VARIABLE, VARIABLE), 0))
SPIKES = {"where": Expression.where(VARIABLE == HALF, 100 + 0 * VARIABLE, 0 * VARIABLE),
          "sign": 100 * (np.sign(VARIABLE - HALF) ** 2 - 1)}


@pytest.mark.parametrize("name", KNOWN)
def test_the_formula_itself_is_known(name):
    """Choices and signs alone are no reason to doubt."""
    assert flux_of_formula(KNOWN[name], "formula").name == name


@pytest.mark.slow
@pytest.mark.parametrize("spike", SPIKES)
@pytest.mark.parametrize("name", KNOWN)
def test_a_spike_is_seen(name, spike):
    """Planted: ±100 at s = 1/2 alone.  Such a function jumps, and Φ(1/2)/(1/2) is beyond 100."""
    formula = KNOWN[name] + SPIKES[spike]
    found = flux_of_formula(formula, "formula")
    assert found.activation(HALF) == formula.at(HALF)
    assert certified_slopes(found) is None and diffusivity_evidence(found) is None
