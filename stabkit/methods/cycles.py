"""Cycles of inner steps that together take one large step of a diffusion, and their properties.

For u̇ = −λ u and the time T of a whole cycle, u⁺ = R(Tλ) u.  The polynomials are Jacobi's,
normalised to 1 at 1 and read at 1 − wx with w = 1/P′(1), so R′(0) = −1 and |R| <= 1 up to
x = 2/w = 2P′(1): for Chebyshev's (RKC) 2n², Legendre's (RKL) n² + n, Gegenbauer's with parameter
3/2 (RKG) (n² + 3n)/2, and for FSI and FED 2(n² + n)/3.

Of second order are R = 1 − b P(w₀) + b P(w₀ − wx) with w = P′/P″ and b = P″/P′² at w₀: R′(0) = −1
and R″(0) = 1.  With w₀ = 1 they reach 2/w: 2(n² − 1)/3 (Chebyshev), (n² + n − 2)/2 (RKL2; Meyer,
Balsara and Aslam 2014) and (n² + 3n − 4)/3 (RKG2; Skaras et al. 2021).  RKC2 takes
w₀ = 1 + 2/(13n²), which keeps |R| below 1 inside (Sommeijer, Shampine and Verwer 1998).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import cos, gcd, pi

import numpy as np
from flint import fmpq, fmpq_poly

from stabkit.arithmetic.flint_rationals import from_fmpq, to_fmpq
from stabkit.arithmetic.rational import integer
from stabkit.errors import InvalidArgument
from stabkit.methods.runge_kutta import RungeKutta

GEGENBAUER = {"rkc": Fraction(0), "rkl": Fraction(1, 2), "rkg": Fraction(3, 2)}
NAMES = ("fsi", "fed", *GEGENBAUER, *(f"{name}2" for name in GEGENBAUER))
ORDERS = ("natural", "kappa", "leja")
_POINTS = 4001
_LONGEST = 1000
_DAMPING = fmpq(2, 13)  # of RKC2
_SHORT = 10**6


@dataclass(frozen=True, eq=False)
class Cycle:
    """A cycle y_j = μ_j (1 − ω_j x) y_{j−1} + ν_j y_{j−2} + (1 − μ_j − ν_j + γ_j x) y_0, j = 1 … n.

    Of the first order the last term is 0.

    Attributes
    ----------
    name : str
    steps : list of (number, number, number)
        μ_j, ω_j and ν_j; rationals, but for FED, whose step sizes are cosines.
    real_interval : Fraction
        |R(x)| <= 1 for 0 <= x <= this, in exact arithmetic; for FSI and FED, and of second order
        for odd n and RKC2, a little further.
    from_start : list of Fraction
        γ_j; empty for cycles of first order.
    """

    name: str
    steps: list[tuple]
    real_interval: Fraction
    from_start: list[Fraction] = field(default_factory=list)

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
        for (mu, omega, nu), gamma in zip(steps, self._from_start, strict=True):
            factor = fmpq_poly([1, to_fmpq(-omega)])
            start = fmpq_poly([to_fmpq(1 - mu - nu), to_fmpq(gamma)])
            before, now = now, to_fmpq(mu) * factor * now + to_fmpq(nu) * before + start
        return now

    @cached_property
    def runge_kutta(self) -> RungeKutta:
        """The cycle as an explicit Runge–Kutta method with n stages, exactly."""
        if self.name.startswith("fed"):
            raise InvalidArgument(f"cycle: the step sizes of {self.name} are cosines, no "
                                  "fractions; take fsi, which has the same polynomial")
        n = self.length
        unit = np.array([[Fraction(int(i == j)) for j in range(n)] for i in range(n)])
        rows = [0 * unit[0]] * 2
        for j, ((mu, omega, nu), gamma) in enumerate(
                zip(self.steps, self._from_start, strict=True)):
            rows.append(mu * rows[-1] + nu * rows[-2] + mu * omega * unit[j] - gamma * unit[0])
        return RungeKutta(f"{self.name}, {n} stages", rows[1:-1], rows[-1])

    def factors(self, x: np.ndarray) -> np.ndarray:
        """R(x) as the cycle computes it, in the precision of x."""
        x = np.asarray(x)
        before = now = np.ones_like(x)
        for step, gamma in zip(self.steps, self._from_start, strict=True):
            mu, omega, nu = (x.dtype.type(float(value)) for value in step)
            before, now = now, mu * (now - omega * x * now) + nu * before
            if self.from_start:
                rest = 1 - float(step[0]) - float(step[2])
                now = now + (x.dtype.type(rest) + x.dtype.type(float(gamma)) * x)
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
        """The largest |R| from its first minimum on, the factor left of fast modes, in floats."""
        values = self.factors(self._grid)
        rising = np.flatnonzero(np.diff(values) >= 0)
        first = rising[0] if rising.size else -1
        return float(np.abs(values[first:]).max())

    @cached_property
    def rounding_noise(self) -> float:
        """The largest error of R over the interval when all is computed in float32."""
        x = self._grid.astype(np.float32)
        return float(np.abs(self.factors(x) - self.factors(x.astype(float))).max())

    @property
    def _from_start(self) -> list[Fraction]:
        return self.from_start or [Fraction(0)] * self.length

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
    name : {"fsi", "fed", "rkc", "rkl", "rkg", "rkc2", "rkl2", "rkg2"}
        Fast semi-iterative and fast explicit diffusion (Hafner et al. 2016, Weickert et al. 2016),
        and the methods of Runge–Kutta–Chebyshev, –Legendre and –Gegenbauer type of first order
        and, with a 2, of second order.
    length : int
        The number n of inner steps, up to 1000; at least 2 for second order.
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
    if name not in NAMES:
        raise InvalidArgument(f"name: must be one of {', '.join(NAMES)}, got {name!r}")
    if name not in GEGENBAUER:
        return _of_second_order(name, n)
    a = GEGENBAUER[name]
    slope = Fraction(n) * (n + 2 * a) / (2 * a + 1)
    steps = [(Fraction(1), 1 / slope, Fraction(0))]
    for j in range(2, n + 1):
        mu, nu = _recursion(a, j)
        steps.append((mu, 1 / slope, nu))
    return Cycle(name, steps, 2 * slope)


def _recursion(a: Fraction, j: int) -> tuple[Fraction, Fraction]:
    """μ, ν of P_j = μ x P_{j−1} + ν P_{j−2}, Gegenbauer's polynomials with P_j(1) = 1."""
    return 2 * (j + a - 1) / (j + 2 * a - 1), -(j - 1) / (j + 2 * a - 1)


