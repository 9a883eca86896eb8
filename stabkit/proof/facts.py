"""The rules: what may be added up, each a fact that is known of all objects of its class.

In the table, s and t are the points of two visits, f and g the values there, p and q the energies,
x a vector that the proof chooses; a and b are the ends of an interval that the statement names.

==============  ==========================================  =======================================
rule            what is >= 0                                because
==============  ==========================================  =======================================
square          |x|²
bound           c|x|² − |Kx|², c|x|² − |Kᵀx|²               ‖K‖² = ‖Kᵀ‖² <= c
form            the form at x                               it is assumed for all x
known           the form                                    it is assumed, or a lemma
sector          (f − as)·(bs − f)                           as² <= Φ(s)s <= bs² in every entry
slopes          (f−g − a(s−t))·(b(s−t) − (f−g))             difference quotients lie in [a, b]
descent         p + f·(t−s) + (b/2)|t−s|² − q               P″ <= b
ascent          q − p − f·(t−s) − (a/2)|t−s|²               P″ >= a
interpolation   2b(q − p − f·(t−s)) − |g−f|²                slopes in [0, b]
equation        0, times anything: y @ (left side)          it is assumed to be 0
==============  ==========================================  =======================================

Where an interval has no end, the factor with that end is left out; but a sector without one above
ends where the slopes do, see :func:`stabkit.proof.setting.quotients`.
"""

from __future__ import annotations

from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.proof.aliases import Data
from stabkit.proof.setting import Setting, Visit
from stabkit.proof.text import fields, parse
from stabkit.proof.words import Expression, dot, expression


def square(setting: Setting, step: dict) -> Expression:
    x = setting.vector(step["x"])
    return dot(x, x)


def bound(setting: Setting, step: dict) -> Expression:
    name = step["of"].removesuffix(".T")
    x, K = setting.vector(step["x"]), parse(step["of"], setting.names)
    return _look_up(setting.bounds, name, "bound") * dot(x, x) - dot(K @ x, K @ x)


def form(setting: Setting, step: dict) -> Expression:
    fact = _look_up(setting.forms, step["of"], "form")
    return fact.holds.put({fact.name: setting.vector(step["x"], fact.space)})


def known_inequality(setting: Setting, step: dict) -> Expression:
    return _look_up(setting.known, step["of"], "known inequality")


def sector(setting: Setting, step: dict) -> Expression:
    E = _visit(setting, step["at"])
    _ends(setting, E, "sector")
    return _between(setting.quotients(E.flux), E.at, E.value)


def slopes(setting: Setting, step: dict) -> Expression:
    E, F = _pair(setting, step)
    return _between(_ends(setting, E, "slopes"), E.at - F.at, E.value - F.value)


def descent(setting: Setting, step: dict) -> Expression:
    E, F = _pair(setting, step)
    largest = _end(setting, E, 1)
    e = F.at - E.at
    return _energy(E) + dot(E.value, e) + largest / 2 * dot(e, e) - _energy(F)


def ascent(setting: Setting, step: dict) -> Expression:
    E, F = _pair(setting, step)
    smallest = _end(setting, E, 0)
    e = F.at - E.at
    return _energy(F) - _energy(E) - dot(E.value, e) - smallest / 2 * dot(e, e)


def interpolation(setting: Setting, step: dict) -> Expression:
    E, F = _pair(setting, step)
    if _end(setting, E, 0).terms:
        raise InvalidEvidence("interpolation needs slopes from 0")
    above = _energy(F) - _energy(E) - dot(E.value, F.at - E.at)
    return 2 * _end(setting, E, 1) * above - dot(F.value - E.value, F.value - E.value)


RULES = {  # rule -> (what is >= 0, the keys that it needs)
    "square": (square, ("x",)), "bound": (bound, ("of", "x")), "form": (form, ("of", "x")),
    "known": (known_inequality, ("of",)), "sector": (sector, ("at",)), "slopes": (slopes, ("at",)),
    "descent": (descent, ("at",)), "ascent": (ascent, ("at",)),
    "interpolation": (interpolation, ("at",)),
}


def nonnegative(setting: Setting, step: dict) -> Expression:
    """What the rule of a step says is >= 0."""
    use = step["use"]
    if not isinstance(use, str) or use not in RULES:
        raise InvalidEvidence(f"{use!s:.40} is not a rule")
    rule, keys = RULES[use]
    fields(step, ("use", *keys), ("times",))
    if not all(isinstance(step[key], str) for key in keys if key == "of"):
        raise InvalidEvidence("of: must be a name")
    return rule(setting, step)


def zero(setting: Setting, step: dict) -> Expression:
    """The left side of an equation, multiplied from the left by what the step says."""
    fields(step, ("use", "of", "with"))
    equation = _look_up(setting.equations, step["of"], "equation")
    factor = parse(step["with"], setting.names)
    return equation * factor if factor.scalar or equation.scalar else factor @ equation


def multiplier(setting: Setting, text: Data, strict: bool = False) -> Expression:
    """A factor that is >= 0, or > 0: in parameters and conditions, without a minus sign.

    Every coefficient is >= 0, and so is every factor: a parameter or condition whose sign the
    statement names, or an even power.  The names of conditions stand for what they say is >= 0.
    """
    names = setting.signs
    atoms = {name: Expression("1", "1", {((), ((name, 1),)): expression(1).terms[(), ()]})
             for name in names}
    found = parse(text, atoms)
    positive = False
    for (_, powers), c in found.terms.items():
        if c < 0 or any(names[name] == "any" and k % 2 for name, k in powers):
            raise InvalidEvidence(f"the multiplier {text!s:.60} may be negative")
        positive |= all(names[name] == "> 0" for name, _ in powers)
    if strict and not positive:
        raise InvalidEvidence(f"the factor {text!s:.60} may be 0")
    return found.put(setting.assume)


def _between(ends: tuple, s: Expression, f: Expression) -> Expression:
    """(f − as)·(bs − f), without the factor of an end that is not there."""
    lowest, highest = ends
    if lowest is None and highest is None:
        raise InvalidEvidence("the interval of slopes has no end")
    return dot(s if lowest is None else f - lowest * s, s if highest is None else highest * s - f)


def _ends(setting: Setting, visit: Visit, fact: str) -> tuple:
    return _look_up(setting.fluxes[visit.flux], fact, f"fact of {visit.flux}:")


def _end(setting: Setting, visit: Visit, which: int) -> Expression:
    end = _ends(setting, visit, "slopes")[which]
    if end is None:
        raise InvalidEvidence(f"the slopes of {visit.flux} have no such bound")
    return end


def _energy(visit: Visit) -> Expression:
    if visit.energy is None:
        raise InvalidEvidence("the visit has no energy")
    return visit.energy


def _visit(setting: Setting, name: Any) -> Visit:
    return _look_up(setting.visits, name, "visit")


def _pair(setting: Setting, step: dict) -> tuple[Visit, Visit]:
    names = step["at"]
    if not isinstance(names, list) or len(names) != 2:
        raise InvalidEvidence("at: needs the names of two visits")
    E, F = (_visit(setting, name) for name in names)
    if E.flux != F.flux:
        raise InvalidEvidence("at: the visits are of two fluxes")
    if (E.at.to, E.at.of) != (F.at.to, F.at.of):  # at 0 a sum would not notice
        raise InvalidEvidence("at: the visits are in two spaces")
    return E, F


def _look_up(known: dict, name: Any, what: str) -> Any:
    if not isinstance(name, str) or name not in known:
        raise InvalidEvidence(f"{name!s:.40} is not a {what} that the statement assumes")
    return known[name]
