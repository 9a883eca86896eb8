"""A statement with numbers in place of parameters and operators."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from stabkit.fluxes.flux import Flux
from stabkit.proof import algebra
from stabkit.proof.setting import Setting
from stabkit.proof.words import NUMBERS, Expression, Letter, expression
from stabkit.prover.piecewise_linear import Ends, Point

ZERO = Fraction(0)


class Instance:
    """The vectors, the values at the visits and their energies are the unknowns z.

    The points of the visits are S z; the goal is zᵀG z + e·z, with e on the energies alone.

    Parameters
    ----------
    made : Statement
        The statement, read.
    values : mapping of str to Fraction
        Of the parameters.
    operators : mapping of str to ndarray of Fraction
        Square matrices of one size, which is that of all spaces.

    Attributes
    ----------
    known : mapping of str to mapping of str to (low, high)
        The facts of the fluxes.
    odd : set of str
        The fluxes that are odd; points that mirror others are left out.
    visits : list of (flux, S, name of the value, name of the energy)
    """

    def __init__(self, made: algebra.Statement, values: Mapping[str, Fraction],
                 operators: Mapping[str, np.ndarray]):
        given, self.operators = made.setting, dict(operators)
        self.size = len(next(iter(operators.values()), np.zeros((1, 1))))
        put = {name: expression(x) for name, x in values.items()}
        goal = made.goal.put(put)
        self.known = facts_of(given, put)
        mirrored = mirrors(given)
        self.odd = {given.visits[name].flux for name in mirrored}
        visits = [(visit, min(visit.value.letters), min(visit.energy.letters)
                   if visit.energy is not None else "")
                  for name, visit in given.visits.items() if name not in mirrored]
        self.energies = {name for *_, name in visits} & goal.letters
        values_ = {value for _, value, _ in visits}
        self.vectors = sorted({letter.name for x in (goal, *(visit.at for visit, *_ in visits))
                               for word, _ in x.terms for letter in word
                               if NUMBERS in (letter.to, letter.of)}
                              - values_ - {name for *_, name in visits})
        self.names = sorted({*self.vectors, *values_, *self.energies})
        self.visits = [(visit.flux, self._matrix_of(visit.at.put(put)), value, energy)
                       for visit, value, energy in visits]
        self.G = np.full((self.unknowns, self.unknowns), ZERO, dtype=object)
        self.e = np.full(self.unknowns, ZERO, dtype=object)
        for (word, _), c in goal.terms.items():
            if len(word) == 1:
                self.e[self.place(word[0].name)] += c
            else:
                self.G += c * self._vector((word[0].T,)).T @ self._vector(word[1:])

    @property
    def unknowns(self) -> int:
        return self.size * len(self.names)

    def place(self, name: str) -> slice:
        start = self.size * self.names.index(name)
        return slice(start, start + self.size)

    def points(self, z: np.ndarray) -> dict[str, tuple[list[Point], list[Fraction]]]:
        """By the fluxes, (s, Φ(s)) at all visits, and how often each energy is in the goal."""
        found: dict[str, tuple[list[Point], list[Fraction]]] = {}
        for flux, S, value, energy in self.visits:
            points, weights = found.setdefault(flux, ([], []))
            points += zip(S @ z, z[self.place(value)], strict=True)
            weights.extend(self.e[self.place(energy)] if energy in self.energies
                           else [ZERO] * self.size)
        return found

    def complete(self, vectors: Mapping[str, np.ndarray], fluxes: Mapping[str, Flux]
                 ) -> np.ndarray:
        """The unknowns that vectors and fluxes make, visit by visit."""
        z = np.full(self.unknowns, ZERO, dtype=object)
        for name, x in vectors.items():
            z[self.place(name)] = x
        for flux, S, value, energy in self.visits:
            s = S @ z
            z[self.place(value)] = [fluxes[flux].activation(x) for x in s]
            if energy in self.energies:
                z[self.place(energy)] = [fluxes[flux].regulariser(x) / 2 for x in s]
        return z

    def goal(self, z: np.ndarray) -> Fraction:
        return z @ self.G @ z + self.e @ z

    def _matrix_of(self, x: Expression) -> np.ndarray:
        return sum((c * self._vector(word) for (word, _), c in x.terms.items()),
                   np.zeros((self.size, self.unknowns), dtype=object))

    def _vector(self, word: tuple[Letter, ...]) -> np.ndarray:
        """The matrix that takes the unknowns to the vector that a word writes."""
        total = np.zeros((self.size, self.unknowns), dtype=object)
        total[:, self.place(word[-1].name)] = np.eye(self.size, dtype=int)
        for letter in reversed(word[:-1]):
            K = self.operators[letter.name]
            total = (K.T if letter.turned else K) @ total
        return total


def mirrors(given: Setting) -> set[str]:
    """The visits of odd fluxes at points that mirror others."""
    opposite = {frozenset(x.letters) for x in given.equations.values()
                if len(x.terms) == 2 and len(set(x.terms.values())) == 1}
    visits = list(given.visits.items())
    return {name for k, (name, visit) in enumerate(visits) for _, other in visits[:k]
            if (visit.flux, visit.at.to) == (other.flux, other.at.to)
            and not (visit.at + other.at).terms
            and frozenset(visit.value.letters | other.value.letters) in opposite}


def is_possible(given: Setting, values: Mapping[str, Fraction]) -> bool:
    """Whether members can be made: of all that is assumed, only what a flux through points keeps.

    Beside bounds and facts of fluxes that are equations of oddness; and the parameters have values
    for which all conditions hold.
    """
    odd = [given.visits[name] for name in mirrors(given)]
    of_odd = {name for visit in odd for x in (visit.value, visit.energy) if x is not None
              for name in x.letters}
    if given.forms or given.known or any(not x.letters & of_odd for x in given.equations.values()):
        return False
    put = {name: expression(x) for name, x in values.items()}
    for name, condition in given.assume.items():
        left = condition.put(put)
        if left.letters or (worth := left.terms.get(((), ()), ZERO)) < 0 or (
                worth == 0 and given.signs[name] == "> 0"):
            return False
    return set(given.signs) - set(given.assume) <= set(values)


def facts_of(given: Setting, put: Mapping[str, Expression]) -> dict[str, dict[str, Ends]]:
    """The facts of each flux, with numbers for their ends."""
    return {flux: {kind: (number(low, put), number(high, put))
                   for kind, (low, high) in facts.items()}
            for flux, facts in given.fluxes.items()}


def number(end: Expression | None, put: Mapping[str, Expression]) -> Fraction | None:
    return None if end is None else end.put(put).terms.get(((), ()), ZERO)
