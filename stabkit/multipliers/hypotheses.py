"""What may be added up: every rule of the kernel at every place that a statement has.

A block stands for all sums Σ X_ij ⟨rule at x_i, x_j⟩ with a semidefinite X; a rule without a vector
is a block of one number >= 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

from stabkit.aliases import Matrix, Record
from stabkit.proof import facts
from stabkit.proof.setting import Setting
from stabkit.proof.words import NUMBERS, Expression, Word, dot, expression

Form = dict[Any, Fraction]  # of one-to-one words, and of the parts that a search tells apart
Pairing = Callable[[Expression, Expression], Expression]


def form(x: Expression) -> Form:
    """A number as a sum of words; a word and its transpose are one."""
    total: Form = {}
    for (word, powers), c in x.terms.items():
        key = min(word, tuple(letter.T for letter in reversed(word))), powers
        total[key] = total.get(key, Fraction(0)) + c
    return {key: c for key, c in total.items() if c}


def combine(parts: Sequence[tuple[Fraction, Form]]) -> Form:
    """Σ c·form."""
    total: Form = {}
    for c, part in parts:
        if c:
            for key, entry in part.items():
                total[key] = total.get(key, Fraction(0)) + c * entry
    return {key: c for key, c in total.items() if c}


@dataclass(frozen=True)
class Block:
    """A rule, the vectors at which it may be used, and its values for pairs of them.

    Attributes
    ----------
    step : dict
        The step of a proof, without its factor and its vector.
    vectors : list of Expression
        Empty for a rule without a vector.
    forms : dict of (i, j) to Form, i <= j
    free : bool
        Whether the factor may have either sign.
    """

    step: Record
    vectors: list[Expression]
    forms: dict[tuple[int, int], Form]
    free: bool = False

    @property
    def size(self) -> int:
        return max(len(self.vectors), 1) if self.forms else 0

    @property
    def columns(self) -> list[Form]:
        """The sum is that of these with the entries X_ij, i <= j, as coefficients."""
        return [self.forms[i, j] if i == j else combine([(Fraction(2), self.forms[i, j])])
                for i in range(self.size) for j in range(i, self.size)]

    def restrict(self, basis: Sequence[Sequence[Fraction]]) -> Block:
        """The block at combinations of the vectors, one for each column of the basis."""
        count = len(basis[0]) if basis else 0
        if not count:
            return Block(self.step, [], {}, self.free)
        if not self.vectors:
            return self
        vectors = [_sum([(row[a], x) for row, x in zip(basis, self.vectors, strict=True)])
                   for a in range(count)]
        n = range(len(self.vectors))
        forms = {(a, b): combine([
            (basis[i][a] * basis[j][b], self.forms[min(i, j), max(i, j)])
            for i in n for j in n if basis[i][a] and basis[j][b]])
            for a in range(count) for b in range(a, count)}
        return Block(self.step, vectors, forms, self.free)


def _sum(parts: Sequence[tuple[Fraction, Expression]]) -> Expression:
    total = None
    for c, x in parts:
        if c:
            total = c * x if total is None else total + c * x
    return total if total is not None else 0 * parts[0][1]


def rests(setting: Setting) -> dict[str, str]:
    """Visits at 0 that may be of use, one for each flux and space, beside the visits they are like.
    """
    found: dict[str, str] = {}
    seen = set()
    for name, visit in setting.visits.items():
        known = setting.fluxes[visit.flux]
        place = visit.flux, visit.at.to
        if place not in seen and "slopes" in known and visit.energy is not None and \
                all(end is not None for end in setting.quotients(visit.flux)):
            seen.add(place)
            number = next(k for k in range(100) if not {f"Z{k}", f"p_Z{k}"} & setting.names_in_use
                          and f"Z{k}" not in found)
            found[f"Z{number}"] = name
    return found


def blocks(setting: Setting, goals: Sequence[Expression], depth: int) -> list[Block]:
    """All rules of a setting at its visits, and at vectors of up to `depth` operators."""
    found = vectors(setting, goals, depth)
    return [*_of_visits(setting), *_known_blocks(setting), *_of_vectors(setting, found),
            *_equations(setting, found)]


def _scalar(setting: Setting, step: Record) -> Block:
    return Block(step, [], {(0, 0): form(facts.nonnegative(setting, step))})


def _of_visits(setting: Setting) -> Iterator[Block]:
    for flux, known in setting.fluxes.items():
        names = [name for name, visit in setting.visits.items() if visit.flux == flux]
        pairs = [pair for pair in permutations(names, 2)
                 if len({setting.visits[name].at.to for name in pair}) == 1
                 and any(setting.visits[name].value.terms for name in pair)]
        if any(end is not None for end in known.get("sector", ())):
            for name in names:
                if setting.visits[name].value.terms:
                    yield _scalar(setting, {"use": "sector", "at": name})
        low, high = known.get("slopes", (None, None))
        convex = low is not None and high is not None and not low.terms
        energies = all(setting.visits[name].energy is not None for name in names)
        for one, other in pairs:
            rules = [] if not energies else ["interpolation"] if convex else [
                rule for rule, end in (("descent", high), ("ascent", low)) if end is not None]
            if (low is not None or high is not None) and names.index(one) < names.index(other):
                rules.append("slopes")
            for rule in rules:
                yield _scalar(setting, {"use": rule, "at": [one, other]})


def _known_blocks(setting: Setting) -> Iterator[Block]:
    for name in setting.known:
        yield _scalar(setting, {"use": "known", "of": name})


def _of_vectors(setting: Setting, by_space: Mapping[str, list[Expression]]) -> Iterator[Block]:
    for name, c in setting.bounds.items():
        K = setting.names[name]
        for text, A in ((name, K), (f"{name}.T", K.T)):
            def slack(x: Expression, y: Expression, A: Matrix = A, c: Any = c) -> Expression:
                return c * dot(x, y) - dot(A @ x, A @ y)
            yield from _localise({"use": "bound", "of": text}, by_space.get(A.of, []), slack)
    for name, fact in setting.forms.items():
        def polar(x: Expression, y: Expression, fact: Any = fact) -> Expression:
            at = [fact.holds.put({fact.name: z}) for z in (x + y, x, y)]
            return (at[0] - at[1] - at[2]) / 2
        yield from _localise({"use": "form", "of": name}, by_space.get(fact.space, []), polar)
    for found in by_space.values():
        yield from _localise({"use": "square"}, found, dot)


def _localise(step: Record, at: list[Expression], pairing: Pairing) -> Iterator[Block]:
    if at:
        yield Block(step, at, {(i, j): form(pairing(x, y)) for i, x in enumerate(at)
                               for j, y in enumerate(at) if i <= j})


def _equations(setting: Setting, by_space: Mapping[str, list[Expression]]) -> Iterator[Block]:
    """Equations, multiplied from the left by the vectors of their space."""
    for name, x in setting.equations.items():
        step = {"use": "equation", "of": name}
        if (x.to, x.of) == (NUMBERS, NUMBERS):
            yield Block({**step, "with": expression(1)}, [], {(0, 0): form(x)}, free=True)
        elif x.of == NUMBERS:
            for y in by_space.get(x.to, []):
                yield Block({**step, "with": y.T}, [], {(0, 0): form(y.T @ x)}, free=True)


def vectors(setting: Setting, goals: Sequence[Expression], depth: int
            ) -> dict[str, list[Expression]]:
    """Ends of words that occur in the goal and at visits, by their spaces, the shortest first."""
    words: set[Word] = set()
    given = [*goals, *(visit.at for visit in setting.visits.values()),
             *(visit.value for visit in setting.visits.values() if visit.value.terms),
             *(x for x in setting.equations.values() if x.of == NUMBERS)]
    for x in given:
        for word, _ in x.terms:
            for each in (word, tuple(letter.T for letter in reversed(word))):
                words |= {each[i:] for i in range(len(each))
                          if len(each) - i - 1 <= depth and each[-1].of == NUMBERS
                          and each[i].to != NUMBERS
                          and all(letter.of != NUMBERS for letter in each[i:-1])}
    found: dict[str, list[Expression]] = {}
    for word in sorted(words, key=lambda word: (len(word), word)):
        found.setdefault(word[0].to, []).append(Expression(word[0].to, NUMBERS, {
            (word, ()): Fraction(1)}))
    return found


def pairs_of(by_space: Mapping[str, list[Expression]]) -> Iterator[Expression]:
    """All products of two vectors of one space."""
    for found in by_space.values():
        yield from (dot(x, x) for x in found)
        yield from (dot(x, y) for x, y in combinations(found, 2))
