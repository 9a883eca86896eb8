"""Exact inputs against a statement, guided by its worst case.

The visited points are unknowns: vectors, values of the flux there, and energies, for operators of
one or two rows and columns.  They start at the worst case of the statement, and at random, and are
moved in floating point until the goal is negative while the points still lie on a flux of the
class.  Then all is rounded, and the flux is drawn through the points.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from stabkit.aliases import Fields, Matrix
from stabkit.fluxes.flux import Flux
from stabkit.multipliers.worst_case import WorstCase
from stabkit.proof import algebra
from stabkit.proof.setting import Setting
from stabkit.proof.words import NUMBERS, Expression, expression
from stabkit.prover.descent import Descent
from stabkit.prover.guide import coordinates, operators, rotation, unknowns
from stabkit.prover.instance import Instance, is_possible, number
from stabkit.prover.piecewise_linear import admissible_points, flux_through

SECONDS = 20.0
SIZES = (1, 2)  # of the spaces
GUIDED = 6  # starts at the worst case, for each size
DRAWN = {1: 1, 2: 4}  # draws of the operators
STARTS = 30  # for each draw
DENOMINATORS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 60, 120, 1000, 10**5)
MARGINS = (0.0, 1e-3, 1e-2)  # how far inside its class a flux is kept, to be rounded


def norms_of(given: Setting, put: Mapping[str, Expression]) -> dict[str, Fraction]:
    """Of each operator a rational norm that its bound allows, with numbers for the parameters."""
    return {name: root(number(given.bounds.get(name), put)) for name, x in given.names.items()
            if not x.scalar and NUMBERS not in (x.to, x.of)}


@dataclass(frozen=True)
class Members:
    """Members of the classes of a statement at which it fails.

    Attributes
    ----------
    operators, vectors : mapping of str to ndarray of Fraction
    fluxes : mapping of str to Flux
    """

    operators: dict[str, Matrix]
    vectors: dict[str, np.ndarray]
    fluxes: dict[str, Flux]


def members(statement: Fields, values: Mapping[str, Fraction], worst: WorstCase | None = None,
            seed: int = 0) -> Iterator[Members]:
    """Exact members of the classes at which the goal of a statement is negative.

    The search ends after :data:`SECONDS`; what it finds before does not depend on them.

    Parameters
    ----------
    statement : dict
    values : mapping of str to Fraction
        Of the parameters.
    worst : WorstCase, optional
        Of the same statement; where the search begins.
    seed : int
    """
    made = algebra.read(dict(statement))
    if not is_possible(made.setting, values) or ((), ()) in made.goal.terms:
        return
    rng, began = np.random.default_rng(seed), time.process_time()
    put = {name: expression(x) for name, x in values.items()}
    norms = norms_of(made.setting, put)
    values_ = {name for visit in made.setting.visits.values() for name in visit.value.letters}
    vectors = [name for name, x in made.setting.names.items()
               if x.of == NUMBERS != x.to and name not in values_]
    for instance, starts in _instances(made, values, norms, worst, vectors, rng):
        problems = [Descent(instance, margin) for margin in MARGINS]
        for k, start in enumerate(starts):
            if time.process_time() - began > SECONDS:
                return
            found = _member(problems, problems[0].start(rng, k) if start is None else start)
            if found is not None:
                yield found
                break


def _instances(made: algebra.Statement, values: Mapping[str, Fraction],
               norms: Mapping[str, Fraction], worst: WorstCase | None, vectors: list[str],
               rng: np.random.Generator) -> Iterator[tuple[Instance, list[np.ndarray | None]]]:
    """Operators, and the unknowns that are begun with; None for random ones."""
    for size in SIZES:
        if worst is not None and worst.value > 1:
            for _ in range(GUIDED):
                places = coordinates(worst, vectors, size, rng)
                instance = Instance(made, values, operators(places, norms, size))
                yield instance, [unknowns(instance, places)]
        for _ in range(DRAWN[size]):
            yield Instance(made, values, {
                name: _draw_matrix(size, norm,
                                   rng) for name, norm in norms.items()}), [None] * STARTS


def _member(problems: list[Descent], start: np.ndarray) -> Members | None:
    for problem in problems:
        z = problem.descend(start)
        if z is None:  # with more room there is less to be found
            return None
        found = _round_members(problem.instance, z)
        if found is not None:
            return found
    return None


def _round_members(instance: Instance, z: np.ndarray) -> Members | None:
    """The simplest rational members nearby at which the statement fails exactly."""
    z = z / max(np.abs(z[instance.place(name)]).max() for name in instance.vectors)
    for unit in DENOMINATORS:
        vectors = {name: np.array([Fraction(round(x * unit), unit)
                                   for x in map(float, z[instance.place(name)])], dtype=object)
                   for name in instance.vectors}
        fluxes = {}
        for flux, (points, weights) in instance.points(z).items():
            known, odd = instance.known[flux], flux in instance.odd
            made = flux_through(admissible_points(points, known, odd, unit), known, odd, weights)
            if made is not None:
                fluxes[flux] = made
        if {flux for flux, *_ in instance.visits} <= set(fluxes) and \
                instance.goal(instance.complete(vectors, fluxes)) < 0:
            return Members(instance.operators, vectors, fluxes)
    return None


def _draw_matrix(size: int, norm: Fraction, rng: np.random.Generator) -> Matrix:
    """A rational matrix of that norm."""
    if size == 1:
        return np.array([[norm]], dtype=object)
    left, right = (rotation(Fraction(int(rng.integers(0, 5)), 4)) for _ in range(2))
    middle = np.array([[norm, Fraction(0)],
                       [Fraction(0), norm * Fraction(int(rng.integers(0, 5)), 4)]], dtype=object)
    return left @ middle @ right


def root(square: Fraction | None) -> Fraction:
    """The root of a number, 1 for none, if it is rational, else a little less."""
    if square is None:
        return Fraction(1)
    found = Fraction(float(square) ** 0.5).limit_denominator(10**6)
    return found if found * found <= square else found - Fraction(1, 10**6)
