"""Where a worst case says that a statement fails: operators and unknowns to begin with.

The worst case is a matrix of products of vectors, in spaces of any size.  Seen along one or two
directions they are numbers or pairs, and the operator is what takes the ones to the others, as
nearly as one of that size can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import atan2, tan
from typing import Any

import numpy as np

from stabkit.aliases import Matrix
from stabkit.multipliers.worst_case import WorstCase
from stabkit.prover.instance import Instance

FINE = 1000  # denominators of operators

Places = dict[tuple[str, ...], np.ndarray]  # the coordinates of words


def coordinates(worst: WorstCase, vectors: Iterable[str], size: int, rng: np.random.Generator
                ) -> Places:
    """Coordinates of all words along a few directions of each space.

    These are random sums of the given vectors, and what operators make of those, so that spaces
    belong together.
    """
    found: Places = {}
    shares = {name: rng.standard_normal(size) for name in vectors}
    for space, given in worst.vectors.items():
        words = [tuple(letter.name + ".T" * letter.turned for letter in next(iter(x.terms))[0])
                 for x in given]
        sums = np.array([shares[word[-1]] if word[-1] in shares else np.zeros(size)
                         for word in words])
        gram = worst.gram(space)
        values, turn = np.linalg.eigh(sums.T @ gram @ sums)
        scale = np.where(values > 1e-9, np.maximum(values, 1e-9)**-0.5, 0.0)
        found.update(zip(words, gram @ sums @ (turn * scale) @ turn.T, strict=True))
    return found


def operators(places: Places, norms: Mapping[str, Fraction], size: int) -> dict[str, Matrix]:
    """Rational matrices of these norms that take vectors to where the worst case has them."""
    found = {}
    for name, norm in norms.items():
        rows: list[Any] = [np.zeros((0, size * size))]
        right = [np.zeros(0)]
        for word, place in places.items():
            x = places.get(word[1:])
            if x is not None and word[0] in (name, f"{name}.T"):
                rows.append(np.kron(np.eye(size), x) if word[0] == name
                            else np.kron(x, np.eye(size)))
                right.append(place)
        K = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=1e-6)[0]
        found[name] = near(K.reshape(size, size), norm)
    return found


def near(K: np.ndarray, norm: Fraction) -> Matrix:
    """A rational matrix near one of one or two rows, with its norm at most that."""
    if len(K) == 1:
        return np.array([[norm if K[0, 0] >= 0 else -norm]], dtype=object)
    left, values, right = np.linalg.svd(K)
    shares = values / max(float(norm), 1e-12)
    middle = np.diag([norm * Fraction(min(FINE, round(share * FINE)), FINE) for share in shares])
    for turn in left.T, right:  # reflections become rotations
        if np.linalg.det(turn) < 0:
            turn[1] *= -1
            middle[1, 1] *= -1
    return rotation(_half(left)) @ middle @ rotation(_half(right))


def _half(turn: np.ndarray) -> Fraction:
    """A rational number near the tangent of half the angle of a rotation."""
    return Fraction(tan(atan2(turn[1, 0], turn[0, 0]) / 2)).limit_denominator(FINE)


def rotation(t: Fraction) -> Matrix:
    """By the angle of which half has the tangent t."""
    c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    return np.array([[c, -s], [s, c]], dtype=object)


def unknowns(instance: Instance, places: Places) -> np.ndarray:
    """The vectors and values at which the worst case is; energies that fit the values."""
    z = np.zeros(instance.unknowns)
    for name in instance.names:
        if (name,) in places:
            z[instance.place(name)] = places[name,]
    for _, S, value, energy in instance.visits:
        if energy in instance.energies:
            z[instance.place(energy)] = (S.astype(float) @ z) * z[instance.place(value)] / 2
    return z
