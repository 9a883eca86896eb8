"""What a statement is about: its symbols, and what is assumed of them.

==============  ==================================================================================
parameters      {"tau": "> 0"}: a real number and its sign, "> 0", ">= 0" or "any"
assume          {"step": "2 - tau*L*c >= 0"}: a condition (>= or >) on the parameters
operators       {"K": "N -> M"}: a linear map; "N -> N symmetric" if it equals its transpose
bounds          {"K": "c"}: ‖K‖² <= c
forms           {"below": {"of": "x", "in": "N", "holds": "x.T@x - x.T@A@x >= 0"}}: for all x
vectors         {"u": "N"}: a vector; of the space "1" a number
fluxes          {"phi": {"sector": ["0", "L"], "slopes": ["-m", "L"]}}: see stabkit.proof.facts
visits          {"E": {"flux": "phi", "at": "K@u", "value": "f", "energy": "p"}}: f = Φ(K u), and
                p = ΣP((K u)ᵢ) with P' = Φ
equations       {"step": "y - u + tau*K.T@f == 0"}: holds
known           {"descent": "p - q >= 0"}: holds
==============  ==================================================================================

All may be left out.  The value and the energy of a visit are declared by it, not among `vectors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stabkit.errors import InvalidEvidence
from stabkit.proof.aliases import Data, Fields
from stabkit.proof.text import fields, new_name, parse, relation, table
from stabkit.proof.words import NUMBERS, Expression, operator, parameter, vector

KEYS = ("parameters", "assume", "operators", "bounds", "forms", "vectors", "fluxes", "visits",
        "equations", "known")
SIGNS = ("> 0", ">= 0", "any")

Ends = tuple[Expression | None, Expression | None]  # of an interval; None where it has none


@dataclass(frozen=True)
class Visit:
    """A point s at which a flux is evaluated: value Φ(s), energy ΣP(sᵢ)."""

    flux: str
    at: Expression
    value: Expression
    energy: Expression | None


@dataclass(frozen=True)
class ForAll:
    """A quadratic form that is >= 0 for every vector `name`."""

    name: str
    space: str
    holds: Expression


@dataclass
class Setting:
    """Symbols and assumptions, read; `names` holds everything that can be written."""

    names: dict[str, Expression] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)  # of parameters and conditions
    assume: dict[str, Expression] = field(default_factory=dict)
    bounds: dict[str, Expression] = field(default_factory=dict)
    forms: dict[str, ForAll] = field(default_factory=dict)
    fluxes: dict[str, dict[str, Ends]] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    equations: dict[str, Expression] = field(default_factory=dict)
    known: dict[str, Expression] = field(default_factory=dict)

    def number(self, text: Data) -> Expression:
        """A polynomial in the parameters."""
        found = parse(text, self.names)
        if not found.scalar:
            raise InvalidEvidence(f"{text}: must be a polynomial in the parameters")
        return found

    def form(self, text: Data) -> Expression:
        """An expression whose value is a number."""
        found = parse(text, self.names)
        if found.terms and (found.to, found.of) != (NUMBERS, NUMBERS):
            raise InvalidEvidence(f"{text}: must be a number, such as x.T@y")
        return found

    def vector(self, text: Data, space: str | None = None) -> Expression:
        """A vector, of the space if one is named."""
        found = parse(text, self.names)
        if found.terms and (found.of != NUMBERS or space not in (None, found.to)):
            raise InvalidEvidence(f"{text}: must be a vector of {space or 'some space'}")
        return found if found.terms or space is None else Expression(space, NUMBERS, {})

    @property
    def names_in_use(self) -> set[str]:
        """Names that are in use, of whatever kind."""
        return {*self.names, *self.assume, *self.forms, *self.fluxes, *self.visits,
                *self.equations, *self.known}

    def declare(self, name: Any, space: Any) -> Expression:
        """A new vector."""
        if space != NUMBERS:
            new_name(space, ())
        made = self.names[name] = vector(new_name(name, self.names_in_use), space)
        return made

    def visit(self, name: str, flux: str, at: Expression, value: str,
              energy: str | None = None) -> None:
        """A new visit, with letters of its own for its value and energy."""
        if not isinstance(flux, str) or flux not in self.fluxes:
            raise InvalidEvidence(f"{flux!s:.40} is not a flux that the statement declares")
        new_name(name, self.names_in_use)
        made = self.declare(value, at.to)
        self.visits[name] = Visit(flux, at, made, energy if energy is None
                                  else self.declare(energy, NUMBERS))

    def quotients(self, flux: str) -> Ends:
        """The interval of Φ(s)/s."""
        known = self.fluxes[flux]
        return quotients(known.get("sector"), known.get("slopes"))

    def rest(self, name: str, like: Any) -> None:
        """A new visit at 0 of the flux of another, in the same space, where the value is 0.

        Where quotients have two ends, at s = 0 they say −Φ(0)² >= 0.  What its energy is is not
        known.
        """
        if not isinstance(like, str) or like not in self.visits or \
                not self.visits[like].value.terms:
            raise InvalidEvidence(f"rest: {like!s:.40} is not a visit that the statement assumes")
        other = self.visits[like]
        if any(end is None for end in self.quotients(other.flux)):
            raise InvalidEvidence(f"rest: that {other.flux} is 0 at 0 is known by a sector with "
                                  "two ends only, or one from below and slopes with one above")
        new_name(name, self.names_in_use)
        zero = 0 * other.value
        self.visits[name] = Visit(other.flux, zero, zero, self.declare("p_" + name, NUMBERS))


def quotients(sector: Ends | None, slopes: Ends | None) -> Ends:
    """The interval of Φ(s)/s: the sector; if that ends only below, it ends above as the slopes do.

    With Φ(s)/s >= a and slopes <= b, Φ(0) <= Φ(−t) + bt <= (b − a)t and Φ(0) >= Φ(t) − bt >=
    (a − b)t for every t > 0.  So Φ(0) = 0, and Φ(s)/s is a slope, too.
    """
    low, high = sector or (None, None)
    _, steepest = slopes or (None, None)
    return low, steepest if low is not None and high is None else high


def read(data: Fields) -> Setting:
    """The setting that a statement's dictionary describes; other keys are left to the caller.

    Raises
    ------
    InvalidEvidence
        For unknown keys in its entries, names declared twice or not at all, spaces that do not
        fit, and texts that are not in the notation.
    """
    setting = Setting()
    part = {key: table(data.get(key, {})) for key in KEYS}
    for name, sign in part["parameters"].items():
        if sign not in SIGNS:
            raise InvalidEvidence(f"{name}: its sign must be one of {', '.join(SIGNS)}")
        setting.names[new_name(name, setting.names_in_use)] = parameter(name)
        setting.signs[name] = sign
    for name, text in part["assume"].items():
        left, sign = relation(text, (">=", ">"))
        setting.assume[new_name(name, setting.names_in_use)] = setting.number(left)
        setting.signs[name] = sign + " 0"
    for name, text in part["operators"].items():
        setting.names[new_name(name, setting.names_in_use)] = _operator(name, text)
    for name, text in part["bounds"].items():
        if name not in part["operators"]:
            raise InvalidEvidence(f"{name!s:.40} is not an operator that the statement declares")
        setting.bounds[name] = setting.number(text)
    for name, data_ in part["forms"].items():
        new_name(name, setting.names_in_use)
        setting.forms[name] = _for_all(setting, data_)
    for name, facts in part["fluxes"].items():
        new_name(name, setting.names_in_use)
        setting.fluxes[name] = {kind: _range(setting, ends) for kind, ends in
                                fields(facts, (), ("sector", "slopes")).items()}
    for name, space in part["vectors"].items():
        setting.declare(name, space)
    for name, entry in part["visits"].items():
        entry = fields(entry, ("flux", "at", "value"), ("energy",))
        setting.visit(name, entry["flux"], setting.vector(entry["at"]), entry["value"],
                      entry.get("energy"))
    for name, text in part["equations"].items():
        setting.equations[new_name(name, setting.names_in_use)] = \
            parse(relation(text, ("==",))[0], setting.names)
    for name, text in part["known"].items():
        setting.known[new_name(name, setting.names_in_use)] = setting.form(relation(text,
                                                                                    (">=",))[0])
    return setting


def _operator(name: str, text: Data) -> Expression:
    parts = text.split(" ") if isinstance(text, str) else []
    symmetric = len(parts) == 4 and parts[3] == "symmetric" and parts[0] == parts[2]
    if len(parts) < 3 or parts[1] != "->" or not (symmetric or len(parts) == 3):
        raise InvalidEvidence(f"{name}: must be 'N -> M' or 'N -> N symmetric', got {text!s:.40}")
    return operator(name, new_name(parts[0], ()), new_name(parts[2], ()), symmetric)


def _for_all(setting: Setting, entry: Data) -> ForAll:
    entry = fields(entry, ("of", "in", "holds"))
    inner = Setting(names=dict(setting.names))
    inner.declare(entry["of"], entry["in"])
    return ForAll(entry["of"], entry["in"], inner.form(relation(entry["holds"], (">=",))[0]))


def _range(setting: Setting, ends: Any) -> Ends:
    """The two ends of an interval of slopes; None where it has no end."""
    if not isinstance(ends, list) or len(ends) != 2:
        raise InvalidEvidence("an interval of slopes needs a list of two ends")
    return (None if ends[0] == "-inf" else setting.number(ends[0]),
            None if ends[1] == "inf" else setting.number(ends[1]))
