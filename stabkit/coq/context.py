"""What a statement declares and assumes, as the binders and hypotheses of a theorem in Coq."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stabkit.aliases import Fields
from stabkit.coq.names import space_symbol, symbol
from stabkit.coq.terms import Number, Operator, Row, Term, Terms, Vector
from stabkit.errors import InvalidArgument
from stabkit.proof.text import relation

NUMBERS = "1"
SIGNS = {"> 0": "0 < {}", ">= 0": "0 <= {}"}
Data = Fields


@dataclass(frozen=True)
class Binder:
    """A variable or hypothesis of a theorem; a definition has a value and is no argument."""

    name: str
    type: str
    value: str = ""
    hypothesis: bool = False

    def write(self) -> str:
        if self.value:
            return f"let {self.name} := {self.value} in"
        return f"({self.type}) ->" if self.hypothesis else f"forall {self.name} : {self.type},"


@dataclass(frozen=True)
class Visit:
    """A point at which a flux is evaluated, with its value and energy."""

    flux: str
    at: Vector
    value: Vector
    energy: Number
    rests: bool = False  # a visit at 0, where the value is 0


@dataclass
class Context:
    """The symbols of a statement in Coq; `binders` come in the order of the theorem.

    Where symbols are members of sequences, `moved` names them (spaces as "space N"), and `step` is
    the place in the sequences; then visits are written out instead of being defined.
    """

    moved: frozenset[str] = frozenset()
    step: str = ""
    counter: str | None = None  # which symbol is the number of the step
    energies: bool = True  # whether they occur; if not, fluxes need no primitives
    terms: Terms = field(default_factory=Terms)
    names: dict[str, Term] = field(default_factory=dict)
    signs: dict[str, Number] = field(default_factory=dict)  # what may multiply facts
    bounds: dict[str, Number] = field(default_factory=dict)
    sides: dict[str, tuple[str, str]] = field(default_factory=dict)  # of operators: of, to
    forms: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # variable, space, text
    facts: dict[str, Data] = field(default_factory=dict)  # of fluxes
    visits: dict[str, Visit] = field(default_factory=dict)
    equations: dict[str, Term] = field(default_factory=dict)
    known: dict[str, Number] = field(default_factory=dict)
    binders: list[Binder] = field(default_factory=list)

    def text(self, name: str) -> str:
        """How Coq calls a symbol."""
        if self.step and name == self.counter:
            return f"(INR {self.step})"
        return f"({symbol(name)} {self.step})" if name in self.moved else symbol(name)

    def space(self, name: str) -> str:
        """How Coq calls the dimension of a space."""
        made = space_symbol(name)
        return f"({made} {self.step})" if f"space {name}" in self.moved else made

    def primitive(self, flux: str) -> str:
        """How Coq calls the function whose derivative a flux is; it moves with the flux."""
        P = symbol(flux, "_P")
        return f"({P} {self.step})" if flux in self.moved else P

    def bind(self, name: str, kind: str) -> None:
        self.binders.append(Binder(symbol(name), kind))

    def suppose(self, name: str, suffix: str, what: str) -> None:
        self.binders.append(Binder(symbol(name, suffix), what, hypothesis=True))

    def number(self, text: str, names: Mapping[str, Term] | None = None) -> Number:
        found = self.terms.read(text, self.names if names is None else names)
        if not isinstance(found, Number):
            raise InvalidArgument(f"{text}: is not a number")
        return found

    def value(self, text: str, space: str,
              names: Mapping[str, Term] | None = None) -> Number | Vector:
        """A number for the space "1", else a vector."""
        found = self.terms.read(text, self.names if names is None else names)
        if space != NUMBERS and isinstance(found, Number) and found.text == "0":
            return self.terms.zero(self.space(space))
        if not isinstance(found, Number | Vector):
            raise InvalidArgument(f"{text}: is neither a number nor a vector")
        return found

    def vector(self, text: str, space: str) -> Vector:
        return self.terms.vector(self.value(text, space))

    def declare(self, name: str, space: str) -> None:
        """A vector, or a number of the space "1"."""
        self.bind(name, "R" if space == NUMBERS else "vec")
        self.names[name] = Number(self.text(name)) if space == NUMBERS else \
            self.terms.generator(self.text(name), self.space(space))

    def visit(self, name: str, entry: Data, at: Vector, suffix: str = "") -> None:
        """Define the value and the energy of a visit, or write them out."""
        value, energy = entry["value"] + suffix, energy_of(entry) + suffix
        phi, P = self.text(entry["flux"]), self.primitive(entry["flux"])
        f, p = f"each {phi} {at.text}", f"energy {at.space} {P} {at.text}"
        if self.step:
            f, p = f"({f})", f"({p})"
        else:
            self.binders.append(Binder(symbol(value), "vec", f))
            self.binders += [Binder(symbol(energy), "R", p)] if self.energies else []
            f, p = symbol(value), symbol(energy)
        self.names[value] = self.terms.generator(f, at.space)
        if self.energies:
            self.names[energy] = Number(p)
        self.visits[name] = Visit(entry["flux"], at, self.terms.generator(f, at.space), Number(p))

    def rest(self, name: str, like: str) -> None:
        """A visit at 0 of the flux of another, where a sector says that the value is 0."""
        other = self.visits[like]
        at = self.terms.zero(other.at.space)
        p = Number(f"(energy {at.space} {self.primitive(other.flux)} {at.text})")
        self.visits[name] = Visit(other.flux, at, at, p, rests=True)
        if self.energies:
            self.names["p_" + name] = p

    def ends(self, flux: str, kind: str) -> tuple[str, str]:
        """Those of an interval; a sector without one above ends where the slopes do."""
        low, high = self.facts[flux][kind]
        derived = kind == "sector" and low != "-inf" and high == "inf"
        return low, self.facts[flux].get("slopes", ["", "inf"])[1] if derived else high

    def fact(self, flux: str, kind: str, side: str) -> str:
        """Why quotients of a flux have an end."""
        if kind == "sector" and side == "most" and self.facts[flux]["sector"][1] == "inf":
            return f"(quotients_at_most _ _ {self.rests_by(flux)} {symbol(flux, '_slopes_most')})"
        return symbol(flux, f"_{kind}_{side}")

    def rests_by(self, flux: str) -> str:
        """Why a flux is 0 at 0."""
        if self.facts[flux]["sector"][1] != "inf":
            return symbol(flux, "_rest")
        return f"(rests _ _ _ {symbol(flux, '_sector_least')} {symbol(flux, '_slopes_most')})"

    def equation(self, name: str, left: str) -> None:
        """Suppose that something is 0."""
        self.equations[name] = self.terms.read(left, self.names)
        self.suppose(name, "_zero", self.zero(self.equations[name]))

    def inequality(self, name: str, left: str) -> None:
        """Suppose that a number is >= 0."""
        self.known[name] = self.number(left)
        self.suppose(name, "_known", f"0 <= {self.known[name].text}")

    def zero(self, what: Term) -> str:
        """The proposition that a number, a vector or an operator is 0."""
        match what:
            case Number():
                return f"{what.text} = 0"
            case Vector():
                return f"forall i', (i' < {what.space})%nat -> {what.text} i' = 0"
            case Row():
                return self.zero(what.vector)
            case Operator():
                made = what.forwards(Terms().generator("x'", what.of))
                return f"forall x', {self.zero(made)}"

    def proposition(self, goal: Term, sign: str) -> str:
        """What is to be shown."""
        return f"0 <= {goal.text}" if sign == ">=" and isinstance(goal, Number) else \
            self.zero(goal)


def energy_of(entry: Data) -> str:
    """The name of a visit's energy, also where the statement gives it none."""
    return entry.get("energy", entry["value"] + "_energy")


