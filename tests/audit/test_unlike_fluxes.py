"""Segments with two fluxes are no block with one of them."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import fluxes
from stabkit.networks.blocks import blocks_of
from stabkit.networks.graph import Graph, Node
from stabkit.networks.layers import Activation, Scaling, Sum
from stabkit.networks.layers.layer import formula
from stabkit.networks.residual_form import residual_parts


def difference_of(one, two):
    """u − 1/2 (2Φ₁(u) − Φ₂(u)) of one number, wired as a sum of three signals."""
    half = Scaling(np.array(Fraction(1, 2), dtype=object))
    return Graph([Node("one", "Clip", Activation(one), (-1,), (1,)),
                  Node("two", "Clip", Activation(two), (-1,), (1,)),
                  Node("half", "Mul", half, (1,), (1,)),
                  Node("sum", "Sum", Sum((1, -1, 1)), (-1, 0, 2), (1,))], (1,))


def test_two_clips_are_not_taken_for_one():
    """Φ(s) = 2 clip(s, ±1) − clip(s, ±2) falls from 1 to 0 on [1, 2], so the step with τ = 1/2
    takes 1 to 1/2 and 2 to 2: it drives them apart by 3/2."""
    graph = difference_of(fluxes.soft(1), fluxes.soft(2))
    values = graph.values(np.array([[Fraction(1)], [Fraction(2)]], dtype=object))
    one, two = values[len(graph.nodes) - 1].ravel()
    assert (one, two) == (Fraction(1, 2), 2)
    assert residual_parts(graph) is None
    block, = blocks_of(graph)
    assert block.form == "general" and block.bound >= Fraction(3, 2)


@pytest.mark.parametrize("one, two", [(fluxes.soft(1), fluxes.soft(2)),
                                      (fluxes.tanh(), fluxes.relu()),
                                      (fluxes.garrote(1), fluxes.garrote(3))],
                         ids=["thresholds", "kinds", "garrotes"])
def test_fluxes_are_told_apart_by_what_they_compute(one, two):
    """A flux is written like itself and unlike another, also after it was written before."""
    assert formula(one) == formula(one) != formula(two)


def test_one_flux_in_two_places_still_makes_a_block():
    """The planted fault is the flux alone: with the same clip twice it is u − 1/2 clip(u, ±1)."""
    graph = difference_of(fluxes.soft(1), fluxes.soft(1))
    block, = blocks_of(graph)
    assert block.form == "diffusion block" and block.tau == Fraction(1, 2) and block.bound == 1
