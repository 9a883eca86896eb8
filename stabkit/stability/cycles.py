"""Whether a multigrid cycle leaves at most so much of any error, in the energy norm."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.linalg

from stabkit.aliases import Matrix, Number
from stabkit.arithmetic.rational import fraction, negative_direction
from stabkit.arithmetic.transcript import Transcript
from stabkit.errors import InvalidArgument
from stabkit.multigrid.cycle import Direct
from stabkit.multigrid.hierarchy import Hierarchy, Level
from stabkit.multigrid.matrices import Exact, to_exact
from stabkit.multigrid.solver import Multigrid
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.falsify.exactness import Signals, exact_signals_near
from stabkit.stability.verdict import INAPPLICABLE, PROVED, REFUTED, UNDECIDED, Outcome, calculation

#: Unknowns that are eliminated in fractions, here and by whoever replays the evidence.
LARGEST = 64


@dataclass(frozen=True, eq=False)
class CycleAtMost:
    """‖E e‖_A <= factor ‖e‖_A for the error e before one cycle and E e after it.

    Attributes
    ----------
    method : Multigrid
        A V- or W-cycle, solved directly on the coarsest level.  Matrices of floats are taken at
        their exact values, and the cycle without rounding.
    factor : rational
    """

    method: Multigrid
    factor: Number

    def __post_init__(self) -> None:
        if not isinstance(self.method, Multigrid):
            raise InvalidArgument(f"method: must be a Multigrid, got {self.method!r}")
        if fraction(self.factor, "factor") < 0:
            raise InvalidArgument(f"factor: must be at least 0, got {self.factor}")
        cycle = self.method.cycle
        if cycle.visit.afterwards or not isinstance(cycle.coarsest, Direct):
            raise InvalidArgument("method: must be a V- or W-cycle, solved directly on the "
                                  "coarsest level")


def decide_cycle(what: CycleAtMost) -> Outcome:
    """By the matrix factor² A − EᵀA E, or by an error that is reduced less."""
    levels = what.method.hierarchy.levels
    if levels[0].unknowns > LARGEST:
        return Outcome(UNDECIDED, reason=f"more than {LARGEST} unknowns; stabkit.multigrid."
                                         "energy_bound shows bounds of up to 1100")
    if levels[0].kernel is not None:
        return Outcome(INAPPLICABLE, reason="the matrix is singular, so its energy is no norm")
    log, method = Transcript(), _exactly(what.method)
    bound = log.give("bound", fraction(what.factor)).text
    A, E = _write_cycle(log, method)
    definite = f"pd({A})"
    certificate = confirm_evidence(calculation(
        "certificate", log, [definite, f"psd({bound} * {bound} * {A} - {E}.T @ {A} @ {E})"],
        "|E e|_A <= bound |e|_A"))
    if certificate is not None:
        return Outcome(PROVED, (certificate,))
    worst = _reduced_less(method, fraction(what.factor))
    if worst is None:
        return Outcome(INAPPLICABLE, reason="the matrix is not symmetric positive definite, so its "
                                            "energy is no norm")
    log.give("e", worst)
    log.define("after", log.term(f"{E} @ e"))
    witness = confirm_evidence(calculation(
        "witness", log,
        [definite, f"dot(after, {A} @ after) > {bound} * {bound} * dot(e, {A} @ e)"],
        "|E e|_A > bound |e|_A"))
    return Outcome(UNDECIDED) if witness is None else Outcome(REFUTED, (witness,))


def _exactly(method: Multigrid) -> Multigrid:
    def exact(part: Matrix) -> Matrix:
        return None if part is None else to_exact(part)

    made = (Level(exact(level.A), exact(level.P), exact(level.R), level.shape)
            for level in method.hierarchy.levels)
    return Multigrid(Hierarchy(tuple(made)), method.cycle)


def _write_cycle(log: Transcript, method: Multigrid) -> tuple[str, str]:
    """The names of A and E, which are defined from what the levels give."""
    levels = method.hierarchy.levels
    names = [log.give(f"A{number}", level.A.to_array()).text
             for number, level in enumerate(levels)]
    B = log.define("B", log.term(f"inverse({names[-1]})")).text
    E = ""
    for number in reversed(range(len(levels) - 1)):
        level, A = levels[number], names[number]
        n = level.unknowns
        P, R = (log.give(f"{letter}{number}", part.to_array()).text
                for letter, part in (("P", level.P), ("R", level.R)))
        pre, post = (log.define(f"{word}{number}", log.term(
            f"I({n}) - {log.give(f'{word}_by{number}', _inverse(sweep, n)).text} @ {A}")).text
            for word, sweep in zip(("pre", "post"), method.sweeps[number], strict=True))
        if E:  # more visits of the level below, from zero on
            B = _write_visits(log, number + 1, levels[number + 1].unknowns, E, names[number + 1],
                              method.cycle.visit.repeats)
        E = log.define(f"E{number}", log.term(
            f"{post} @ (I({n}) - {P} @ {B} @ {R} @ {A}) @ {pre}")).text
    if not E:
        n = levels[0].unknowns
        E = log.define("E0", log.term(f"I({n}) - {B} @ {names[0]}")).text
    return names[0], E


def _inverse(sweep: Any, n: int) -> np.ndarray:
    # X for which a sweep from zero gives X b.
    unit = Exact.identity(n)
    return sweep(0 * unit, unit).to_array()


def _write_visits(log: Transcript, number: int, n: int, E: str, A: str, times: int) -> str:
    power = " @ ".join([E] * times)
    return log.define(f"B{number}", log.term(f"(I({n}) - {power}) @ inverse({A})")).text


def _reduced_less(method: Multigrid, factor: Fraction) -> np.ndarray | None:
    """An error with ‖E e‖² > factor² ‖e‖², with few digits where that is enough."""
    A, E = method.A, method.error_operator()
    S = (factor * factor * A - E.T @ A @ E).to_array()

    def less(signals: Signals) -> bool:
        return bool(signals[0] @ (S @ signals[0]) < 0)

    if not np.array_equal(S, S.T):
        return None
    try:
        _, vectors = scipy.linalg.eigh(S.astype(float), A.to_array().astype(float))
    except np.linalg.LinAlgError:
        return None
    near = next((u for u in exact_signals_near((vectors[:, 0] / abs(vectors[:, 0]).max(),))
                 if less(u)), None)
    return negative_direction(S) if near is None else near[0]
