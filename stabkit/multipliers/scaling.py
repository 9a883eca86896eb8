"""Steps and Lipschitz constants are scaled away, and come back as powers in the proof.

If every hypothesis and the goal keep their form when K is replaced by √(τL) K, Φ by √(τ/L) Φ and
so on, then τ and L may be put to 1.  The powers are found, not given: each letter and each
parameter has one, and every relation must be of one weight.  A parameter that is left, such as
‖K‖², is put to the largest value that a condition of the statement allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from stabkit.aliases import Fields, Record
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.multipliers.largest_values import (
    Ceiling,
    Top,
    Weight,
    ceilings,
    find_tops,
    find_tops_of_numbers,
)
from stabkit.multipliers.linear_systems import solution
from stabkit.proof import facts
from stabkit.proof.setting import Setting
from stabkit.proof.text import text_of
from stabkit.proof.words import Expression, dot, expression

Relation = list[tuple[Expression, Expression | None]]  # what must have the weight of the first


@dataclass
class Scaling:
    """A setting in which parameters are numbers, and the way back.

    Attributes
    ----------
    given : Setting
        As the statement describes it.
    reduced : Setting
        The same for numbers; bounds without a top are left out.
    powers : mapping of str to Weight
        Of letters and parameters.
    tops : mapping of str to Top
        Of the parameters that bound operators, by the names of these.
    """

    given: Setting
    powers: dict[str, Weight]
    values: dict[str, Expression]
    tops: dict[str, Top] = field(default_factory=dict)
    reduced: Setting = field(default_factory=Setting)

    def weight(self, x: Expression) -> Weight:
        """The weight of an expression of one weight, or of its longest word."""
        return {} if not x.terms else _weight(max(x.terms, key=lambda term: len(term[0])),
                                              self.powers)

    def put(self, x: Expression) -> Expression:
        return x.put(self.values)

    def numbers(self) -> Setting:
        """The setting with numbers in place of parameters."""
        given, put = self.given, self.put
        bounds = {}
        for name, bound in given.bounds.items():
            if name in self.tops:
                bounds[name] = expression(self.tops[name].value)
            elif put(bound).terms.keys() <= {((), ())} and self._fits(name, bound):
                bounds[name] = put(bound)
        return replace(
            given, bounds=bounds,
            names={name: self.values.get(name, x) for name, x in given.names.items()},
            assume={name: put(x) for name, x in given.assume.items()},
            forms={name: replace(fact, holds=put(fact.holds))
                   for name, fact in given.forms.items()},
            fluxes={name: {kind: (low if low is None else put(low),
                                  high if high is None else put(high))
                           for kind, (low, high) in known.items()}
                    for name, known in given.fluxes.items()},
            visits={name: replace(visit, at=put(visit.at))
                    for name, visit in given.visits.items()},
            equations={name: put(x) for name, x in given.equations.items()},
            known={name: put(x) for name, x in given.known.items()})

    def _fits(self, name: str, bound: Expression) -> bool:
        """Whether a bound is scaled as its operator is."""
        K = self.given.names[name]
        return not any(difference(self.weight(K.T @ K), self.weight(bound)).values())

    def back(self, step: Fields) -> tuple[Record, Weight]:
        """A step about what is scaled as one about what is given, and the weight between them."""
        made = {key: text_of(self._vector(entry)) if key in ("x", "with") else entry
                for key, entry in step.items()}
        rule = facts.zero if step["use"] == "equation" else facts.nonnegative
        return made, self.weight(rule(self.given, made))

    def _vector(self, x: Expression) -> Expression:
        """The vector with powers that are whole numbers, the smallest 0."""
        weights = {term: _weight(term, self.powers) for term in x.terms}
        lowest = {name: min(w.get(name, Fraction(0)) for w in weights.values())
                 for name in {name for w in weights.values() for name in w}}
        terms = {}
        for (word, powers), c in x.terms.items():
            more = dict(powers)
            for name, low in lowest.items():
                extra = weights[word, powers].get(name, Fraction(0)) - low
                more[name] = more.get(name, 0) + _whole(extra)
            terms[word, tuple(sorted((n, k) for n, k in more.items() if k))] = c
        return Expression(x.to, x.of, terms)


def product(number: Fraction, powers: Weight, *factors: str) -> str:
    """The text of a number times powers, all whole and not negative, times further factors."""
    parts = [f"{name}**{_whole(k)}" if k != 1 else name for name, k in sorted(powers.items()) if k]
    parts += filter(None, factors)
    return "*".join(parts if number == 1 and parts else [str(number), *parts])


def least(weights: Iterable[Weight]) -> Weight:
    """The smallest power of each parameter."""
    all_ = list(weights)
    return {name: min(w.get(name, Fraction(0)) for w in all_)
            for name in {name for w in all_ for name in w}}


def difference(one: Weight, other: Weight) -> Weight:
    return {name: one.get(name, Fraction(0)) - other.get(name, Fraction(0))
            for name in {*one, *other}}


def scale_setting(given: Setting, goals: Iterable[Expression]) -> Scaling:
    """Put to 1 what can be, and to its largest value what is left.

    Raises
    ------
    InvalidArgument
        If parameters are left over of which no condition gives the largest value.
    """
    aims = list(goals)
    try:
        return _solve_scales(given, aims)
    except InvalidArgument:
        for ceiling in ceilings(given):
            try:
                return _solve_scales(given, aims, ceiling)
            except InvalidArgument:
                continue
        raise


def _solve_scales(given: Setting, goals: list[Expression],
                  ceiling: Ceiling | None = None) -> Scaling:
    relations = list(_relations(given, ceiling))
    relations += [[(x, None)] for x in goals]
    rows = [row for pair in relations for row in _rows(pair)]
    chosen: dict[str, dict[str, Fraction]] = {}
    positive = [name for name, sign in given.signs.items()
                if sign == "> 0" and name not in given.assume]
    for name in positive:
        if _powers(rows, [*chosen, name]) is not None:
            chosen[name] = {}
    powers = _powers(rows, list(chosen)) or {}
    values = {name: expression(1) for name in chosen}
    made = Scaling(given, powers, values)
    find_tops(made, [*(x for pair in relations for x, _ in pair if x is not None)])
    if ceiling is not None:
        find_tops_of_numbers(made, ceiling)
    made.reduced = made.numbers()
    return made


def _whole(power: Fraction) -> int:
    if Fraction(power).denominator != 1:
        raise InvalidEvidence("a power of a parameter is no whole number")
    return int(power)


def _weight(term: tuple, powers: Mapping[str, Weight]) -> Weight:
    word, monomial_ = term
    total: Weight = {}
    for name, times in [*((letter.name, 1) for letter in word), *monomial_]:
        for scale, power in powers.get(name, {}).items():
            total[scale] = total.get(scale, Fraction(0)) + times * power
    return total


# -- every relation is of one weight -----------------------------------------------------------

def _relations(given: Setting, ceiling: Ceiling | None) -> Iterable[Relation]:
    assumed = [x for x in given.assume.values()
               if ceiling is None or x.letters != {ceiling.parameter}]
    for x in [*assumed, *given.equations.values(), *given.known.values(),
              *(fact.holds for fact in given.forms.values())]:
        yield [(x, None)]
    for name, bound in given.bounds.items():
        if ceiling is None or bound.terms.keys() != {((), ())}:
            K = given.names[name]
            yield [(bound, None), (K.T @ K, None)]
    for visit in given.visits.values():
        for ends in given.fluxes[visit.flux].values():
            for end in ends:
                if end is not None and end.terms and visit.at.terms:
                    yield [(visit.value, None), (visit.at, end)]
        if visit.energy is not None and visit.at.terms:
            yield [(visit.energy, None), (dot(visit.value, visit.at), None)]
        yield [(visit.at, None)]
    for flux in given.fluxes:
        yield [(visit.energy, None) for visit in given.visits.values()
               if visit.flux == flux and visit.energy is not None]


def _rows(relation: Relation) -> Iterable[dict[str, Fraction]]:
    """Equations Σ count·power = 0, one for each term beside the first."""
    counted = [_count(term, factor) for x, factor in relation for term in x.terms]
    for other in counted[1:]:
        yield {name: other.get(name, Fraction(0)) - counted[0].get(name, Fraction(0))
               for name in {*other, *counted[0]}}


def _count(term: tuple, factor: Expression | None) -> dict[str, Fraction]:
    word, powers = term
    more = next(iter(factor.terms))[1] if factor is not None else ()
    total: dict[str, Fraction] = {}
    for name, times in [*((letter.name, 1) for letter in word), *powers, *more]:
        total[name] = total.get(name, Fraction(0)) + times
    return total


def _powers(rows: list[dict[str, Fraction]], chosen: list[str]) -> dict[str, Weight] | None:
    """Powers with which each chosen parameter becomes 1 and no relation changes, if there are."""
    names = sorted({name for row in rows for name in row} | set(chosen))
    found: dict[str, Weight] = {name: {} for name in names}
    for scale in chosen:
        fixed = [({name: Fraction(1)}, Fraction(-1 if name == scale else 0)) for name in chosen]
        powers = solution([*((row, Fraction(0)) for row in rows), *fixed], names)
        if powers is None:
            return None
        for name, power in powers.items():
            if power:
                found[name][scale] = power
    return found
