"""Blocks: what the segments of a network are, recognised by their form and their weights.

What is found out about a block is kept by it, and equal blocks of a network share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal, TypeVar, cast

from stabkit.aliases import Number
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux
from stabkit.networks.couplings import Coupling, couplings_of
from stabkit.networks.cycles import Cycle, cycle_of
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Activation
from stabkit.networks.layers.activation import certified_slopes, diffusivity_evidence
from stabkit.networks.leapfrog import leapfrog_of
from stabkit.networks.network import Network
from stabkit.networks.parabolic import NormalisedLayer, normalised_layer
from stabkit.networks.reach import bound_with_products
from stabkit.networks.residual_form import named_map, residual_parts
from stabkit.networks.segments import added_chain, apply_sign, join_graphs, part, segments
from stabkit.networks.transposes import Transpose, compare
from stabkit.operators import norm_squared
from stabkit.operators.singular_values import upper_root
from stabkit.schemes import Explicit, Linear, Pointwise, ResidualBlock, Scheme
from stabkit.stability.certificates import certify
from stabkit.stability.notions import Notion
from stabkit.stability.verdict import Evidence
from stabkit.time_limit import time_is_over

Form = Literal["affine", "activation", "diffusion block", "residual block", "Hamiltonian block",
               "leapfrog block", "reversible block", "parabolic block", "FSI cycle", "general"]
AFFINE: Form = "affine"
ACTIVATION: Form = "activation"
DIFFUSION: Form = "diffusion block"      # u − τKᵀΦ(K u + b) + c
RESIDUAL: Form = "residual block"        # u + W₂Φ(W₁u + b) + c with other weights
HAMILTONIAN: Form = "Hamiltonian block"  # Verlet steps
LEAPFROG: Form = "leapfrog block"        # 2Y − Z − δ²KᵀΦ(K Y + b), Y
COUPLING: Form = "reversible block"      # steps of the same form with other weights
PARABOLIC: Form = "parabolic block"      # u − τKᵀΦ(s ⊙ N_tv(K u + a) + b) + c
CYCLE: Form = "FSI cycle"                # uˡ⁺¹ = αₗ(uˡ − τKᵀΦ(K uˡ)) + (1 − αₗ)uˡ⁻¹
GENERAL: Form = "general"

Made = TypeVar("Made")
ONE, ZERO = Fraction(1), Fraction(0)
_LARGEST = Fraction(10) ** 300


@dataclass(frozen=True, eq=False)
class Block:
    """A segment of a network and what was recognised in it.

    Attributes
    ----------
    graph : Graph
    form : str
    before, after : Graph or None
        W₁ and W₂ of a residual or diffusion block, with their biases.
    flux : Flux or None
        Φ.
    transpose : Transpose or None
        How W₂ compares to W₁ᵀ.
    couplings : tuple of Coupling
        The steps of a reversible block.
    normalised : NormalisedLayer or None
        The parts of a parabolic block; its W₁, W₂ and Φ alone say less.
    cycle : Cycle or None
    """

    graph: Graph
    form: Form
    before: Graph | None = None
    after: Graph | None = None
    flux: Flux | None = None
    transpose: Transpose | None = None
    couplings: tuple[Coupling, ...] = ()
    normalised: NormalisedLayer | None = None
    cycle: Cycle | None = None
    kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What `make` finds out about the block, or an equal one, found out once."""
        if key not in self.kept:
            self.kept[key] = make()
        found: Made = self.kept[key]
        return found

    def at_place(self, graph: Graph) -> Block:
        """The same block at another place, where its layers have other names.

        What is known of the one is known of the other, so the graphs must have one key.
        """
        before, after = _rename_parts(self, graph)
        other = replace(self, graph=graph, before=before, after=after)
        object.__setattr__(other, "kept", self.kept)
        return other

    @property
    def name(self) -> str:
        """The names of the first and last layers."""
        first, last = self.graph.nodes[0].name, self.graph.nodes[-1].name
        return first if len(self.graph.nodes) == 1 else f"{first} .. {last}"

    @property
    def tau(self) -> Fraction | None:
        """τ of a diffusion or parabolic block, or of a cycle."""
        other = self.normalised or self.cycle
        if other is not None:
            return other.tau
        factor = self.transpose.factor if self.transpose is not None else None
        return -factor if factor is not None else None

    @property
    def parts(self) -> tuple[Graph, Graph, Flux]:
        """W₁, W₂ and Φ of a residual or diffusion block."""
        if self.before is None or self.after is None or self.flux is None:
            raise InvalidArgument(f"block: {self.name} must be a residual or diffusion block, got "
                                  f"a block of the form {self.form!r}")
        return self.before, self.after, self.flux

    @property
    def keeps_shape(self) -> bool:
        return self.graph.output_shape == self.graph.shape

    @property
    def is_small(self) -> bool:
        """Whether it is decided in rational numbers."""
        return self.once("small", lambda: self.graph.is_small)

    @property
    def has_bias(self) -> bool:
        """Whether any layer adds a constant that is not zero."""
        return self.once("bias", lambda: self.graph.has_bias)

    @property
    def scheme(self) -> Scheme:
        """The block as a scheme: of the known form where it is small and has one."""
        return self.once("scheme", lambda: _scheme(self))

    @property
    def bound(self) -> Fraction | None:
        """A certified Lipschitz constant, or None where the activation has none."""
        return self.once("bound", lambda: usable(_bound(self)))

    @property
    def gain(self) -> Fraction | None:
        """A certified bound of ‖u⁺‖/‖u‖, from the range of Φ(s)/s; None where none is known.

        Unlike :attr:`bound` it does not suffer from a flux that falls.
        """
        return self.once("gain", lambda: usable(_gain(self)))

    def certificates(self, notion: Notion) -> tuple[Evidence, ...] | None:
        """Those that prove a notion of a small block, or None."""
        return self.once(("certificates", notion), lambda: certify(self.scheme, notion)
                         if self.is_small else None)


