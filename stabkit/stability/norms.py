"""Bounds of operator norms, decided."""

from __future__ import annotations

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.rational import fraction, negative_direction
from stabkit.arithmetic.transcript import Transcript
from stabkit.operators import Operator
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.falsify import shrink
from stabkit.stability.falsify.exactness import Signals, exact_signals_near
from stabkit.stability.property import NormAtMost
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Outcome, calculation

_ELIMINATED = 64  # rows of a matrix that is eliminated in fractions


def decide_norm(what: NormAtMost) -> Outcome:
    """Decide |K u| <= c |u|: by the matrix c² − KᵀK, or by a vector that is longer."""
    log, K, bound = _begin(what)
    n = what.K.shape[1]
    certificate = confirm_evidence(calculation(
        "certificate", log, [f"psd({bound} * I({n}) - {K}.T @ {K})"], "|K u|^2 <= bound |u|^2")) \
        if type(what.K) is Operator else None
    if certificate is not None:
        return Outcome(PROVED, (certificate,))

    def exceeds(signals: Signals) -> bool:
        image = what.K @ signals[0]
        return image @ image > fraction(what.square) * (signals[0] @ signals[0])

    gram = (what.K.sparse().T @ what.K.sparse()).toarray()
    top = np.linalg.eigh(gram)[1][:, -1]
    near = next((u for u in exact_signals_near((top / np.abs(top).max(),)) if exceeds(u)), None)
    if near is None and n <= _ELIMINATED:
        exact = what.K.exact()
        u = negative_direction(fraction(what.square) * np.eye(n, dtype=int) - exact.T @ exact)
        near = None if u is None or not exceeds((u,)) else (u,)
    if near is None:
        return Outcome(UNDECIDED, reason="no rational vector shows that the norm is larger")
    witness = norm_witness(what, shrink(near, exceeds)[0])
    return Outcome(UNDECIDED, reason="the checker does not confirm the vector that was found") \
        if witness is None else Outcome(REFUTED, (witness,))


def norm_witness(what: NormAtMost, u: Signal) -> Evidence | None:
    """Confirmed evidence that |K u| > c |u| for this u, or None."""
    log, K, bound = _begin(what)
    log.give("u", u)
    return confirm_evidence(calculation(
        "witness", log, [f"norm2({K} @ u) > {bound} * norm2(u)"], "|K u|^2 > bound |u|^2"))


def _begin(what: NormAtMost) -> tuple[Transcript, str, str]:
    log = Transcript()
    K = log.give_once(what.K, "K", what.K.exact).text
    return log, K, log.give("bound", what.square).text