def _of_second_order(name: str, n: int) -> Cycle:
    """Stages y_j = a_j + b_j P_j(w₀ − wx) with a_j = 1 − b_j P_j(w₀) and b_0 = b_1 = b_2."""
    if n < 2:
        raise InvalidArgument(f"length: a cycle of second order has at least 2 steps, got {n}")
    a = GEGENBAUER[name[:-1]]
    w0 = 1 + (_DAMPING / n**2 if name == "rkc2" else fmpq(0))
    # P_j, P_j′ and P_j″ at w₀
    at = [(fmpq(1), fmpq(0), fmpq(0)), (w0, fmpq(1), fmpq(0))]
    for j in range(2, n + 1):
        (p, p1, p2), (q, q1, q2), (mu, nu) = at[-1], at[-2], map(to_fmpq, _recursion(a, j))
        at.append((mu * w0 * p + nu * q, mu * (w0 * p1 + p) + nu * q1,
                   mu * (w0 * p2 + 2 * p1) + nu * q2))
    b = [second / first**2 for _, first, second in at[2:]]
    b = [b[0], b[0], *b]
    w = at[n][1] / at[n][2]
    omega = from_fmpq(w / w0)
    steps, from_start = [(Fraction(1), from_fmpq(b[1] * w), Fraction(0))], [Fraction(0)]
    for j in range(2, n + 1):
        mu, nu = map(to_fmpq, _recursion(a, j))
        moved = mu * b[j] / b[j - 1]
        steps.append((from_fmpq(moved * w0), omega, from_fmpq(nu * b[j] / b[j - 2])))
        from_start.append(from_fmpq(moved * w * (1 - b[j - 1] * at[j - 1][0])))
    end = 2 * w0 / w
    if name == "rkc2":  # down to a short fraction
        end = fmpq((end * _SHORT).floor(), _SHORT)
    return Cycle(name, steps, from_fmpq(end), from_start)


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