def usable(bound: Fraction | None) -> Fraction | None:
    """A constant that a float can say; a larger one is as good as none."""
    return None if bound is None or bound > _LARGEST else bound


def _scheme(block: Block) -> Scheme:
    before, after, flux, tau = block.before, block.after, block.flux, cast(Number, block.tau)
    if not block.keeps_shape or not block.is_small:
        return Network(block.graph)
    if block.form == AFFINE and not block.has_bias:
        return Linear(block.graph.matrix)
    if block.normalised is not None and not block.has_bias:
        return block.normalised.scheme
    if flux is None:
        return Network(block.graph)
    if block.form == ACTIVATION:
        return Pointwise(flux, block.graph.size)
    if before is None or after is None:
        return Network(block.graph)
    if block.form == DIFFUSION and not block.has_bias:
        return Explicit(before.matrix, flux, tau)
    inner, outer = (bias if bias.any() else None for bias in (before.offset, after.offset))
    return ResidualBlock(before.matrix, after.matrix, flux, inner, outer)


# -- the constant: better than the product of the layers' norms ------------------------------------
def _bound(block: Block) -> Fraction | None:
    if block.form == AFFINE:
        return upper_root(block.graph.square)
    plain = bound_with_products(block.graph)
    slopes = certified_slopes(block.flux) if block.flux is not None else None
    if plain is None or slopes is None or block.before is None or block.after is None:
        return plain
    (low, high), square = slopes, block.before.square
    if block.form == DIFFUSION and block.tau is not None:
        return _diffusion_bound(block.tau, low, high, square)
    size, inner, outer = max(abs(low), abs(high)), upper_root(square), \
        upper_root(block.after.square)
    return min(plain, 1 + size * inner * outer,
               *_bound_by_the_nearest(block, square, size * inner, slopes))


def _diffusion_bound(tau: Fraction, low: Fraction, high: Fraction, square: Fraction) -> Fraction:
    """I − τKᵀDK is symmetric, and D has entries in [low, high]: slopes, or diffusivities at u."""
    return max(ONE, tau * max(high, ZERO) * square - 1, 1 - tau * min(low, ZERO) * square)


def _gain(block: Block) -> Fraction | None:
    if block.has_bias:
        return None
    flux, tau = block.flux, block.tau
    if block.normalised is not None:
        ends = block.normalised.diffusivities
        return block.bound if ends is None else _diffusion_bound(
            block.normalised.tau, *ends, block.normalised.before.square)
    if block.form not in (DIFFUSION, ACTIVATION) or flux is None or \
            diffusivity_evidence(flux) is None or flux.facts.diffusivities is None:
        return block.bound
    low, high = flux.facts.diffusivities
    if block.form == ACTIVATION:
        return max(abs(low), abs(high))
    return None if block.before is None or tau is None else _diffusion_bound(
        tau, low, high, block.before.square)


