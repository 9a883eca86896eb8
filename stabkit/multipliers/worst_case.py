"""The worst case that no proof in the class of multipliers can exclude.

The smallest γ with γ|before|² − |after|² = Σ multiplier·rule, and its dual: values for all words.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Fields
from stabkit.multipliers.hypotheses import Block, blocks, combine, form, rests, vectors
from stabkit.multipliers.program import require_solver, solve
from stabkit.multipliers.scaling import scale_setting
from stabkit.proof import algebra
from stabkit.proof.words import Expression, dot


@dataclass(frozen=True)
class WorstCase:
    """A bound of the growth, in floating point.

    Attributes
    ----------
    value : float
        The largest |after|²/|before|² that the rules leave open.
    moments : dict
        The values of words at which it is reached, |before|² being 1.
    vectors : mapping of str to list of Expression
        By spaces, the words of which these are products.
    """

    value: float
    moments: dict[Any, float]
    vectors: dict[str, list[Expression]]

    def gram(self, space: str) -> np.ndarray:
        """The products of the vectors of a space; 0 where the rules say nothing of them."""
        found = self.vectors[space]
        return np.array([[sum(float(c) * self.moments.get(key, 0.0)
                              for key, c in form(dot(x, y)).items()) for y in found]
                         for x in found])


def worst_case(statement: Fields, before: Expression, depth: int = 1
               ) -> WorstCase | None:
    """Solve the problem of the worst case of a statement ``|before|² − |after|² >= 0``.

    Parameters
    ----------
    statement : dict
    before : Expression
        A form, by which growth is measured.
    depth : int
        Operators before a letter, in the vectors that are used.
    """
    require_solver()
    made = algebra.read(dict(statement))
    given = algebra.add_rests(made.setting, {"rest": rests(made.setting)})
    scale = scale_setting(given, [made.goal])
    goal, measure = scale.put(made.goal), form(scale.put(before))
    growth = Block({}, [], {(0, 0): combine([(Fraction(-1), measure)])}, free=True)
    found = solve(form(goal), [growth, *blocks(scale.reduced, [goal], depth)], 1e-9, {0: 1.0})
    return None if found is None else WorstCase(
        1 + float(found.values[0]), found.moments, vectors(scale.reduced, [goal], depth))
