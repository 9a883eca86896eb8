"""Linear multistep methods, and how far their root condition holds on the axes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq_poly

from stabkit.arithmetic.enclosure import Interval, from_ball, precision
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.roots import complex_roots
from stabkit.errors import InvalidArgument
from stabkit.methods.intervals import first_failure, over

Gaussian = tuple[Fraction, Fraction]  # real and imaginary part
ZERO = (Fraction(0), Fraction(0))


@dataclass(frozen=True, eq=False)
class Multistep:
    """A linear multistep method Σ α_j u_{n+j} = τ Σ β_j f(u_{n+j}), j = 0, …, k.

    Parameters
    ----------
    name : str
    alpha, beta : sequence of rational, length k + 1
        From the oldest value to the newest.
    """

    name: str
    alpha: Any
    beta: Any

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            object.__setattr__(self, name, fractions(list(getattr(self, name)), name))
        if self.alpha.shape != self.beta.shape or self.alpha.size < 2 or self.alpha[-1] == 0:
            raise InvalidArgument("alpha, beta: must have one length >= 2 and alpha not 0 at its "
                                  f"end, got {self.alpha.size} and {self.beta.size}")

    def __repr__(self) -> str:
        return self.name

    def is_stable_at(self, z: Fraction, *, imaginary: bool = False) -> bool:
        """Whether all ζ with Σ (α_j − zβ_j) ζʲ = 0 have |ζ| <= 1, and are simple where = 1.

        Decided in fractions (Miller 1971); `imaginary` takes iz for z.
        """
        p = [(a, -z * b) if imaginary else (a - z * b, Fraction(0))
             for a, b in zip(self.alpha, self.beta, strict=True)]
        return p[-1] != ZERO and _obeys_root_condition(p)

    def amplification(self, z: Any) -> np.ndarray:
        """The largest |ζ| in floats, entry by entry."""
        z = np.asarray(z, dtype=complex)[..., None]
        p = self.alpha.astype(float) - z * self.beta.astype(float)
        k = self.alpha.size - 1
        companion = np.zeros((*p.shape[:-1], k, k), dtype=complex)
        companion[..., 1:, :-1] = np.eye(k - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            last = -p[..., :-1] / p[..., -1:]
        singular = ~np.isfinite(last).all(axis=-1)
        companion[..., :, -1] = np.where(singular[..., None], 0, last)
        size: np.ndarray = np.abs(np.linalg.eigvals(companion)).max(axis=-1)
        return np.where(singular, np.inf, size)

    @cached_property
    def order(self) -> int:
        """The order of consistency: Σ α_j jᵖ = p Σ β_j jᵖ⁻¹ up to it."""
        order = -1
        while order < 2 * self.alpha.size:
            p = order + 1
            left = sum(a * Fraction(j) ** p for j, a in enumerate(self.alpha))
            right = p * sum(b * Fraction(j) ** (p - 1) for j, b in enumerate(self.beta)) if p else 0
            if left != right:
                break
            order = p
        return order

    @cached_property
    def real_interval(self) -> Interval:
        """The largest r with the root condition for all real z in (−r, 0), enclosed."""
        return first_failure(self._crossings(imaginary=False), lambda r: self.is_stable_at(-r))

    @cached_property
    def imaginary_interval(self) -> Interval:
        """The largest r with the root condition for all iy, 0 < |y| < r, enclosed."""
        return first_failure(self._crossings(imaginary=True),
                             lambda r: self.is_stable_at(r, imaginary=True))

    def _crossings(self, *, imaginary: bool) -> list[Interval]:
        """The |z| on the axis where a root passes the unit circle, in order and apart.

        At ζ = exp(iθ) with c = cos θ, z = ρ(ζ) conj(σ(ζ))/|σ(ζ)|²; its real and imaginary part
        are Σ α_j β_k cos((j − k)θ) and sin θ times a polynomial in c.
        """
        a, b = self.alpha, self.beta
        even, odd, square = (fmpq_poly([0]) for _ in range(3))
        for j in range(a.size):
            for k in range(a.size):
                even += to_fmpq(a[j] * b[k]) * chebyshev(abs(j - k))
                odd += to_fmpq(a[j] * b[k] * ((j > k) - (j < k))) * _sine(abs(j - k))
                square += to_fmpq(b[j] * b[k]) * chebyshev(abs(j - k))
        vanishing = even if imaginary else odd
        found = []
        with precision(256):
            points = [Interval(1), Interval(-1)]
            if vanishing.degree() < 0:  # the whole circle maps to the axis; take where z turns back
                vanishing = _turning_points(even, odd, square, imaginary)
            if vanishing.degree() > 0:
                points += [from_ball(root.real)
                           for root, _ in complex_roots(vanishing)
                           if root.imag.is_zero() and -1 < root.real < 1]
            for c in points:
                below = over(square, c)
                if not below.lo > 0:
                    continue
                size = abs(over(even, c)) if not imaginary else \
                    abs(over(odd, c)) * (1 - c**2).max(0).sqrt()
                sign = over(even, c) if not imaginary else Interval(-1)
                if sign.hi < 0 and size.lo > 0:
                    found.append(size / below)
            if self.beta[-1] and not imaginary and self.alpha[-1] / self.beta[-1] < 0:
                found.append(Interval(-self.alpha[-1] / self.beta[-1]))
        return _apart(sorted(found, key=lambda r: r.lower))


def _turning_points(even: fmpq_poly, odd: fmpq_poly, square: fmpq_poly, imaginary: bool
                    ) -> fmpq_poly:
    """A polynomial in c that vanishes where |z| is extreme along the circle."""
    above = odd**2 * fmpq_poly([1, 0, -1]) if imaginary else even**2
    below = square**2
    return above.derivative() * below - above * below.derivative()


def _apart(found: list[Interval]) -> list[Interval]:
    kept: list[Interval] = []
    for each in found:
        if kept and kept[-1].overlaps(each):
            kept[-1] = kept[-1].hull(each)
        else:
            kept.append(each)
    return kept


def chebyshev(n: int) -> fmpq_poly:
    """cos nθ as a polynomial in cos θ (Chebyshev)."""
    return _recursion(fmpq_poly([1]), fmpq_poly([0, 1]), n)


def _sine(n: int) -> fmpq_poly:
    """sin nθ / sin θ as a polynomial in cos θ."""
    return _recursion(fmpq_poly([0]), fmpq_poly([1]), n)


def _recursion(before: fmpq_poly, now: fmpq_poly, n: int) -> fmpq_poly:
    """Polynomial number n, from 0 on, by pₖ₊₁ = 2x pₖ − pₖ₋₁."""
    for _ in range(n):
        before, now = now, fmpq_poly([0, 2]) * now - before
    return before


def _obeys_root_condition(p: list[Gaussian]) -> bool:
    """Whether p is a simple von Neumann polynomial, coefficients from the lowest on."""
    while len(p) > 1:
        reduced, sizes = _reduce(p), _square(p[-1]) - _square(p[0])
        if sizes > 0:
            p = reduced
        elif all(each == ZERO for each in reduced):
            return _is_schur([_times((Fraction(k), Fraction(0)), x) for k, x in enumerate(p)][1:])
        else:
            return False
    return True


def _is_schur(p: list[Gaussian]) -> bool:
    """Whether all roots lie inside the unit circle."""
    while len(p) > 1:
        if not _square(p[-1]) > _square(p[0]):
            return False
        p = _reduce(p)
    return p[0] != ZERO


def _reduce(p: list[Gaussian]) -> list[Gaussian]:
    """The polynomial of one degree less by which Schur and Cohn decide where the roots lie."""
    turned = [(re, -im) for re, im in reversed(p)]  # its first is the conjugate of the last
    return [_minus(_times(turned[0], x), _times(p[0], y))
            for x, y in zip(p, turned, strict=True)][1:]


def _times(x: Gaussian, y: Gaussian) -> Gaussian:
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def _minus(x: Gaussian, y: Gaussian) -> Gaussian:
    return x[0] - y[0], x[1] - y[1]


def _square(x: Gaussian) -> Fraction:
    return x[0] ** 2 + x[1] ** 2
