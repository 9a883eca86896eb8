"""Layers u ↦ u − τKᵀΦ(s ⊙ N_tv(K u + a) + b) + c of the parabolic network (ruthotto2018)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.fluxes import identity
from stabkit.fluxes.flux import Flux
from stabkit.networks.graph import Graph, Node, evaluate
from stabkit.networks.layers import Activation, Normalisation, Scaling, Shape
from stabkit.networks.layers.activation import diffusivity_evidence, flux_of
from stabkit.networks.segments import added_chain, apply_sign, part
from stabkit.networks.transposes import compare
from stabkit.operators import from_matrix
from stabkit.operators.singular_values import upper_root
from stabkit.schemes import ForwardEuler, Scheme, SymmetricLayer, TotalVariation

Ends = tuple[Fraction, Fraction]


@dataclass(frozen=True, eq=False)
class NormalisedLayer:
    """The parts of such a layer.

    Attributes
    ----------
    before, after : Graph
        K with a; and −τKᵀ with c.
    normalisation : Normalisation
        N_tv, by groups of entries of K u.
    between : Graph
        What multiplies by s and adds b.
    flux : Flux
        Φ.
    tau : Fraction
    """

    before: Graph
    after: Graph
    normalisation: Normalisation
    between: Graph
    flux: Flux
    tau: Fraction

    @property
    def scale(self) -> np.ndarray:
        """s, exactly and flat."""
        if not self.between.nodes:
            return fractions(np.ones(self.between.size, dtype=int))
        one = fractions(np.ones((1, *self.between.shape), dtype=int))
        return evaluate(self.between.without_bias(), one).ravel()

    @property
    def diffusivities(self) -> Ends | None:
        """Between what D lies where Φ(s ⊙ N_tv(y)) = D y, as the checker confirms of Φ."""
        ends = self.flux.facts.diffusivities
        if ends is None or diffusivity_evidence(self.flux) is None:
            return None
        root, scale = upper_root(1 / self.normalisation.epsilon), self.scale
        reached = [g * s for g in ends for s in (min(scale), max(scale))]
        return root * min(Fraction(0), *reached), root * max(Fraction(0), *reached)

    @property
    def largest_step(self) -> Fraction | None:
        """The largest τ that is certified to let no norm grow; D must not fall below 0."""
        ends, square = self.diffusivities, self.before.square
        return None if ends is None or ends[0] < 0 or not ends[1] * square else \
            2 / (ends[1] * square)

    @property
    def scheme(self) -> Scheme:
        """The layer as a scheme, without a, b and c; N_tv wants one channel after the other."""
        order = self.normalisation.places.T.ravel()
        K = from_matrix(self.before.matrix.exact()[order])
        layer = SymmetricLayer(K, self.flux, TotalVariation(
            self.normalisation.epsilon, self.normalisation.places.shape[1]), self.scale[order])
        return ForwardEuler(layer, self.tau)


def normalised_layer(segment: Graph) -> NormalisedLayer | None:
    """The parts of a segment that is such a layer, also without Φ; else None."""
    found = added_chain(segment)
    if found is None:
        return None
    path, sign = found
    active = [place for place, node in enumerate(path) if not node.layer.is_linear
              or node.layer.joins]
    shrinking = path[active[0]].layer if active else None
    if not isinstance(shrinking, Normalisation) or \
            not _is_total_variation(shrinking, path[active[0]].shape):
        return None
    first, last, flux = active[0], _end_of_scalings(path, active[0] + 1), flux_of(
        identity)
    end = last
    if active[1:]:
        bend = path[active[1]].layer
        if active[1:] != [last] or not isinstance(bend, Activation):
            return None
        flux, end = bend.flux, last + 1
    before, between = part(segment, range(first), -1), part(
        segment, range(first + 1, last), first)
    after = apply_sign(part(segment, range(end, len(path)), end - 1), sign)
    transpose = compare(before, after)
    factor = None if transpose is None else transpose.factor
    return None if factor is None or factor >= 0 else NormalisedLayer(
        before, after, shrinking, between, flux, -factor)


def _end_of_scalings(path: list[Node], start: int) -> int:
    """The first place from a start on where something else stands than a scaling."""
    return next((place for place in range(start, len(path))
                 if not isinstance(path[place].layer, Scaling)), len(path))


def _is_total_variation(layer: Normalisation, shape: Shape) -> bool:
    """Whether it is N_tv on groups that hold every entry of a signal once."""
    return layer.summed and not layer.centred and np.array_equal(
        np.sort(layer.places, axis=None), np.arange(prod(shape)))
