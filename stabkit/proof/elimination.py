"""Equations in the places where a sum needs them: letter by letter what they determine is put in.

This finds proofs; it shows nothing, as what it finds is checked like any other proof.
"""

from __future__ import annotations

from typing import Any

from stabkit.proof.aliases import Record
from stabkit.proof.setting import Setting
from stabkit.proof.text import text_of
from stabkit.proof.words import NUMBERS, Expression, Letter

MAX_ROUNDS = 8


def by_equations(given: Setting, rest: Expression) -> list[Record]:
    """Steps that take multiples of the equations from a sum until none of their letters is left.

    An equation determines the letter, of those that stand alone in it with a number before them,
    and nowhere else in it, that was declared last.
    """
    steps: list[Record] = []
    order = list(given.names)
    for name, equation in reversed(given.equations.items()):
        alone = [word[0] for word, powers in equation.terms if len(word) == 1 and not powers
                 and sum(word[0] in each for each, _ in equation.terms) == 1]
        if not alone:
            continue
        letter = max(alone, key=lambda each: order.index(each.name))
        for _ in range(MAX_ROUNDS):
            factors = _factors(rest, letter, equation.terms[(letter,), ()])
            if not factors:
                break
            for factor in factors:
                rest = rest - (equation * factor if factor.scalar else factor @ equation)
                steps.append({"use": "equation", "of": name, "with": text_of(factor)})
    return steps


def _factors(rest: Expression, letter: Letter, before: Any) -> list[Expression]:
    """What stands before the letter where it ends a word, divided by its own number."""
    whole: dict = {}
    parts: dict = {}
    number = (rest.to, rest.of) == (NUMBERS, NUMBERS)
    for (word, powers), c in rest.terms.items():
        if number and word and word[-1] != letter:
            word = tuple(each.T for each in reversed(word))  # a number equals its transpose
        if not word or word[-1] != letter:
            continue
        chosen = parts if len(word) > 1 else whole
        key = word[:-1], powers
        chosen[key] = chosen.get(key, 0) + c / before
    return [Expression(to, of, {key: c for key, c in found.items() if c})
            for to, of, found in ((NUMBERS, NUMBERS, whole), (rest.to, letter.to, parts))
            if any(found.values())]
