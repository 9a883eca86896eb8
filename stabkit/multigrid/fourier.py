"""Local Fourier analysis with proven bounds: smoothing factors and two-grid factors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product

from flint import acb, acb_mat

from stabkit.aliases import Rational
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.multigrid.smoother import SOR, Jacobi, Richardson, Smoother, Then, red_black
from stabkit.multigrid.smoother_symbol import (
    Operator,
    colours,
    diagonal,
    on_harmonics,
    symbol,
)
from stabkit.multigrid.stencil import Stencil
from stabkit.multigrid.supremum import Signs, supremum
from stabkit.multigrid.symbol import Frequencies, Symbol, mirror
from stabkit.multigrid.transfer import Transfer

HALF = Fraction(1, 2)
TOLERANCE = Fraction(1, 100)

def smoothing_factor(smoother: Smoother, weights: Stencil, *, sweeps: int = 1,
                     tolerance: Rational = TOLERANCE) -> Interval:
    """Enclose μ = sup ρ(Q S^ν)^{1/ν}, where Q removes the low frequencies.

    Parameters
    ----------
    smoother : Smoother
    weights : Stencil
        The operator.
    sweeps : int
        ν.
    tolerance : rational
        Width of the enclosure of μ^ν.

    Raises
    ------
    Undecided
        If the boxes run out before the width is reached.
    """
    _check_operator(weights)

    S = symbol(smoother, weights)
    high = diagonal([acb(0)] + [acb(1)] * (2**weights.dimension - 1))

    def operator(modes: Frequencies) -> acb_mat:
        return _power(S(modes), sweeps) * high

    signs = signs_of((weights,), (smoother,))
    enclosure = supremum(operator, signs, fraction(tolerance), near_zero=False)
    return _root(enclosure, sweeps)


@dataclass(frozen=True)
class TwoGrid:
    """A two-grid method on an infinite grid.

    Attributes
    ----------
    weights : Stencil
        The fine operator.
    smoother : Smoother
    transfer : Transfer
    pre, post : int
    coarse : Stencil or None
        The coarse operator; None is the Galerkin operator.
    post_smoother : Smoother or None
        None takes the adjoint of `smoother`.
    """

    weights: Stencil
    smoother: Smoother
    transfer: Transfer
    pre: int = 1
    post: int = 1
    coarse: Stencil | None = None
    post_smoother: Smoother | None = None

    def operator(self) -> Operator:
        """The error operator on the harmonics, up to a diagonal similarity."""
        before = symbol(self.smoother, self.weights)
        after = symbol(self.post_smoother or self.smoother.adjoint, self.weights)
        correction = self._correction()
        return lambda modes: (_power(after(modes), self.post) * correction(modes)
                              * _power(before(modes), self.pre))

    def _correction(self) -> Operator:
        # K = I − p rᵀL / L_c.  Harmonics whose restriction does not vanish at frequency 0 are
        # scaled by t, for there p does; so everything stays finite as t goes to 0.
        scale = HALF**self.weights.dimension
        L, r, p = (on_harmonics(part) for part in (
            self.weights, self.transfer.restriction_weights,
            scale * mirror(self.transfer.prolongation)))
        identity = diagonal([acb(1)] * len(L))
        coarse = self.coarse and Symbol(_widen(self.coarse))

        def operator(modes: Frequencies) -> acb_mat:
            pairs = [_finite(modes, *parts) for parts in zip(L, r, p, strict=True)]
            up, down = acb_mat([[a] for a, _ in pairs]), acb_mat([[b for _, b in pairs]])
            L_c = modes.quotient(coarse) if coarse else (down * up)[0, 0]
            return identity - up * (down * (1 / L_c))

        return operator

    def factor(self, tolerance: Rational = TOLERANCE) -> Interval:
        """Enclose sup ρ of the error operator over the low frequencies."""
        _check_operator(self.weights)
        if not Symbol(self.weights).vanishes:
            raise InvalidArgument("weights: two-grid analysis needs a symmetric operator whose "
                                  "weights sum to 0")
        stencils = (self.weights, self.transfer.prolongation,
                    self.transfer.restriction_weights, self.coarse or self.weights)
        signs = signs_of(stencils, (self.smoother, self.post_smoother or self.smoother))
        return supremum(self.operator(), signs, fraction(tolerance), near_zero=True)


def _finite(modes: Frequencies, L: Symbol, r: Symbol, p: Symbol) -> tuple[acb, acb]:
    # (p, rL/t) of one harmonic, or (p/t, rL).
    if L.vanishes:
        return modes.value(p), modes.value(r) * modes.quotient(L)
    if r.vanishes:
        return modes.value(p), modes.quotient(r) * modes.value(L)
    return modes.quotient(p), modes.value(r) * modes.value(L)


def _widen(weights: Stencil) -> Stencil:
    # A coarse stencil reaches twice as far on the fine grid.
    return Stencil(tuple((tuple(2 * k for k in offset), weight)
                         for offset, weight in weights.taps))


def rediscretised_stencil(weights: Stencil, transfer: Transfer, order: int = 2) -> Stencil:
    """The same stencil on the coarse grid, scaled to fit the restriction."""
    return (transfer.restriction_weights.total / 2**order) * weights


def _check_operator(weights: Stencil) -> None:
    if weights.centre == 0:
        raise InvalidArgument("weights: must be a stencil with a nonzero centre")


def _power(S: acb_mat, exponent: int) -> acb_mat:
    n = S.nrows()
    out = diagonal([acb(1)] * n)
    for _ in range(exponent):
        out = out * S
    return out


def _root(value: Interval, degree: int) -> Interval:
    if degree == 1:
        return value
    return Interval(value.lo.root(degree).lower(), value.hi.root(degree).upper())


def signs_of(stencils: Iterable[Stencil], smoothers: Iterable[Smoother]) -> Signs:
    """The signs of θ that need a look: up to conjugation, and reflections of an axis."""
    stencils = list(stencils)
    directed = any(map(_is_directed, smoothers))
    axes: list[tuple[int, ...]] = [(1,)]
    for axis in range(1, stencils[0].dimension):
        symmetric = all(set(part.taps) == set(_reflection(part, axis).taps) for part in stencils)
        axes.append((1,) if symmetric and not directed else (1, -1))
    return list(product(*axes))


def axes_are_interchangeable(stencils: Iterable[Stencil], smoother: Smoother) -> bool:
    """Whether nothing changes if the axes are permuted."""
    fair = isinstance(smoother, (Jacobi, Richardson)) or \
        (isinstance(smoother, SOR) and smoother.order is red_black)
    return fair and all(dict(part.taps) == {tuple(offset[k] for k in order): weight
                                            for offset, weight in part.taps}
                        for part in stencils for order in permutations(range(part.dimension)))


def _reflection(weights: Stencil, axis: int) -> Stencil:
    return Stencil(tuple((tuple(-k if place == axis else k for place, k in enumerate(offset)),
                          weight) for offset, weight in weights.taps))


def _is_directed(smoother: Smoother) -> bool:
    if isinstance(smoother, Then):
        return _is_directed(smoother.first) or _is_directed(smoother.second)
    return isinstance(smoother, SOR) and not colours(smoother, 2)
