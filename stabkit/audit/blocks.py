"""Blocks: what the segments of a network are, recognised by their form and their weights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from stabkit.audit.coupling import Coupling, couplings_of
from stabkit.audit.layers import Activation, Graph, Sum
from stabkit.audit.network import (
    Network,
    is_linear_layer,
    is_linear_node,
    is_small,
    matrix_of,
    offset_of,
)
from stabkit.audit.segments import joined, part, path_to, segments, signed
from stabkit.audit.transposes import Transpose, compare
from stabkit.audit.wiring import residual_parts
from stabkit.errors import Undecided
from stabkit.flux import Flux
from stabkit.schemes import Explicit, Linear, Pointwise, ResidualBlock, Scheme

AFFINE, ACTIVATION, DIFFUSION, RESIDUAL, HAMILTONIAN, COUPLING, GENERAL = (
    "affine", "activation", "diffusion block", "residual block", "Hamiltonian block",
    "reversible block", "general")


@dataclass(frozen=True, eq=False)
class Block:
    """A segment of a network and what was recognised in it.

    Attributes
    ----------
    graph : Graph
    form : str
        Affine; activation; diffusion block u − τKᵀΦ(K u + b) + c; residual block
        u + W₂Φ(W₁u + b) + c with other weights; Hamiltonian block, Verlet steps; reversible
        block of the same form with other weights; general.
    before, after : Graph or None
        W₁ and W₂ of a residual or diffusion block, with their biases.
    flux : Flux or None
        Φ.
    transpose : Transpose or None
        How W₂ compares to W₁ᵀ.
    couplings : tuple of Coupling
        The steps of a reversible block.
    """

    graph: Graph
    form: str
    before: Graph | None = None
    after: Graph | None = None
    flux: Flux | None = None
    transpose: Transpose | None = None
    couplings: tuple[Coupling, ...] = ()

    @property
    def name(self) -> str:
        """The names of the first and last layers."""
        first, last = self.graph.nodes[0].name, self.graph.nodes[-1].name
        return first if len(self.graph.nodes) == 1 else f"{first} .. {last}"

    @property
    def tau(self) -> Fraction | None:
        """τ of a diffusion block."""
        factor = self.transpose and self.transpose.factor
        return -factor if factor is not None else None

    @property
    def keeps_shape(self) -> bool:
        return self.graph.nodes[-1].shape == self.graph.shape

    @cached_property
    def has_bias(self) -> bool:
        """Whether any layer adds a constant that is not zero."""
        return has_bias(self.graph)

    @cached_property
    def scheme(self) -> Scheme:
        """The block as a scheme: of the known form where it is small and has one."""
        if not self.keeps_shape or not is_small(self.graph):
            return Network(self.graph)
        if self.form == ACTIVATION:
            return Pointwise(self.flux, self.graph.size)
        if self.form == AFFINE and not self.has_bias:
            return Linear(matrix_of(self.graph))
        if self.form == DIFFUSION and not self.has_bias:
            return Explicit(matrix_of(self.before), self.flux, self.tau)
        if self.form in (DIFFUSION, RESIDUAL):
            biases = [offset_of(chain) for chain in (self.before, self.after)]
            biases = [bias if bias.any() else None for bias in biases]
            return ResidualBlock(matrix_of(self.before), matrix_of(self.after), self.flux, *biases)
        return Network(self.graph)


def has_bias(graph: Graph) -> bool:
    """Whether any layer adds a constant that is not zero, or an activation does not vanish at 0."""
    for node in graph.nodes:
        bias = getattr(node.layer, "bias", None)
        if bias is not None and np.any(np.asarray(bias) != 0):
            return True
        if isinstance(node.layer, Activation) and not _vanishes_at_zero(node.layer.flux):
            return True
    return False


def _vanishes_at_zero(flux: Flux) -> bool:
    try:
        return flux.activation(Fraction(0)) == 0
    except Undecided:
        return False


def blocks_of(graph: Graph) -> list[Block]:
    """The blocks of a network, first one first; affine layers in a row are one block."""
    found: list[Block] = []
    for segment in segments(graph):
        block = recognise(segment)
        if found and block.form == AFFINE == found[-1].form:
            block = Block(joined([found.pop().graph, segment]), AFFINE)
        found.append(block)
    return found


def recognise(segment: Graph) -> Block:
    """What a segment is."""
    last = segment.nodes[-1].layer
    if all(is_linear_node(node.layer) for node in segment.nodes):
        return Block(segment, AFFINE)
    if len(segment.nodes) == 1:
        return Block(segment, ACTIVATION, flux=last.flux) if isinstance(last, Activation) \
            else Block(segment, GENERAL)
    couplings = couplings_of(segment)
    if couplings:
        verlet = all(step.is_hamiltonian for step in couplings)
        return Block(segment, HAMILTONIAN if verlet else COUPLING, couplings=couplings)
    found = (isinstance(last, Sum) and _chained(segment)) or residual_parts(segment)
    if not found:
        return Block(segment, GENERAL)
    before, after, flux = found
    transpose = compare(before, after)
    exact = transpose is not None and transpose.factor is not None and transpose.factor < 0
    return Block(segment, DIFFUSION if exact else RESIDUAL, before, after, flux, transpose)


def _chained(segment: Graph) -> tuple[Graph, Graph, Flux] | None:
    """The parts of a segment that ends in a sum of its own input and one chain of layers."""
    sources, signs = segment.nodes[-1].inputs, segment.nodes[-1].layer.signs
    if sorted(sources)[0] != -1 or len(sources) != 2 or sources[0] == sources[1]:
        return None
    skip = sources.index(-1)
    if signs[skip] < 0:
        return None
    branch = path_to(segment, sources[1 - skip])
    active = [i for i, node in enumerate(branch or ()) if isinstance(node.layer, Activation)]
    if branch is None or len(active) != 1 or not all(
            is_linear_layer(node.layer) for i, node in enumerate(branch) if i != active[0]):
        return None
    where = active[0]
    before = part(segment, range(where), -1)
    after = signed(part(segment, range(where + 1, len(branch)), where), signs[1 - skip])
    return before, after, branch[where].layer.flux

