"""Exact inputs against a statement, guided by its worst case.

The visited points are unknowns: vectors, values of the flux there, and operators of one or two rows
and columns are moved in floating point until the goal is negative while the points still lie on a
flux of the class.  Then all is rounded, and the flux is drawn through the points.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.optimize

from stabkit.aliases import Fields
from stabkit.proof import algebra
from stabkit.proof.words import NUMBERS, Expression, Letter, expression
from stabkit.prover.piecewise_linear import Ends, Point, admits

SECONDS = 20.0
STARTS = 30  # for each draw of the operators
SIZES = {1: 1, 2: 4}  # of the spaces -> draws of the operators
DENOMINATORS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 60, 120, 1000, 10**5)
MARGINS = (0.0, 1e-3, 1e-2)  # how far inside its class a flux is kept, to be rounded


@dataclass(frozen=True)
class Members:
    """Members of the classes of a statement at which it fails, exactly.

    Attributes
    ----------
    operators, vectors : mapping of str to ndarray of Fraction
    points : mapping of str to list of (s, Φ(s))
        By the fluxes.
    """

    operators: dict[str, np.ndarray]
    vectors: dict[str, np.ndarray]
    points: dict[str, list[Point]]


class Instance:
    """A statement with numbers in place of parameters and operators.

    The vectors and the values at the visits are the unknowns z: the points are S z, the goal zᵀG z.

    Parameters
    ----------
    statement : dict
    values : mapping of str to Fraction
        Of the parameters.
    size : int
        Of all spaces.
    rng : Generator
        Draws the operators, of norm 1 or what their bound says.
    """

    def __init__(self, statement: Fields, values: Mapping[str, Fraction], size: int,
                 rng: np.random.Generator):
        made = algebra.read(dict(statement))
        given, self.size = made.setting, size
        put = {name: expression(x) for name, x in values.items()}
        goal = made.goal.put(put)
        visits = [(visit.flux, visit.at.put(put), min(visit.value.letters))
                  for visit in given.visits.values()]
        letters = {letter.name: letter for x in (goal, *(at for _, at, _ in visits))
                   for word, _ in x.terms for letter in word}
        self.possible = not (given.equations or given.forms or given.known) and not any(
            letter.to == NUMBERS == letter.of for letter in letters.values()) and \
            set(given.signs) - set(given.assume) <= set(values)
        if not self.possible:
            return
        self.known: dict[str, dict[str, Ends]] = {
            flux: {kind: (_number(ends[0], put), _number(ends[1], put))
                   for kind, ends in facts.items()}
            for flux, facts in given.fluxes.items()}
        self.operators = {
            name: _matrix(size, _number(given.bounds.get(name), put), rng)
            for name, letter in letters.items() if NUMBERS not in (letter.to, letter.of)}
        values_ = [value for *_, value in visits]
        self.names = sorted({name for name in letters if name not in self.operators}
                            | set(values_))
        self.vectors = [name for name in self.names if name not in values_]
        self.visits = [(flux, self._matrix_of(at), value) for flux, at, value in visits]
        self.G = sum((c * self._vector((word[0].T,)).T @ self._vector(word[1:])
                      for (word, _), c in goal.terms.items()),
                     np.zeros((self.unknowns, self.unknowns), dtype=object))

    @property
    def unknowns(self) -> int:
        return self.size * len(self.names)

    def place(self, name: str) -> slice:
        start = self.size * self.names.index(name)
        return slice(start, start + self.size)

    def points(self, z: np.ndarray) -> dict[str, list[Point]]:
        """(s, Φ(s)) at all visits, by the fluxes."""
        found: dict[str, list[Point]] = {flux: [] for flux in self.known}
        for flux, S, value in self.visits:
            found[flux] += zip(S @ z, z[self.place(value)], strict=True)
        return found

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


def members(statement: Fields, values: Mapping[str, Fraction], seed: int = 0
            ) -> Iterator[Members]:
    """Exact members of the classes at which the goal of a statement is negative.

    The search ends after :data:`SECONDS`; what it finds before does not depend on them.
    """
    rng, began = np.random.default_rng(seed), time.monotonic()
    for size, count in SIZES.items():
        for _ in range(count):
            instance = Instance(statement, values, size, rng)
            if not instance.possible:
                return
            problem = Descent(instance)
            for _ in range(STARTS):
                if time.monotonic() - began > SECONDS:
                    return
                found = _member(problem, problem.start(rng))
                if found is not None:
                    yield found
                    break


def _member(problem: Descent, start: np.ndarray) -> Members | None:
    for margin in MARGINS:
        z = problem.descended(start, margin)
        found = None if z is None else _rounded(problem.instance, z)
        if found is not None:
            return found
    return None


def _rounded(instance: Instance, z: np.ndarray) -> Members | None:
    """The simplest rational unknowns nearby at which the statement fails exactly."""
    z = z / max(np.abs(z[instance.place(name)]).max() for name in instance.vectors)
    for size in DENOMINATORS:
        exact = np.array([Fraction(round(float(entry) * size), size) for entry in z], dtype=object)
        if exact @ instance.G @ exact >= 0:
            continue
        points = instance.points(exact)
        if all(admits(found, instance.known[flux]) for flux, found in points.items()):
            return Members(instance.operators, {
                name: exact[instance.place(name)] for name in instance.vectors}, points)
    return None


def _number(end: Expression | None, put: Mapping[str, Expression]) -> Fraction | None:
    return None if end is None else end.put(put).terms.get(((), ()), Fraction(0))


def _matrix(size: int, square: Fraction | None, rng: np.random.Generator) -> np.ndarray:
    """A rational matrix of norm 1, or sqrt(square) if that is rational, else a little less."""
    norm = _root(Fraction(1) if square is None else square)
    if size == 1:
        return np.array([[norm]], dtype=object)
    left, right = (_rotation(Fraction(int(rng.integers(0, 5)), 4)) for _ in range(2))
    middle = np.array([[norm, Fraction(0)],
                       [Fraction(0), norm * Fraction(int(rng.integers(0, 5)), 4)]], dtype=object)
    return left @ middle @ right


def _rotation(t: Fraction) -> np.ndarray:
    c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    return np.array([[c, -s], [s, c]], dtype=object)


def _root(square: Fraction) -> Fraction:
    root = Fraction(float(square) ** 0.5).limit_denominator(10**6)
    return root if root * root <= square else root - Fraction(1, 10**6)


class Descent:
    """The problem in floating point: make the goal small, the points on a flux of the class."""

    def __init__(self, instance: Instance):
        self.instance = instance
        self.G = instance.G.astype(float)
        self.G = (self.G + self.G.T) / 2
        self.rows = [(S.astype(float), np.eye(instance.unknowns)[instance.place(value)], flux)
                     for flux, S, value in instance.visits]
        self.measured = np.concatenate([np.arange(instance.unknowns)[instance.place(name)]
                                        for name in instance.vectors])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Values between what the sector or the slopes allow, one visit after the other."""
        z = rng.standard_normal(self.instance.unknowns)
        for S, value, flux in self.rows:
            ends = next(iter(self.instance.known[flux].values()), (None, None))
            low = 0.0 if ends[0] is None else float(ends[0])
            high = low + 1 if ends[1] is None else float(ends[1])
            share = rng.choice([0.0, 0.5, 1.0], self.instance.size) if rng.random() < 0.5 else \
                rng.random(self.instance.size)
            z[value.astype(bool).any(axis=0)] = (low + (high - low) * share) * (S @ z)
        return z / np.linalg.norm(z[self.measured])

    def descended(self, start: np.ndarray, margin: float) -> np.ndarray | None:
        """Unknowns at which the goal is clearly negative."""
        left, right = self._factors(margin)

        def inside(z: np.ndarray) -> np.ndarray:
            return (left @ z) * (right @ z)

        def slope(z: np.ndarray) -> np.ndarray:
            return left * (right @ z)[:, None] + right * (left @ z)[:, None]

        def length(z: np.ndarray) -> np.ndarray:
            gradient = np.zeros_like(z)
            gradient[self.measured] = 2 * z[self.measured]
            return gradient

        found = scipy.optimize.minimize(
            lambda z: z @ self.G @ z, start, jac=lambda z: 2 * self.G @ z, method="SLSQP",
            options={"maxiter": 100, "ftol": 1e-12}, constraints=[
                {"type": "ineq", "fun": inside, "jac": slope},
                {"type": "eq", "fun": lambda z: z[self.measured] @ z[self.measured] - 1,
                 "jac": length}])
        z = found.x
        clear = np.isfinite(z).all() and z @ self.G @ z < -1e-7 and \
            inside(z).min(initial=0) > -1e-7
        return z if clear else None

    def _factors(self, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows l, r with (l·z)(r·z) >= 0 where the points lie on a flux, by some room."""
        lefts, rights = [np.zeros((0, self.instance.unknowns))], []
        for flux, known in self.instance.known.items():
            S = [row for s, _, of in self.rows if of == flux for row in s]
            f = [row for _, value, of in self.rows if of == flux for row in value]
            for kind, (low, high) in known.items():
                pairs = [(s, g) for s, g in zip(S, f, strict=True)] if kind == "sector" else \
                    [(S[i] - S[j], f[i] - f[j]) for i in range(len(S)) for j in range(i)]
                width = margin * (1.0 if low is None or high is None else float(high - low))
                for s, g in pairs:
                    lefts.append(np.atleast_2d(
                        s if low is None else g - (float(low) + width) * s))
                    rights.append(np.atleast_2d(
                        s if high is None else (float(high) - width) * s - g))
        return np.concatenate(lefts), np.concatenate([np.zeros((0, self.instance.unknowns)),
                                                      *rights])