def with_what_occurs(statement: Data, proof: Data) -> Data:
    """The statement, marked where neither it nor its proof speaks of energies."""
    names = {energy_of(entry) for entry in statement.get("visits", {}).values()}
    said = {word for text in _texts([proof, {key: part for key, part in statement.items()
                                             if key != "visits"}])
            for word in re.findall(r"\w+", text)}
    return {**statement, "energies": not said.isdisjoint(
        names | {"descent", "ascent", "interpolation"})}


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list | tuple):
        for part in data.values() if isinstance(data, Mapping) else data:
            yield from _texts(part)


def context(data: Data, moved: frozenset[str] = frozenset(), step: str = "",
            counter: str | None = None) -> Context:
    """The context of a statement, or of one step of it."""
    made = Context(moved, step, counter, data.get("energies", True))
    made.binders += [Binder(space_symbol(space), "nat") for space in spaces(data)]
    for name, sign in data.get("parameters", {}).items():
        made.bind(name, "R")
        made.names[name] = made.signs[name] = Number(made.text(name))
        if sign in SIGNS:
            made.suppose(name, "_sign", SIGNS[sign].format(made.text(name)))
    for name, text in data.get("assume", {}).items():
        left, sign = relation(text, (">=", ">"))
        made.signs[name] = made.number(left)
        made.suppose(name, "_holds", SIGNS[f"{sign} 0"].format(made.signs[name].text))
    _operators(made, data)
    for name, entry in data.get("fluxes", {}).items():
        _flux(made, name, entry)
    for name, space in data.get("vectors", {}).items():
        made.declare(name, space)
    for name, entry in data.get("visits", {}).items():
        made.visit(name, entry, made.terms.vector(made.terms.read(entry["at"], made.names)))
    for name, text in data.get("equations", {}).items():
        made.equation(name, relation(text, ("==",))[0])
    for name, text in data.get("known", {}).items():
        made.inequality(name, relation(text, (">=",))[0])
    return made


