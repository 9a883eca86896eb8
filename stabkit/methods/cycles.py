"""Cycles of inner steps that together take one large step of a diffusion, and their properties.

For u̇ = −λ u and the time T of a whole cycle, u⁺ = R(Tλ) u.  The polynomials are Jacobi's,
normalised to 1 at 1 and read at 1 − wx with w = 1/P′(1), so R′(0) = −1 and |R| <= 1 up to
x = 2/w = 2P′(1): for Chebyshev's (RKC) 2n², Legendre's (RKL) n² + n, Gegenbauer's with parameter
3/2 (RKG) (n² + 3n)/2, and for FSI and FED 2(n² + n)/3.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import cos, gcd, pi

import numpy as np
from flint import fmpq_poly

from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import integer
from stabkit.errors import InvalidArgument

GEGENBAUER = {"rkc": Fraction(0), "rkl": Fraction(1, 2), "rkg": Fraction(3, 2)}
ORDERS = ("natural", "kappa", "leja")
_POINTS = 4001
_LONGEST = 1000


@dataclass(frozen=True, eq=False)
class Cycle:
    """A cycle y_j = μ_j (1 − ω_j x) y_{j−1} + ν_j y_{j−2}, j = 1, …, n.

    Attributes
    ----------
    name : str
    steps : list of (number, number, number)
        μ_j, ω_j and ν_j; rationals, but for FED, whose step sizes are cosines.
    real_interval : Fraction
        |R(x)| <= 1 for 0 <= x <= this, in exact arithmetic; for FSI and FED a little further.
    """

    name: str
    steps: list[tuple]
    real_interval: Fraction

    @property
    def length(self) -> int:
        """The number of inner steps n."""
        return len(self.steps)

    @property
    def gain(self) -> float:
        """How many times further a cycle gets than n stable explicit steps, which get 2n."""
        return float(self.real_interval) / (2 * self.length)

    @cached_property
    def polynomial(self) -> fmpq_poly:
        """R, exactly; for FED as FSI's, which it equals."""
        steps = cycle("fsi", self.length).steps if self.name.startswith("fed") else self.steps
        before, now = fmpq_poly([1]), fmpq_poly([1])
        for mu, omega, nu in steps:
            factor = fmpq_poly([1, to_fmpq(-omega)])
            before, now = now, to_fmpq(mu) * factor * now + to_fmpq(nu) * before
        return now

    def factors(self, x: np.ndarray) -> np.ndarray:
        """R(x) as the cycle computes it, in the precision of x."""
        x = np.asarray(x)
        before = now = np.ones_like(x)
        for step in self.steps:
            mu, omega, nu = (x.dtype.type(float(value)) for value in step)
            before, now = now, mu * (now - omega * x * now) + nu * before
        return now

    @cached_property
    def internal_amplification(self) -> float:
        """The largest |∂u⁺/∂y_j| over all stages j and x in the real interval, in floats.

        Errors of rounding in the stages are multiplied by it.
        """
        x = self._grid
        later, here, largest = np.zeros_like(x), np.ones_like(x), 1.0
        for number in range(self.length - 1, -1, -1):
            mu, omega, _ = (float(value) for value in self.steps[number])
            carried = float(self.steps[number + 1][2]) if number + 1 < self.length else 0.0
            later, here = here, mu * (1 - omega * x) * here + carried * later
            if number:
                largest = max(largest, float(np.abs(here).max()))
        return largest

    @cached_property
    def damping(self) -> float:
        """The largest |R| beyond its first zero, the factor left of fast modes, in floats."""
        values = self.factors(self._grid)
        negative = np.flatnonzero(values <= 0)
        first = negative[0] if negative.size else 0
        return float(np.abs(values[first:]).max())

    @cached_property
    def rounding_noise(self) -> float:
        """The largest error of R over the interval when all is computed in float32."""
        x = self._grid.astype(np.float32)
        return float(np.abs(self.factors(x) - self.factors(x.astype(float))).max())

    @property
    def _grid(self) -> np.ndarray:
        # Dense at both ends, where the polynomials wiggle.
        return float(self.real_interval) * (1 - np.cos(np.linspace(0, pi, _POINTS))) / 2

    def __str__(self) -> str:
        return (f"{self.name}, {self.length} steps: real interval {self.real_interval} "
                f"({self.gain:.3g} times that of single steps), errors inside grow up to "
                f"{self.internal_amplification:.3g} times, fast modes are left with "
                f"{self.damping:.3g}, float32 noise {self.rounding_noise:.1e}")


