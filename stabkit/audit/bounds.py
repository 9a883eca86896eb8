"""That the Lipschitz constants of blocks in a row multiply: the evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod

from stabkit.arithmetic.transcript import Transcript
from stabkit.fluxes.flux import Flux
from stabkit.networks.blocks import ACTIVATION, AFFINE, Block
from stabkit.networks.graph import Graph
from stabkit.networks.layers.activation import slope_evidence
from stabkit.stability.verdict import Evidence, calculation

_SHOWN = 32   # columns up to which a bound is shown by a matrix inequality in the evidence
_LONG = 2_000  # bits of a denominator
ONE = Fraction(1)


def product(bounds: Sequence[Fraction | None]) -> Fraction | None:
    """The constant of a composition, rounded up where its digits are many."""
    total = ONE
    for bound in bounds:
        if bound is None:
            return None
        total *= bound
        if total.denominator.bit_length() > _LONG:
            unit = Fraction(2) ** (total.numerator.bit_length() - total.denominator.bit_length()
                                   - _LONG // 2)
            total = -(-total // unit) * unit
    return total


def evidence_of(blocks: Sequence[Block], bounds: Sequence[Fraction], at_most: Fraction, by: str,
                of_flux: Callable[[Flux], Evidence | None] = slope_evidence
                ) -> tuple[Evidence, ...]:
    """That the constants of the blocks multiply to `at_most` at most.

    Those of small linear maps and, by `of_flux`, of activations are shown; the others are taken as
    given by the checker, and the evidence says so.
    """
    log = Transcript()
    slopes: list[Evidence] = []
    shows: list[str] = []
    given: list[str] = []
    factors: list[str] = []
    for block, bound in zip(blocks, bounds, strict=True):
        name = log.give("L", bound).text
        factors.append(name)
        if block.form == AFFINE and block.is_small and _narrow(block.graph):
            matrix = log.give("W", block.graph.matrix.exact())
            shows.append(f"psd({name}**2 * I({block.graph.size}) - {matrix.text}.T @ "
                         f"{matrix.text})")
        elif block.form == ACTIVATION and block.flux is not None:
            evidence = of_flux(block.flux)
            if evidence is not None and evidence not in slopes:
                slopes.append(evidence)
        else:
            given.append(name)
    shows.append(f"{' * '.join(factors)} <= {at_most}")
    words = "the Lipschitz constants of maps in a row multiply" if of_flux is slope_evidence else \
        "bounds of |u+| over |u| of maps in a row multiply"
    if given:
        words += (f"; {', '.join(given)} are bounds that stabkit has computed with every rounding "
                  "error counted, and are taken as given here")
    return (*slopes, calculation("certificate", log, shows, f"{words}; {by}"))


def _narrow(graph: Graph) -> bool:
    return graph.size <= _SHOWN and prod(graph.output_shape) <= 4 * _SHOWN
