"""Certificates that are searched: a theorem about all steps of a form, and a scheme that is one.

The scheme's own step runs on symbols and writes a statement for all matrices of bounded norms, all
fluxes with some facts, all vectors.  A proof is searched by semidefinite programming; the kernel
checks it, and the conditions beside it say that the scheme's parts are members of these classes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Record
from stabkit.arithmetic.enclosure import precision
from stabkit.arithmetic.rational import fraction
from stabkit.errors import STOPPED, UNFIT, InvalidArgument, StabkitError, Undecided
from stabkit.multipliers.lyapunov import search_bound
from stabkit.multipliers.program import require_solver
from stabkit.multipliers.search import search_sum
from stabkit.multipliers.worst_case import worst_case
from stabkit.proof import read
from stabkit.proof.symbols import norm2
from stabkit.proof.words import Expression, dot, expression, limited_work
from stabkit.schemes import Chain, Scheme
from stabkit.stability.certificates.stand_ins import StandIns
from stabkit.stability.certificates.written_steps import VISITS, Joined, State, Written
from stabkit.stability.goal import goal_of
from stabkit.stability.growing_powers import unboundedness_evidence
from stabkit.stability.invariants import POWER_BOUNDED
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Decrease, Energy, Notion
from stabkit.stability.verdict import Evidence, calculation
from stabkit.time_limit import time_is_over, time_limit

Vectors = tuple[Expression, ...]  # of which a signal is made

SECONDS = 20.0  # for one search
FOR_ALL_TIME = 60.0  # for one of a form that does not grow
FEW = 24  # samples, up to which growth is written as evidence
LARGEST = 4096  # samples, at which what is written is compared with what is computed
NEAR = 1e-6  # a worst case above 1 by less may be an error of the solver
_BITS = 128
_ROOM = Fraction(1, 50)
_BY = ("the matrices have these bounds and the fluxes these facts, so the theorem speaks of them: "
       "it says of all such matrices, fluxes and vectors what the notion asks of this step")


@dataclass(frozen=True)
class Stated:
    """A scheme's step in symbols, as a statement.

    Attributes
    ----------
    parts : StandIns
    statement : dict or callable
        A callable makes the statement of a bound for all time from its goal.
    before : Expression or None
        The form by which growth is measured.
    texts : (str, str)
        For such a bound: the forms by which and of which it is.
    """

    parts: StandIns
    statement: Any
    before: Expression | None = None
    texts: tuple[str, str] = ("", "")


def certify_by_search(scheme: Scheme, notion: Notion) -> tuple[Evidence, ...] | None:
    """Certificates with theorems that were searched, or None.

    Raises
    ------
    Undecided
        If the solver is not installed.
    """
    if isinstance(scheme, Chain) and notion.composes:
        found: tuple[Evidence, ...] = ()
        for part in dict.fromkeys(scheme.schemes):
            proof = certify_by_search(part, notion)
            if not proof:
                return None
            found += proof
        return found
    if time_is_over():
        return None
    stated = _statement_of_step(scheme, notion)
    if stated is None or not stated.parts.shows:
        return None
    try:
        require_solver()
    except InvalidArgument as missing:
        raise Undecided(f"no proof was searched: {missing}") from None
    try:
        seconds = FOR_ALL_TIME if stated.texts[0] else SECONDS
        with time_limit(time.monotonic() + seconds):
            theorem = _bound(stated) if stated.texts[0] else _one_step(stated)
    except STOPPED:
        return None
    if theorem is None:
        return None
    made = calculation("certificate", stated.parts.log, list(dict.fromkeys(stated.parts.shows)),
                       _BY)
    return (replace(made, data=made.data | {"theorem": theorem}),)


def growth_of_powers(scheme: Scheme) -> Evidence | None:
    """Evidence that powers of a linear step grow, or None; linear is what writes no flux."""
    stated = _statement_of_step(scheme, POWER_BOUNDED) if scheme.size <= FEW else None
    if stated is None or stated.parts.points():
        return None
    unit = [[Fraction(int(i == j)) for i in range(scheme.size)] for j in range(scheme.size)]
    try:
        columns = [scheme.step(np.array(column, dtype=object)) for column in unit]
        return unboundedness_evidence(np.array([[fraction(x, "step") for x in column]
                                                for column in columns],
                                                            dtype=object).T)
    except (StabkitError, *UNFIT):
        return None


def _one_step(stated: Stated) -> Record | None:
    if stated.before is not None:
        worst = worst_case(stated.statement, stated.before)
        if worst is not None and worst.value > 1 + NEAR:
            return None
    proof, _ = search_sum(read(stated.statement))
    return None if proof is None else {"statement": stated.statement, "proof": proof}


def _bound(stated: Stated) -> Record | None:
    statement, proof, _ = search_bound(stated.statement, *stated.texts)
    return None if proof is None else {"statement": statement, "proof": proof}


def _statement_of_step(scheme: Scheme, notion: Notion) -> Stated | None:
    """The statement that the step writes on one vector, or on a state of two, if it writes one."""
    for halves in (1, 2):
        try:
            if scheme.size % halves == 0 and scheme.size <= LARGEST:
                with limited_work():
                    return state(scheme, notion, halves)
        except (StabkitError, *UNFIT):
            continue
    return None


def state(scheme: Scheme, notion: Notion, halves: int = 1) -> Stated | None:
    """The statement that a scheme's step writes for a notion, or None where it computes another.

    Parameters
    ----------
    scheme : Scheme
    notion : Notion
    halves : {1, 2}
        Of how many vectors its signals are made.

    Raises
    ------
    StabkitError, or what a step may raise
        Where the step needs more of a symbol than is assumed of it.
    """
    length = scheme.size // halves
    # A constant for all time is not sharp in the norms, so these may be simple numbers.
    parts = StandIns(length, _ROOM if notion is POWER_BOUNDED else Fraction(0))
    made = parts.put(scheme)

    def letters(names: str, end: str = "") -> list[Expression]:
        return [parts.symbols.vector(parts.symbols.free(name + end), parts.space(length))
                for name in names[:halves]]

    def pair(vectors: list[Expression]) -> tuple[Vectors, Vectors]:
        if halves == 1:
            before, after = made.pair(Written.of_plain(vectors[0]))
        else:
            before = State(vectors, length)
            after = made.step(before)
        return _vectors(before), _vectors(after)

    if notion is POWER_BOUNDED:
        first = letters("yz", "_0")
        pair(first)  # visits where proofs by induction begin
        starts = [letters("yz")]
    else:
        starts = [letters(names) for names in ("uw", "vx")[:notion.signals]]
    pairs = [pair(vectors) for vectors in starts]
    with precision(_BITS):
        lengths = {min(x.letters): length for x in starts[0]}
        if len(pairs[0][1]) != halves or not parts.agrees(lengths, pairs[0], scheme.pair):
            return None
    if len(parts.points()) > VISITS:
        return None
    if notion is POWER_BOUNDED:
        return _for_all_time(parts, first, starts[0], pairs[0][1])
    return _of_one_step(parts, notion, pairs)


def _vectors(x: Any) -> Vectors:
    return x.parts if isinstance(x, (State, Joined)) else (x,)


def _of_one_step(parts: StandIns, notion: Notion, pairs: list[tuple[Vectors, Vectors]]) -> Stated:
    norms = notion in (EUCLIDEAN, CONTRACTION)
    if len(pairs[0][0]) == 1:
        goal = goal_of(_of_symbols(notion, parts), [(x, y) for (x,), (y,) in pairs])
    elif norms:
        goal = f"{_square(pairs, 0)} - ({_square(pairs, 1)})"
    else:
        raise InvalidArgument("a state of two vectors is judged by norms")
    before = sum((dot(x, x) for x in _differences(pairs, 0)), expression(0)) if norms else None
    return Stated(parts, parts.symbols.shows(goal), before)


def _differences(pairs: list[tuple[Vectors, Vectors]], side: int) -> list[Expression]:
    first = pairs[0][side]
    return list(first) if len(pairs) == 1 else [
        x - y for x, y in zip(first, pairs[1][side], strict=True)]


def _square(pairs: list[tuple[Vectors, Vectors]], side: int) -> str:
    return " + ".join(map(norm2, _differences(pairs, side)))


def _for_all_time(parts: StandIns, first: list[Expression], now: list[Expression],
                  after: Vectors) -> Stated:
    def iterates_of(goal: str) -> Record:
        names = [min(x.letters) for x in now]
        return parts.symbols.iterates(
            goal.removesuffix(" >= 0"), start=dict(zip(names, first, strict=True)),
            after=dict(zip(names, after, strict=True)))

    return Stated(parts, iterates_of, None,
                  (" + ".join(map(norm2, first)), " + ".join(map(norm2, now))))


def _of_symbols(notion: Notion, parts: StandIns) -> Notion:
    """The notion, with symbols in place of the parts of its functional."""
    functional: Any = notion.functional
    if functional is None:
        return notion
    if type(functional) is not Energy:
        raise InvalidArgument("a functional of its own is not stated of symbols")
    K, flux = parts.of(functional.K), parts.of(functional.flux)
    return replace(notion, margin=Decrease(replace(functional, K=K, flux=flux)))
