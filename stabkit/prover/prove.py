"""Find a proof for all members of classes, or an exact witness against it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stabkit.aliases import Function, Record
from stabkit.arithmetic.rational import integer
from stabkit.claims.claim import Claim
from stabkit.claims.obligations import proof_of
from stabkit.classes import AnyCount, Class, Fixed, checked
from stabkit.errors import InvalidArgument
from stabkit.multipliers.induction import search_induction
from stabkit.multipliers.lyapunov import search_bound
from stabkit.multipliers.program import require_solver
from stabkit.multipliers.search import NOTHING, search_sum
from stabkit.multipliers.worst_case import WorstCase, worst_case
from stabkit.proof import algebra, iteration, read
from stabkit.prover.concrete import evidence_against
from stabkit.prover.question import Question, questions
from stabkit.prover.result import Proof
from stabkit.prover.sharp_step import SHARP, sharp_step
from stabkit.stability.verdict import Evidence

COUNTS = (1, 2, 3, 5)  # of inner steps, at which a statement for any number is tried
NEAR = 1e-6  # a worst case above 1 by less may be an error of the solver


def prove(what: Function | Claim, notion: Any = None, *, spaces: tuple[str, ...] = (),
          refute: bool = True, seed: int = 0, **classes: Any) -> Proof:
    """Search a proof that a scheme keeps a notion for all members of classes.

    The scheme runs on symbols and writes the statement.  Multipliers of the kernel's rules are
    searched by semidefinite programming, rounded to fractions, and checked exactly.  Where there
    is no proof, the worst case guides a search for exact members of the classes that break the
    statement.

    Parameters
    ----------
    what : callable or Claim
        A function of members of the classes that returns a scheme, a property, or a step:
        ``u -> u_next``, or ``(y, z) -> (y_next, z_next)`` with the notion ``bounded(...)``.  Or a
        claim with ``for_all``.
    notion : Notion or str, optional
        For a scheme or step: EUCLIDEAN, CONTRACTION, sensitivity(...), energy(...), or
        ``bounded(...)`` for all time.
    spaces : tuple of str
        For a step: the spaces of its vectors; "N" by default.
    refute : bool
        Whether to look for a witness where there is no proof.
    seed : int
        Of the starts of that search.
    **classes : Class
        For each argument of `what`, see :mod:`stabkit.classes`; the word ``"sharp"`` for one of
        them asks for the largest step, ``UpTo(t)`` with the largest t, that can be proved.

    Returns
    -------
    Proof

    Raises
    ------
    InvalidArgument
        If the solver is not installed (extra ``prove``), a class is missing, the statement cannot
        be written, or it has parameters that cannot be scaled away.

    Examples
    --------
    >>> from stabkit import EUCLIDEAN, Explicit, prove, stable_step
    >>> from stabkit.classes import AnyFlux, AnyOperator, UpTo
    >>> found = prove(lambda K, flux, ratio: Explicit(K, flux, stable_step(
    ...     K, flux.facts.lipschitz, ratio)), EUCLIDEAN, K=AnyOperator(),
    ...     flux=AnyFlux(diffusivities=(0, "L"), slopes=("-L", "L")), ratio=UpTo(1))
    >>> found.proved
    True
    """
    require_solver()
    integer(seed, "seed")
    started = time.perf_counter()
    if isinstance(what, Claim):
        notion, classes = None, dict(what.for_all)
    wanted = [name for name, kind in classes.items() if isinstance(kind, str) and kind == SHARP]
    if len(wanted) > 1:
        raise InvalidArgument(f"{wanted[1]}: only one argument can be sharp")
    if wanted:
        others = checked({name: kind for name, kind in classes.items() if name != wanted[0]},
                         "prove")
        found = sharp_step(
            lambda top: _seems(questions(what, notion, {**others, wanted[0]: top}, spaces)),
            lambda top, against: _prove(what, notion, {**others, wanted[0]: top}, spaces,
                                        against and refute, seed))
    else:
        found = _prove(what, notion, checked(classes, "prove"), spaces, refute, seed)
    return replace(found, seconds=time.perf_counter() - started)


def _prove(what: Any, notion: Any, classes: Mapping[str, Class], spaces: tuple[str, ...],
           refute: bool, seed: int) -> Proof:
    asked = questions(what, notion, classes, spaces)
    found = [_search_proof(question) for question in asked]
    outcome = Proof(tuple(statement for statement, _, _ in found),
                    tuple(proof for _, proof, _ in found))
    if outcome.proved:
        return outcome
    question, (_, _, reason) = next((question, each) for question, each in zip(
        asked, found, strict=True) if each[1] is None)
    worst = _worst(question)
    value = None if worst is None else worst.value
    if value is not None and value > 1 + NEAR:
        reason += f"; a worst case has value {value:.4g}"
    elif value is not None and reason == NOTHING:
        reason += "; the worst case has value 1, so there may be one"
    body = what.body if isinstance(what, Claim) else what
    witness = _witness(body, notion, classes, question, worst, seed) if refute else None
    return replace(outcome, reason=reason if witness is None else "", value=value, witness=witness)


def _witness(body: Any, notion: Any, classes: Mapping[str, Class], question: Question,
             worst: WorstCase | None, seed: int) -> Evidence | None:
    """Exact evidence against a statement; any number of steps is tried at a few numbers."""
    counted = next((name for name, kind in classes.items() if isinstance(kind, AnyCount)), None)
    if counted is None:
        return evidence_against(body, notion, classes, question, worst, seed)
    for count in COUNTS:
        fixed = {**classes, counted: Fixed(count)}
        for each in questions(body, notion, fixed, ()):
            found = _witness(body, notion, fixed, each, _worst(each), seed)
            if found is not None:
                return found
    return None


def _seems(asked: list[Question]) -> bool:
    """Whether there seem to be proofs, by the worst cases where they are known."""
    return all(worst.value <= 1 + NEAR if (worst := _worst(question)) is not None
               else _search_proof(question)[1] is not None for question in asked)


def _search_proof(question: Question) -> tuple[Record, Record | None, str]:
    """The statement, its proof or None, and why."""
    if question.state is not None:
        statement, proof, reason = search_bound(question.state, *question.texts)
        return statement or question.statement, proof, reason
    made = read(question.statement)
    if isinstance(made, algebra.Statement):
        return question.statement, *search_sum(made)
    if isinstance(made, iteration.Statement):
        try:
            proof, reason = search_induction(made, question.statement["goal"])
        except InvalidArgument as error:
            if "counter" not in question.statement:
                raise
            proof, reason = None, f"no step of it is searched: {error}"
        if proof is not None:
            return question.statement, proof, ""
    else:
        reason = "statements of this kind are not searched, and no proof of it is known"
    known = proof_of(question.statement)
    return question.statement, known, "" if known is not None else reason


def _worst(question: Question) -> WorstCase | None:
    if question.before is None or question.statement["kind"] != "algebra":
        return None
    return worst_case(question.statement, question.before)
