"""A statement is made false in floating point, while the visited points stay on a flux."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import scipy.optimize

from stabkit.prover.instance import Instance
from stabkit.prover.piecewise_linear import Ends

CLEAR = 1e-7  # how far below 0 a goal counts, and how far outside of its class a flux
KNOTS = 48  # of a random flux, on each side of 0
WIDTH = 16.0  # where it ends
LINEAR = (1.0, 0.0, 0.5)  # slopes between the ends of a class


class Descent:
    """Unknowns of length 1 at which the goal is small and all inequalities hold.

    Each inequality is a sum of products of two linear functions, and of a linear one.

    Parameters
    ----------
    instance : Instance
    margin : float
        How far inside its class a flux is kept, to be rounded.
    """

    def __init__(self, instance: Instance, margin: float = 0.0):
        self.instance = instance
        n = instance.unknowns
        G = instance.G.astype(float)
        self.G, self.e = (G + G.T) / 2, instance.e.astype(float)
        unit = np.eye(n)
        self.visits = [(S.astype(float), unit[instance.place(value)],
                        unit[instance.place(energy)] if energy in instance.energies else None, flux)
                       for flux, S, value, energy in instance.visits]
        self.measured = np.concatenate([np.arange(n)[instance.place(name)] for name in
                                        instance.names if name not in instance.energies])
        none = np.zeros((0, n))
        #: (number of the inequality, factor, left, right), and the linear parts
        self.products: list[tuple[int, float, np.ndarray, np.ndarray]] = []
        self.lines: list[np.ndarray] = []
        for flux in instance.known:
            self._keep(flux, margin)
        self.numbers = np.array([number for number, *_ in self.products], dtype=int)
        self.factors = np.array([factor for _, factor, *_ in self.products])
        self.left = np.array([left for *_, left, _ in self.products]) if self.products else none
        self.right = np.array([right for *_, right in self.products]) if self.products else none
        self.linear = np.array(self.lines) if self.lines else none

    def start(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Random vectors, and values of a flux of the class, one visit after the other.

        The fluxes of the first numbers are linear, the others random.
        """
        z = (0.25, 1.0)[number % 2] * rng.standard_normal(self.instance.unknowns)
        fluxes = {name: _random_flux(known, name in self.instance.odd, rng, number)
                  for name, known in self.instance.known.items()}
        for S, value, energy, flux in self.visits:
            z[value.astype(bool).any(axis=0)] = values = np.interp(S @ z, *fluxes[flux])
            if energy is not None:
                z[energy.astype(bool).any(axis=0)] = values * (S @ z) / 2
        return z

    def descend(self, start: np.ndarray) -> np.ndarray | None:
        """Unknowns at which the goal is clearly negative, from others that are scaled."""
        start = start / max(float(np.linalg.norm(start[self.measured])), 1e-12)

        def length(z: np.ndarray) -> np.ndarray:
            gradient = np.zeros_like(z)
            gradient[self.measured] = 2 * z[self.measured]
            return gradient

        found = scipy.optimize.minimize(
            self._goal, start, jac=lambda z: 2 * self.G @ z + self.e, method="SLSQP",
            options={"maxiter": 100, "ftol": 1e-12}, constraints=[
                {"type": "ineq", "fun": self._inside, "jac": self._slope},
                {"type": "eq", "fun": lambda z: z[self.measured] @ z[self.measured] - 1,
                 "jac": length}])
        return found.x if self._is_clear(found.x) else start if self._is_clear(start) else None

    def _is_clear(self, z: np.ndarray) -> bool:
        return bool(np.isfinite(z).all() and self._goal(z) < -CLEAR
                    and self._inside(z).min(initial=0) > -CLEAR)

    def _goal(self, z: np.ndarray) -> float:
        return float(z @ self.G @ z + self.e @ z)

    def _inside(self, z: np.ndarray) -> np.ndarray:
        parts = self.factors * (self.left @ z) * (self.right @ z)
        return np.bincount(self.numbers, parts, len(self.linear)) + self.linear @ z

    def _slope(self, z: np.ndarray) -> np.ndarray:
        parts = self.factors[:, None] * (self.left * (self.right @ z)[:, None]
                                         + self.right * (self.left @ z)[:, None])
        total = self.linear.copy()
        np.add.at(total, self.numbers, parts)
        return total

    def _add(self, *products: tuple[float, np.ndarray, np.ndarray],
             line: np.ndarray | None = None) -> None:
        number = len(self.lines)
        self.products += [(number, *product) for product in products]
        self.lines.append(np.zeros(self.instance.unknowns) if line is None else line)

    def _keep(self, flux: str, margin: float) -> None:
        """Inequalities that say that the points lie on a flux of the class, by some room."""
        points = [(row, f, None if energy is None else p)
                  for S, value, energy, of in self.visits if of == flux
                  for row, f, p in zip(S, value, value if energy is None else energy, strict=True)]
        known = self.instance.known[flux]
        if flux in self.instance.odd:
            points += [(-s, -f, p) for s, f, p in points]
        if "sector" in known:
            for s, f, _ in points:
                self._between(s, f, known["sector"], margin)
        if "slopes" in known:
            zero = np.zeros(self.instance.unknowns)
            ends = known["slopes"]
            for (s, f, p), (t, g, q) in combinations(points, 2):
                self._between(s - t, f - g, ends, margin)
                if p is not None and q is not None:
                    self._primitive((s, f, p), (t, g, q), ends)
                    self._primitive((t, g, q), (s, f, p), ends)
            for s, f, p in points if "sector" in known else ():
                if p is not None:
                    self._primitive((s, f, p), (zero, zero, zero), ends)
                    self._primitive((zero, zero, zero), (s, f, p), ends)

    def _between(self, s: np.ndarray, f: np.ndarray, ends: tuple, margin: float) -> None:
        """(f − a s)(b s − f) >= 0."""
        low, high = (None if end is None else float(end) for end in ends)
        width = margin * (1.0 if low is None or high is None else high - low)
        self._add((1.0, s if low is None else f - (low + width) * s,
                   s if high is None else (high - width) * s - f))

    def _primitive(self, one: tuple, other: tuple, ends: tuple) -> None:
        """What integrals of slopes in [a, b] keep: P − a s²/2 is convex, its slopes <= b − a."""
        (s, f, p), (t, g, q) = one, other
        low, high = (None if end is None else float(end) for end in ends)
        d = t - s
        if low is None:  # b s²/2 − P is convex
            if high is not None:
                self._add((high / 2, d, d), (1.0, f, d), line=p - q)
            return
        parts = [(-1.0, f, d), (-low / 2, d, d)]
        if high is not None and high > low:
            rise = g - f - low * d
            parts.append((-1 / (2 * (high - low)), rise, rise))
        self._add(*parts, line=q - p)


