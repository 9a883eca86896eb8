"""The local question: how far apart a network drives two inputs of one ball."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import fraction, fractions
from stabkit.audit.ascent import pairs_driven_apart
from stabkit.audit.questions import local_name
from stabkit.audit.result import Judgement, Local
from stabkit.audit.slope_parts import slope_calculation, slopes_shown
from stabkit.audit.witnesses import certain_quotient
from stabkit.errors import InvalidArgument
from stabkit.networks.blocks import Block
from stabkit.networks.graph import Graph
from stabkit.networks.local_slopes import local_slopes
from stabkit.networks.slope_bound import SlopeBound, slope_bound
from stabkit.stability.confirmation import confirm_all
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence

_INSIDE = 1 - 2.0**-30


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
        path = Path(around)
        if path.suffix.lower() not in (".npy", ".csv"):
            raise InvalidArgument(f"around: {path} must be a .npy or .csv file with one input")
        try:
            around = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else \
                np.loadtxt(path, delimiter=",", ndmin=1)
        except (OSError, ValueError, EOFError) as error:
            raise InvalidArgument(f"around: cannot read {path}: {error}") from None
    try:
        return np.asarray(around, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgument("around: must be an array of numbers") from None


def judge_ball(graph: Graph, blocks: list[Block], ball: Ball, at_most: Fraction, until: float,
               seed: int) -> tuple[Judgement, Local]:
    """Whether |u⁺ − w⁺| <= L |u − w| for all u and w in the ball, and what is known of the least L.
    """
    name = local_name(at_most, ball.radius)
    reach = float(ball.radius) * (1 + 2.0**-50)
    centre = ball.centre.reshape(graph.shape)
    slopes = local_slopes(graph, centre, reach)
    half = monotonic() + 0.5 * max(until - monotonic(), 0.0)
    upper = None if slopes is None else slope_bound(graph, half, slopes)
    best = None
    for found in pairs_driven_apart(graph, until, seed, within=(
            centre, float(ball.radius) * _INSIDE)):
        if (best is None or found[0] > best[0]) and all(map(ball.holds, found[1:])):
            best = found
    quotient = None if best is None else certain_quotient(graph, best[1], best[2])
    lower = None if quotient is None else quotient.lower
    known = Local(ball.radius, lower, None if upper is None else upper.constant)
    if upper is not None and upper.constant <= at_most:
        proof = confirm_all(_evidence(upper, blocks, at_most, ball))
        if proof is not None:
            return Judgement(name, "forward", PROVED, True, proof), known
    if quotient is not None and quotient.lower > at_most:
        witness = confirm_all(quotient.exceeding(at_most))
        if witness is not None:
            return Judgement(name, "forward", REFUTED, True, witness, quotient.signals), known
    reason = "the certified bounds lie on both sides of it" if upper is not None else \
        "no constant is certified: it takes linear layers and activations with known slopes, and " \
        "not too many"
    return Judgement(name, "forward", UNDECIDED, True, reason=reason), known


def _evidence(bound: SlopeBound, blocks: list[Block], at_most: Fraction, ball: Ball
              ) -> tuple[Evidence, ...]:
    by = (f"for all inputs within {float(ball.radius):.6g} of the given one; the slopes are those "
          "that activations have there, as bounds that were propagated with every rounding error "
          "counted say, taken as given")
    return (*slopes_shown(blocks), *slope_calculation(bound, at_most, by))