def spaces(data: Data) -> list[str]:
    """The spaces that a statement speaks of, but for that of numbers."""
    found = [space for text in data.get("operators", {}).values()
             for space in text.split(" ")[:3:2]]
    found += [*data.get("vectors", {}).values(), *(entry["in"] for entry
                                                   in data.get("forms", {}).values())]
    return [space for space in dict.fromkeys(found) if space != NUMBERS]


def _operators(made: Context, data: Data) -> None:
    for name, text in data.get("operators", {}).items():
        of, _, to, *symmetric = text.split(" ")
        made.sides[name] = of, to
        made.bind(name, "mat")
        K = made.text(name)
        made.names[name] = made.terms.operator(K, made.space(of), made.space(to), bool(symmetric))
        if symmetric:
            made.suppose(name, "_symmetric", f"forall i' j', {K} i' j' = {K} j' i'")
    for name, text in data.get("bounds", {}).items():
        made.bounds[name] = made.number(text)
        K, (of, to) = made.text(name), map(made.space, made.sides[name])
        made.suppose(name, "_bound", f"forall x', dot {to} (mul {of} {K} x') (mul {of} {K} x') "
                     f"<= {made.bounds[name].text} * dot {of} x' x'")
    for name, entry in data.get("forms", {}).items():
        left = relation(entry["holds"], (">=",))[0]
        made.forms[name] = entry["of"], entry["in"], left
        y = Terms().generator("y'", made.space(entry["in"]))  # bound here, no letter of the proof
        shown = made.number(left, {**made.names, entry["of"]: y})
        made.suppose(name, "_form", f"forall y' : vec, 0 <= {shown.text}")


def _flux(made: Context, name: str, entry: Data) -> None:
    made.bind(name, "R -> R")
    made.facts[name] = entry
    for kind, (low, high) in entry.items():
        for end, side, endless in ((low, "least", "-inf"), (high, "most", "inf")):
            if end != endless:
                made.suppose(name, f"_{kind}_{side}",
                             f"{kind}_at_{side} {made.number(end).text} {made.text(name)}")
        if kind == "sector" and low != "-inf" and high != "inf":
            made.suppose(name, "_rest", f"{made.text(name)} 0 = 0")
    if not made.energies:
        return
    made.binders.append(Binder(symbol(name, "_P"), "R -> R"))
    made.suppose(name, "_primitive", f"primitive {made.primitive(name)} {made.text(name)}")