def cycle(name: str, length: int, *, order: str = "kappa") -> Cycle:
    """A cycle of one of the known families, by name.

    Parameters
    ----------
    name : {"fsi", "fed", "rkc", "rkl", "rkg"}
        Fast semi-iterative and fast explicit diffusion (Hafner et al. 2016, Weickert et al. 2016),
        and the first-order methods of Runge–Kutta–Chebyshev, –Legendre and –Gegenbauer type.
    length : int
        The number n of inner steps, up to 1000.
    order : {"natural", "kappa", "leja"}
        In which the step sizes of FED are taken: rising, by the best stride prime to n, or by
        greedy products.

    Examples
    --------
    >>> from stabkit import cycle
    >>> print(cycle("fsi", 10).real_interval, cycle("rkl", 10).real_interval)
    220/3 110
    """
    n = integer(length, "length", 1)
    if n > _LONGEST:
        raise InvalidArgument(f"length: cycles are looked at up to {_LONGEST} steps, got {n}")
    if name == "fsi":
        omega = Fraction(3, n * (n + 1))
        steps: list[tuple] = [(Fraction(4 * j + 2, 2 * j + 3), omega,
                               Fraction(1 - 2 * j, 2 * j + 3)) for j in range(n)]
        return Cycle(name, steps, Fraction(2 * n * (n + 1), 3))
    if name == "fed":
        if order not in ORDERS:
            raise InvalidArgument(f"order: must be one of {', '.join(ORDERS)}, got {order!r}")
        sizes = [3 / (n * (n + 1)) / (2 * cos(pi * (2 * i + 1) / (4 * n + 2)) ** 2)
                 for i in range(n)]
        return Cycle(f"fed, {order} order", [(1, sizes[i], 0) for i in _order(sizes, order)],
                     Fraction(2 * n * (n + 1), 3))
    if name not in GEGENBAUER:
        raise InvalidArgument(f"name: must be one of fsi, fed, {', '.join(GEGENBAUER)}, "
                              f"got {name!r}")
    a = GEGENBAUER[name]
    slope = Fraction(n) * (n + 2 * a) / (2 * a + 1)
    steps = [(Fraction(1), 1 / slope, Fraction(0))]
    for j in range(2, n + 1):
        steps.append((2 * (j + a - 1) / (j + 2 * a - 1), 1 / slope, -(j - 1) / (j + 2 * a - 1)))
    return Cycle(name, steps, 2 * slope)


def _order(sizes: list[float], order: str) -> list[int]:
    n = len(sizes)
    if order == "natural":
        return list(range(n))
    if order == "leja":
        roots, chosen = 1 / np.array(sizes), [0]
        logs = np.zeros(n)
        while len(chosen) < n:
            with np.errstate(divide="ignore"):
                logs += np.log(np.abs(roots - roots[chosen[-1]]))
            chosen.append(int(np.argmax(logs)))
        return chosen
    strides = [k for k in range(1, n + 1) if gcd(k, n + 1) == 1]
    by_stride = ([k * j % (n + 1) - 1 for j in range(1, n + 1)] for k in _few(strides))
    return min(by_stride, key=lambda places: _worst([sizes[i] for i in places]))


def _few(strides: list[int]) -> list[int]:
    return strides if len(strides) <= 40 else strides[:: len(strides) // 40]


def _worst(sizes: list[float]) -> float:
    x = np.linspace(0, 1 / min(sizes), 201)
    here, largest = np.ones_like(x), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        for size in reversed(sizes[1:]):
            here = here * (1 - size * x)
            largest = max(largest, float(np.abs(here).max()))
    return largest