def _bound_by_the_nearest(block: Block, square: Fraction, steep: Fraction,
                          slopes: tuple[Fraction, Fraction]) -> list[Fraction]:
    """The bound of the nearest diffusion block, plus what the difference from it can do."""
    before, after = block.before, block.after
    if block.transpose is None or block.transpose.nearest >= 0 or before is None or after is None:
        return []
    tau, away = Fraction(-block.transpose.nearest), block.transpose.away
    if before.is_small and after.is_small and not time_is_over():
        rest = after.matrix + tau * before.matrix.T
        away = upper_root(norm_squared(rest).upper) if any(rest.values) else ZERO
    return [_diffusion_bound(tau, *slopes, square) + steep * away]


# -- recognition -----------------------------------------------------------------------------------
def blocks_of(graph: Graph) -> list[Block]:
    """The blocks of a network, first one first; affine layers in a row are one block."""
    unlike: dict[Any, Block] = {}
    found: list[Block] = []
    rows: list[Graph] = []
    for segment in segments(graph):
        if _is_affine(segment):
            rows.append(segment)
            continue
        found += [_share_knowledge(join_graphs(rows), unlike)] if rows else []
        found.append(_share_knowledge(segment, unlike))
        rows = []
    return found + ([_share_knowledge(join_graphs(rows), unlike)] if rows else [])


def _share_knowledge(segment: Graph, unlike: dict[Any, Block]) -> Block:
    """The block of a segment, which knows what an equal one knows."""
    if segment.key not in unlike:
        unlike[segment.key] = recognise(segment)
        return unlike[segment.key]
    return unlike[segment.key].at_place(segment)


def _rename_parts(block: Block, graph: Graph) -> tuple[Graph | None, Graph | None]:
    """W₁ and W₂ of a block with the names that they have in an equal segment."""
    if block.before is None or block.after is None:
        return None, None
    found = _chain_parts(graph)
    return found[:2] if found else (named_map("first", graph, block.before.nodes[0].layer),
                                    named_map("second", graph, block.after.nodes[0].layer))


def _is_affine(segment: Graph) -> bool:
    return all(node.layer.is_linear for node in segment.nodes)


def recognise(segment: Graph) -> Block:
    """What a segment is."""
    last = segment.nodes[-1].layer
    if _is_affine(segment):
        return Block(segment, AFFINE)
    if len(segment.nodes) == 1:
        return Block(segment, ACTIVATION, flux=last.flux) if isinstance(last, Activation) \
            else Block(segment, GENERAL)
    couplings = couplings_of(segment)
    if couplings:
        verlet = all(step.is_hamiltonian for step in couplings)
        return Block(segment, HAMILTONIAN if verlet else COUPLING, couplings=couplings)
    leap = leapfrog_of(segment)
    if leap is not None and leap.is_hamiltonian:
        return Block(segment, LEAPFROG, couplings=(leap,))
    normalised = normalised_layer(segment)
    if normalised is not None:
        return Block(segment, PARABOLIC, normalised=normalised)
    found = _chain_parts(segment) or residual_parts(segment)
    if not found:
        cycle = cycle_of(segment)
        return Block(segment, GENERAL if cycle is None else CYCLE, cycle=cycle)
    before, after, flux = found
    transpose = compare(before, after)
    exact = transpose is not None and transpose.factor is not None and transpose.factor < 0
    return Block(segment, DIFFUSION if exact else RESIDUAL, before, after, flux, transpose)


def _chain_parts(segment: Graph) -> tuple[Graph, Graph, Flux] | None:
    """The parts of a segment that ends in a sum of its own input and one chain of layers."""
    found = added_chain(segment)
    if found is None:
        return None
    branch, sign = found
    active = [i for i, node in enumerate(branch) if not node.layer.is_linear or node.layer.joins]
    if len(active) != 1:
        return None
    where, layer = active[0], branch[active[0]].layer
    if not isinstance(layer, Activation):
        return None
    before = part(segment, range(where), -1)
    after = apply_sign(part(segment, range(where + 1, len(branch)), where), sign)
    return before, after, layer.flux
