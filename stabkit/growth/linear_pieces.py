"""The second-order network y″ = −Kᵀσ(s ⊙ K y + b) with piecewise-linear σ, in ball arithmetic.

A state x = (y, v, 1) has the constant 1 at its end, so that the flow is linear, x′ = G x, as long
as every row zᵢ of z = s ⊙ K y + b stays on one piece of σ.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import arb, arb_mat

from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.errors import HypothesisNotMet
from stabkit.fluxes.flux import Flux
from stabkit.schemes.symmetric import SymmetricLayer


@dataclass(frozen=True)
class LinearPiece:
    """σ(z) = slope·z + offset for low <= z <= high; ``None`` is infinity."""

    low: Fraction | None
    high: Fraction | None
    slope: Fraction
    offset: Fraction


def linear_pieces(flux: Flux) -> list[LinearPiece]:
    """The pieces of a continuous piecewise-linear flux, along the real line.

    Raises
    ------
    HypothesisNotMet
        For another flux.
    """
    if not flux.piecewise_linear or not flux.facts.continuous:
        raise HypothesisNotMet(f"{flux}: the flow is only known in closed form for a continuous, "
                               "piecewise-linear activation")
    ends = [None, *flux.breakpoints(), None]
    pieces = []
    for low, high in pairwise(ends):
        x = high - 2 if low is None and high is not None else Fraction(low or 0)
        step = Fraction(high - x if high is not None else 1) / 3
        first, second = (Fraction(flux(Fraction(x + k * step))) for k in (1, 2))
        slope = (second - first) / step
        pieces.append(LinearPiece(low, high, slope, first - slope * (x + step)))
    return pieces


def ball(value: Fraction) -> arb:
    """A rational as a ball."""
    return arb(to_fmpq(value))


class PiecewiseField:
    """The field x′ = G(x) x of the network, G constant while every row keeps its piece.

    Its numbers are balls in the current precision.
    """

    def __init__(self, layer: SymmetricLayer):
        if layer.normalisation is not None:
            raise HypothesisNotMet("layer: a normalisation makes the flow nonlinear everywhere")
        K = layer.K.exact()
        rows, self.n = K.shape
        scale = [Fraction(1)] * rows if layer.scale is None else list(layer.scale)
        self.bias = [Fraction(0)] * rows if layer.bias is None else list(layer.bias)
        self.pieces = linear_pieces(layer.activation)
        self.edges = [[None if end is None else ball(end) for end in (piece.low, piece.high)]
                      for piece in self.pieces]
        self.out = arb_mat([[ball(-K[i, j]) for i in range(rows)] for j in range(self.n)])
        self.into = arb_mat([[ball(s * entry) for entry in row]
                             for s, row in zip(scale, K, strict=True)])

    def rows(self, x: arb_mat) -> list[arb]:
        """z of a state."""
        z = self.into * arb_mat([[x[i, 0]] for i in range(self.n)])
        return [z[i, 0] + ball(b) for i, b in enumerate(self.bias)]

    def speeds(self, x: arb_mat) -> list[arb]:
        """z′ of a state."""
        z = self.into * arb_mat([[x[self.n + i, 0]] for i in range(self.n)])
        return [z[i, 0] for i in range(len(self.bias))]

    def pieces_at(self, x: arb_mat) -> list[list[int]]:
        """Per row the pieces that z may lie on; a single one contains it in its interior."""
        return [[k for k, (low, high) in enumerate(self.edges)
                 if (low is None or not z < low) and (high is None or not z > high)]
                for z in self.rows(x)]

    def velocity(self, x: arb_mat) -> arb_mat:
        """x′ for all states in a box."""
        values = [_hull([ball(self.pieces[k].slope) * z + ball(self.pieces[k].offset)
                         for k in row])
                  for z, row in zip(self.rows(x), self.pieces_at(x), strict=True)]
        force = self.out * arb_mat([[value] for value in values])
        n = self.n
        return arb_mat([[x[n + i, 0]] for i in range(n)] + [[force[i, 0]] for i in range(n)]
                       + [[arb(0)]])

    def generator(self, met: list[list[int]]) -> arb_mat:
        """G, or the hull of all G if rows may lie on several pieces."""
        slopes = [_hull([ball(self.pieces[k].slope) for k in row]) for row in met]
        offsets = [_hull([ball(self.pieces[k].offset) for k in row]) for row in met]
        n, rows = self.n, range(len(met))
        force = self.out * arb_mat([[slopes[i] * self.into[i, j] for j in range(n)]
                                    for i in rows])
        rest = self.out * arb_mat([[slopes[i] * ball(self.bias[i]) + offsets[i]] for i in rows])
        G = arb_mat(2 * n + 1, 2 * n + 1)
        for i in range(n):
            G[i, n + i] = arb(1)
            G[n + i, 2 * n] = rest[i, 0]
            for j in range(n):
                G[n + i, j] = force[i, j]
        return G


def _hull(balls: list[arb]) -> arb:
    found = balls[0]
    for other in balls[1:]:
        found = found.union(other)
    return found
