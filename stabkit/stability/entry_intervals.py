"""Linear steps whose matrix has entries in intervals: decided for every matrix in the box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import Undecided, require_value
from stabkit.fluxes.flux import Flux
from stabkit.operators import Operator
from stabkit.schemes import Linear
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.stability.property import Stable
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, calculation

_LARGEST = 16


def holds_intervals(part: Signal) -> bool:
    """Whether a scheme, or another dataclass, has an operator with entries in intervals."""
    if isinstance(part, Operator):
        return part.spread is not None
    if isinstance(part, tuple):
        return any(map(holds_intervals, {id(each): each for each in part}.values()))
    if isinstance(part, (type, Flux)) or not is_dataclass(part):
        return False
    return any(holds_intervals(getattr(part, each.name)) for each in fields(part))


def decide_for_all(what: Any, decide: Callable[[Any], Outcome],
                   confirm: Callable[[Evidence], Evidence | None]) -> Outcome:
    """Decide a property that holds such operators, for every matrix in the box.

    Parameters
    ----------
    what : Property
    decide : callable
        Decides the property for the stored entries.
    confirm : callable
        Gives evidence that the checker accepts, or None.
    """
    if not isinstance(what, Stable) or not isinstance(what.scheme, Linear):
        return Outcome(UNDECIDED, reason="entries in intervals are decided for Linear steps only; "
                       "use rounding='snapped'")
    M = what.scheme.matrix
    certificate = _certify(M, what.notion)
    certificate = certificate and confirm(certificate)
    if certificate is not None:
        return Outcome(PROVED, (certificate,), rounding="proved for all entries within rounding")
    middle = decide(Stable(what.scheme, what.notion))
    if middle.status is REFUTED and middle.signals and _breaks(M, what.notion, middle.signals):
        return Outcome(REFUTED, middle.evidence, middle.margin, middle.trials,
                       signals=middle.signals, rounding="refuted for all entries within rounding")
    return Outcome(UNDECIDED, trials=middle.trials, reason="the notion is neither proved nor "
                   "refuted for all entries within rounding; for the floats themselves it is "
                   f"{middle.status}")


def _certify(M: Operator, notion: Notion) -> Evidence | None:
    """|M + E| <= |M| + |E| <= 1 for every E in the box, where |E| is at most the sum of its size.

    Only for the Euclidean norm: the rows of other matrices in the box do not add up to 1.
    """
    spread = M.spread
    if notion not in (EUCLIDEAN, CONTRACTION) or M.shape[0] > _LARGEST or spread is None:
        return None
    exact, away = M.exact(), sum(spread.values, Fraction(0))
    n = len(exact)
    if away > 1 or not is_psd((1 - away)**2 * np.eye(n, dtype=int) - exact.T @ exact):
        return None
    log = Transcript()
    matrix = log.give_once(M, "M", M.exact).text
    sizes = log.give_once(spread, "E", spread.exact).text
    rest = log.give("r", 1 - away).text
    return calculation(
        "certificate", log,
        [f"nonneg({sizes})", f"{rest} + ones({n}) @ ({sizes} @ ones({n})) == 1", f"{rest} >= 0",
         f"psd({rest} * {rest} * I({n}) - {matrix}.T @ {matrix})"],
        "every matrix is M + D with |D_ij| <= E_ij, so |D u| <= (sum E_ij) |u| = (1 - r) |u| and "
        "|(M + D) u| <= r |u| + (1 - r) |u| = |u|")


def _breaks(M: Operator, notion: Notion, signals: tuple[np.ndarray, ...]) -> bool:
    """Whether signals break a notion for every matrix in the box."""
    exact = M.exact()
    spread = require_value(M.spread, f"{M!r}: its entries are no intervals").exact()
    box = np.empty(exact.shape, dtype=object)
    for place, middle in np.ndenumerate(exact):
        box[place] = Interval(middle - spread[place], middle + spread[place])
    try:
        margin = notion.margin(*(part for u in signals for part in (u, box @ u)))
        return bool(margin < 0)
    except Undecided:
        return False