def _random_flux(known: Mapping[str, Ends], odd: bool, rng: np.random.Generator, number: int
                 ) -> tuple[np.ndarray, np.ndarray]:
    """Knots and values of a flux of straight lines whose slopes are ends, or lie between them."""
    low, high = known.get("slopes", known.get("sector", (None, None)))
    b = (0.0 if low is None else float(low)) + 1 if high is None else float(high)
    a = (min(b, 0.0) if low is None else float(low))
    shares = np.full(2 * KNOTS, LINEAR[number]) if number < len(LINEAR) else \
        rng.integers(0, 2, 2 * KNOTS) if number % 3 == 0 else rng.random(2 * KNOTS)
    s = np.linspace(-WIDTH, WIDTH, 2 * KNOTS + 1)
    f = np.concatenate([[0], np.cumsum((a + (b - a) * shares) * WIDTH / KNOTS)])
    f -= f[KNOTS]
    if "sector" in known:
        ends = [sign * np.inf if end is None else float(end) for sign, end in
                zip((-1, 1), known["sector"], strict=True)]
        with np.errstate(invalid="ignore"):
            lines = np.nan_to_num(np.sort([end * s for end in ends], axis=0), nan=0.0)
        f = np.clip(f, *lines)
    return s, (f - f[::-1]) / 2 if odd else f
