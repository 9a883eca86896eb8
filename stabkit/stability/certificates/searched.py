"""Certificates that are searched: a theorem about all steps of a form, and a scheme that is one.

The scheme's own step runs on symbols and writes a statement for all matrices of bounded norms, all
fluxes with some facts, all vectors.  A proof is searched by semidefinite programming; the kernel
checks it, and the conditions beside it say that the scheme's parts are members of these classes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from stabkit.aliases import Record
from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.open_step import STOPPED
from stabkit.errors import InvalidArgument, Undecided
from stabkit.multipliers.program import is_installed, require_solver
from stabkit.multipliers.search import search_sum
from stabkit.multipliers.worst_case import worst_case
from stabkit.proof import read
from stabkit.proof.words import Expression, dot
from stabkit.schemes import Chain, Scheme
from stabkit.stability.certificates.stand_ins import StandIns
from stabkit.stability.goal import goal_of
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Decrease, Energy, Notion
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import time_limit

SECONDS = 10.0  # for one search
VISITS = 8  # of fluxes in one statement
NEAR = 1e-6  # a worst case above 1 by less may be an error of the solver
_BITS = 128
_BY = ("the matrices have these bounds and the fluxes these facts, so the theorem speaks of them: "
       "it says of all such matrices, fluxes and vectors what the notion asks of this step")


@dataclass(frozen=True)
class Stated:
    """A scheme's step in symbols, as a statement.

    Attributes
    ----------
    parts : StandIns
    statement : dict
    before : Expression or None
        The form by which growth is measured.
    """

    parts: StandIns
    statement: Record
    before: Expression | None


def certify_by_search(scheme: Scheme, notion: Notion) -> tuple[Evidence, ...] | None:
    """Certificates with theorems that were searched, or None.

    Raises
    ------
    Undecided
        Where there is none, and it can be said why.
    """
    if isinstance(scheme, Chain) and notion.composes:
        parts = [certify_by_search(part, notion) for part in dict.fromkeys(scheme.schemes)]
        return tuple(item for part in parts for item in part or ()) if all(parts) else None
    try:
        stated = state(scheme, notion)
    except STOPPED:
        return None
    if stated is None or not stated.parts.shows:
        return None
    return _theorem(stated)


def _theorem(stated: Stated) -> tuple[Evidence, ...] | None:
    if not is_installed():
        try:
            require_solver()
        except InvalidArgument as missing:
            raise Undecided(f"no proof was searched: {missing}") from None
    try:
        with time_limit(time.monotonic() + SECONDS):
            if stated.before is not None:
                worst = worst_case(stated.statement, stated.before)
                if worst is not None and worst.value > 1 + NEAR:
                    return None
            proof, _ = search_sum(read(stated.statement))
    except STOPPED:
        return None
    if proof is None:
        return None
    made = calculation("certificate", stated.parts.log, list(dict.fromkeys(stated.parts.shows)),
                       _BY)
    theorem = {"statement": stated.statement, "proof": proof}
    return (replace(made, data=made.data | {"theorem": theorem}),)


def state(scheme: Scheme, notion: Notion) -> Stated | None:
    """The statement that a scheme's step writes for a notion, or None where it computes another.

    Raises
    ------
    STOPPED
        Where the step needs more of a symbol than is assumed of it.
    """
    parts = StandIns(scheme.size)
    made = parts.put(scheme)
    letters = [parts.symbols.vector(parts.symbols.free(name), parts.space(scheme.size))
               for name in "uv"[:notion.signals]]
    pairs = [made.pair(parts.of_letter(u)) for u in letters]
    with precision(_BITS):
        if not parts.agrees(pairs[0], scheme.pair, next(iter(letters[0].letters)), scheme.size):
            return None
    statement = parts.symbols.shows(goal_of(_of_symbols(notion, parts), pairs))
    if len(statement.get("visits", ())) > VISITS:
        return None
    return Stated(parts, statement, _growth(notion, pairs))


def _of_symbols(notion: Notion, parts: StandIns) -> Notion:
    """The notion, with symbols in place of the parts of its functional."""
    functional: Any = notion.functional
    if functional is None:
        return notion
    if type(functional) is not Energy:
        raise InvalidArgument("a functional of its own is not stated of symbols")
    K, flux = parts.of(functional.K), parts.of(functional.flux)
    return replace(notion, margin=Decrease(replace(functional, K=K, flux=flux)))


def _growth(notion: Notion, pairs: list[tuple[Any, Any]]) -> Expression | None:
    if notion not in (EUCLIDEAN, CONTRACTION):
        return None
    before = pairs[0][0] if len(pairs) == 1 else pairs[0][0] - pairs[1][0]
    return dot(before, before)
