"""The local question: how far apart a network drives two inputs of one ball."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import fraction, fractions
from stabkit.array_files import read_array
from stabkit.audit.ascent import drive_pairs_apart
from stabkit.audit.cell_evidence import evidence_of_cells
from stabkit.audit.composition import Composition
from stabkit.audit.questions import local_name
from stabkit.audit.result import Judgement, Local
from stabkit.audit.slope_parts import slope_certificates
from stabkit.audit.witnesses import Quotient, certain_quotient
from stabkit.errors import InvalidArgument
from stabkit.networks.ball_bound import BallBound, ball_bound
from stabkit.networks.graph import Graph
from stabkit.stability.confirmation import confirm_all
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence
from stabkit.time_limit import time_limit

_INSIDE = 1 - 2.0**-30
_SEARCHED = 0.25  # of the time, for a pair that is driven apart
_SHOWN = 0.4     # of the time, beyond it, to write cells down
_NEARLY = 1 + Fraction(1, 1000)


@dataclass(frozen=True, eq=False)
class Ball:
    """All inputs x with |x − centre| <= radius.

    Attributes
    ----------
    centre : ndarray of float, flat
    radius : Fraction
    """

    centre: np.ndarray
    radius: Fraction

    def holds(self, x: np.ndarray) -> bool:
        """Whether a float input lies in the ball, exactly."""
        away = fractions(np.ravel(x)) - fractions(self.centre)
        return bool(np.sum(away * away) <= self.radius**2)


def ball_of(around: Any, radius: Any, graph: Graph) -> Ball | None:
    """The ball that is asked for: an array or a file of one, and a radius; None if neither is."""
    if around is None and radius is None:
        return None
    if around is None or radius is None:
        raise InvalidArgument("around, radius: belong together: an input, and how far from it")
    size = fraction(radius, "radius")
    if size <= 0:
        raise InvalidArgument(f"radius: must be positive, got {radius}")
    centre = _array(around)
    if centre.size != graph.size or not np.isfinite(centre).all():
        raise InvalidArgument(f"around: must be {graph.size} finite numbers for an input of shape "
                              f"{graph.shape}, got an array of shape {centre.shape}")
    return Ball(centre.ravel(), size)


def _array(around: Any) -> np.ndarray:
    if isinstance(around, (str, Path)):
        around = read_array(around, "around", "input", (".npy", ".csv"))
    try:
        return np.asarray(around, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgument("around: must be an array of numbers") from None


def judge_ball(network: Composition, ball: Ball, at_most: Fraction, until: float, seed: int
               ) -> tuple[Judgement, Local]:
    """Whether |u⁺ − w⁺| <= L |u − w| for all u and w in the ball, and what is known of the least L.

    A constant for all inputs is one for those in the ball, too.
    """
    name, graph = local_name(at_most, ball.radius), network.graph
    now = monotonic()
    quotient = _quotient(graph, ball, now + _SEARCHED * max(until - now, 0.0), seed)
    # A constant that a pair all but reaches is as good as the least one.
    enough = at_most if quotient is None else max(at_most, quotient.lower * _NEARLY)
    inside = ball_bound(graph, ball.centre.reshape(graph.shape),
                        float(ball.radius) * (1 + 2.0**-50), until, enough)
    upper, soon = (min((bound for bound in (network.upper, own) if bound is not None), default=None)
                   for own in ((None, None) if inside is None else (inside.constant, inside.soon)))
    known = Local(ball.radius, None if quotient is None else quotient.lower, upper, soon)
    if upper is not None and upper <= at_most:
        with time_limit(until + _SHOWN * max(until - now, 0.0)):
            proof = _proof(network, inside, at_most, ball)
        if proof is not None:
            return Judgement(name, "forward", PROVED, True, proof), known
    if quotient is not None and quotient.lower > at_most:
        witness = confirm_all(quotient.evidence_against(at_most))
        if witness is not None:
            return Judgement(name, "forward", REFUTED, True, witness, quotient.signals), known
    reason = "the certified bounds lie on both sides of it" if upper is not None else \
        "no constant is certified: it takes linear layers and activations with known slopes, and " \
        "not too many"
    return Judgement(name, "forward", UNDECIDED, True, reason=reason), known


def _quotient(graph: Graph, ball: Ball, until: float, seed: int) -> Quotient | None:
    """The best pair in the ball that is found by a time."""
    best = None
    for found in drive_pairs_apart(graph, until, seed, within=(
            ball.centre.reshape(graph.shape), float(ball.radius) * _INSIDE)):
        if (best is None or found[0] > best[0]) and all(map(ball.holds, found[1:])):
            best = found
    return None if best is None else certain_quotient(graph, best[1], best[2])


def _proof(network: Composition, inside: BallBound | None, at_most: Fraction, ball: Ball
           ) -> tuple[Evidence, ...] | None:
    """What holds for the inputs in the ball, if that is enough; else what holds for all."""
    proof = None
    if inside is not None and inside.constant <= at_most:
        by = (f"for all inputs within {float(ball.radius):.6g} of the given one; the slopes are "
              "those that activations have there, as bounds that were propagated with every "
              "rounding error counted say, taken as given")
        if inside.cells > 1:
            by += f"; in cells of the {inside.cells} that the ball is cut into"
        proof = confirm_all((*slope_certificates(network.blocks),
                             *evidence_of_cells(inside, ball.radius, at_most, by)))
    return proof or network.shows(at_most, "for all inputs, so for those in the ball")
