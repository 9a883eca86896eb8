"""What to ask or to change where a constant in a ball is not the one that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from time import monotonic

from stabkit.audit.ball import Ball, judge_ball
from stabkit.audit.changes import below, scale_last_layer
from stabkit.audit.composition import Composition
from stabkit.audit.decision import above
from stabkit.audit.result import Judgement, Local
from stabkit.stability.verdict import PROVED

_HALVINGS = 6


def advise_in_ball(network: Composition, ball: Ball, at_most: Fraction,
                   judgements: Sequence[Judgement], known: Local | None, until: float, seed: int
                   ) -> tuple[str, ...]:
    """A constant that is proved, a smaller radius, or a smaller last layer, each judged before it
    is said; or that none applies."""
    if known is None or judgements[0].status is PROVED:
        return ()
    if known.upper is None:
        return ("nothing is known to help here: no constant is certified in the ball",)
    said = [f"ask for --at-most {above(known.soon or known.upper)}, which is proved in this ball"]
    radius = ball.radius
    for _ in range(_HALVINGS):
        radius /= 2
        if monotonic() >= until:
            break
        if _is_proved(network, replace(ball, radius=radius), at_most, until, seed):
            said.append(f"or for --radius {below(radius)}, where --at-most {above(at_most)} is "
                        "proved")
            break
    change = scale_last_layer(network, at_most / known.upper, until)
    if change is not None and _is_proved(change.network, ball, at_most, until, seed):
        said.append(f"or change the network; {change.said[0]}")
    return tuple(said)


def _is_proved(network: Composition, ball: Ball, at_most: Fraction, until: float, seed: int
               ) -> bool:
    now = monotonic()
    judged, _ = judge_ball(network, ball, at_most, now + max(0.25 * (until - now), 0.0), seed)
    return judged.status is PROVED
