"""Whether the listed configurations of a claim are members of the classes that it names.

That each of them is shows that the classes are not empty, so that no statement holds for want of a
member, and that the facts assumed of fluxes are facts of those that are listed.  Those are taken as
the fluxes declare them; the certificates of the listed configurations show them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Fields
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument, require_value
from stabkit.fluxes.flux import Flux
from stabkit.operators import Boundary, Operator, difference
from stabkit.operators.norms import norm_squared
from stabkit.proof.grids import AcrossDifference, GridDifference
from stabkit.proof.parts import Count, Family, Size, SymbolicFlux, SymbolicNumber, SymbolicOperator
from stabkit.proof.rows import Statement as Rows
from stabkit.proof.setting import Setting
from stabkit.proof.sites import LineDifference
from stabkit.proof.words import Expression, expression, parameter
from stabkit.schemes import Chain
from stabkit.stability.notions import Notion
from stabkit.stability.property import Always, AtMost, Identity


@dataclass
class Member:
    """What the symbols of a statement are in one configuration."""

    values: dict[str, Fraction] = field(default_factory=dict)  # of parameters
    fluxes: dict[str, Flux] = field(default_factory=dict)

    def value(self, name: str, value: Fraction) -> None:
        """Note the value of a parameter; it is one."""
        if self.values.setdefault(name, value) != value:
            raise InvalidArgument(f"{name}: is {self.values[name]} and {value} at once")


def check_member(symbolic: Any, concrete: Any, statement: Any, arguments: Fields,
                 configuration: Fields) -> None:
    """Raise unless what a claim returns in a configuration is what its statement speaks of.

    Parameters
    ----------
    symbolic, concrete : Property
        What the claim's body makes of symbols, and of the configuration.
    statement
        What was written from the former, as ``stabkit.proof.read`` reads it.
    arguments, configuration : mapping
        The symbols and the values of the claim's arguments; functions of them, as relations hold,
        cannot be compared themselves.

    Raises
    ------
    InvalidArgument
        It says what is assumed and does not hold.
    """
    for member in _members(symbolic, concrete):
        if isinstance(symbolic, Identity | AtMost | Always):
            for name, symbol in arguments.items():
                if isinstance(symbol, SymbolicOperator | SymbolicFlux | SymbolicNumber):
                    _compare(symbol, configuration[name], member)
        if isinstance(statement, Rows):
            _has_rows(member, statement)
        else:
            _meets(member, statement.setting)


def _members(symbolic: Any, concrete: Any) -> Iterator[Member]:
    """One member, or several of a family."""
    scheme = getattr(symbolic, "scheme", None)
    if isinstance(scheme, Chain) and isinstance(scheme.schemes, Family):
        for part in concrete.scheme.schemes:
            member = Member()
            _compare(scheme.schemes.member, part, member)
            yield member
        return
    member = Member()
    _compare(symbolic, concrete, member)
    yield member


def _compare(symbolic: Any, concrete: Any, member: Member) -> None:
    """Note what the symbols are, at the same places of two things of one kind."""
    if isinstance(symbolic, GridDifference):
        _on_grid(symbolic, concrete, member)
    elif isinstance(symbolic, SymbolicOperator):
        _of_kind(concrete, Operator)
        if symbolic.bound is not None and symbolic.bound.letters:
            (letter,) = symbolic.bound.letters
            member.value(letter, norm_squared(concrete).upper)
    elif isinstance(symbolic, LineDifference):
        _on_line(symbolic, concrete, member)
    elif isinstance(symbolic, SymbolicFlux):
        _of_kind(concrete, Flux)
        if member.fluxes.setdefault(symbolic.name, concrete) is not concrete:
            raise InvalidArgument(f"{symbolic.name}: is two fluxes at once")
        for name, fact in symbolic.meaning.items():
            value = getattr(concrete.facts, fact)
            if value is None:
                raise InvalidArgument(f"{concrete!r} has no {fact}")
            member.value(name, value)
    elif isinstance(symbolic, Expression):
        name, *others = symbolic.letters or [""]
        if symbolic.scalar and name and not others and (symbolic - parameter(name)).is_zero():
            member.value(name, fraction(concrete))
    elif isinstance(symbolic, (Count, Size)):
        _of_kind(concrete, int)
    elif isinstance(symbolic, dict):
        for name in symbolic:
            _compare(symbolic[name], concrete[name], member)
    elif isinstance(symbolic, tuple) and any(isinstance(B, AcrossDifference) for B in symbolic):
        return  # it stands for any number of them, of which nothing is assumed
    elif isinstance(symbolic, tuple | list):
        for one, other in zip(symbolic, concrete, strict=True):
            _compare(one, other, member)
    elif isinstance(symbolic, Notion):
        _compare(symbolic.functional, concrete.functional, member)
    elif is_dataclass(symbolic) and not isinstance(symbolic, (type, Flux)):
        _of_kind(concrete, type(symbolic))
        for each in fields(symbolic):
            _compare(getattr(symbolic, each.name), getattr(concrete, each.name), member)


def _on_line(symbolic: LineDifference, concrete: Any, member: Member) -> None:
    """Check that an operator is the first difference on a line, with the boundary."""
    _of_kind(concrete, Operator)
    h, n = 1 / max(map(abs, concrete.values), default=Fraction(1)), concrete.shape[1]
    if not np.array_equal(concrete.exact(), difference(
            1, n, h, Boundary(symbolic.boundary)).exact()):
        raise InvalidArgument(f"{concrete!r} is not the first difference, {symbolic.boundary}")
    for name in symbolic.h.letters:
        member.value(name, h)
    if not symbolic.h.letters and symbolic.h.terms[(), ()] != h:
        raise InvalidArgument(f"{concrete!r} has the grid size {h}")
    member.values["of edges"] = 1 / h**2


def _on_grid(symbolic: GridDifference, concrete: Any, member: Member) -> None:
    """Check that an operator takes differences along edges, and Σ 1/h² at the sites."""
    _of_kind(concrete, Operator)
    K = concrete.exact().T if symbolic.adjoint else concrete.exact()
    if any(sum(map(bool, row)) != 2 or sum(row) for row in K):
        raise InvalidArgument(f"{concrete!r} does not take differences along edges")
    most, edges = max((K**2).sum(axis=0)), require_value(symbolic.grid,
                                                         "a grid: it has no shape").edges
    for name in edges.letters:
        member.value(name, most)
    if not edges.letters and most > edges.terms[(), ()]:
        raise InvalidArgument(f"{concrete!r} has more edges at a site than is assumed")
    member.values["of edges"] = most


def _has_rows(member: Member, statement: Rows) -> None:
    """Check that the weights τg/h², or Σ τg/h² at a site, lie in their intervals."""
    flux, = member.fluxes.values()
    tau = member.values.get("tau", Fraction(1))  # or a number, and part of the entries
    _lies_in(flux, "sector", Fraction(0), None)
    if statement.keeps == "contrast":
        _lies_in(flux, "slopes", Fraction(0), flux.facts.sup_diffusivity)
    high = require_value(flux.facts.sup_diffusivity, f"{flux.name}: has no bound") * tau \
        * member.values["of edges"]
    for end in statement.weights.values():
        if end is not None and high > end:
            raise InvalidArgument(f"tau·g/h**2: it is assumed to be <= {end}, but reaches "
                                  f"{float(high):.3g}")


def _of_kind(value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidArgument(f"{value!r:.80} is no {kind.__name__}")


def _meets(member: Member, setting: Setting) -> None:
    """Check every assumption of the statement."""
    values = {name: expression(value) for name, value in member.values.items()}
    assumed = {name: (expression(member.values[name]), setting.signs[name])
               for name in member.values if name in setting.signs}
    assumed |= {name: (x.put(values), setting.signs[name]) for name, x in setting.assume.items()}
    for name, (x, sign) in assumed.items():
        if x.letters:
            raise InvalidArgument(f"{name}: the value of {', '.join(x.letters)} is not known")
        value = x.terms.get(((), ()), Fraction(0))
        if sign != "any" and (value < 0 or (value == 0 and sign == "> 0")):
            raise InvalidArgument(f"{name}: it is assumed to be {sign}, but is {float(value):.3g}")
    for name, flux in member.fluxes.items():
        for kind, ends in setting.fluxes[name].items():
            low, high = (end if end is None else end.put(values).terms.get(((), ()), Fraction(0))
                         for end in ends)
            _lies_in(flux, kind, low, high)


def _lies_in(flux: Flux, kind: str, low: Fraction | None, high: Fraction | None) -> None:
    """Check that a flux has a fact that is assumed of it, as it declares it."""
    face = "diffusivities" if kind == "sector" else "slopes"
    ends = getattr(flux.facts, face)
    if ends is None or (kind == "slopes" and not flux.facts.continuous):
        raise InvalidArgument(f"{flux!r}: its {face} have no bounds")
    if (low is not None and ends[0] < low) or (high is not None and ends[1] > high):
        raise InvalidArgument(f"{flux!r}: its {face} lie in [{ends[0]}, {ends[1]}], not in "
                              f"[{low}, {high}]")
