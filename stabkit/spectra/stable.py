"""Whether a step is stable at a signal: no mode of its Jacobian grows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import scipy

from stabkit.aliases import Rational, Signal
from stabkit.arithmetic.enclosure import Interval, has_intervals
from stabkit.arithmetic.float_intervals import FloatIntervals
from stabkit.arithmetic.rational import fraction, is_psd
from stabkit.errors import UNFIT, HypothesisNotMet, InvalidArgument, Undecided
from stabkit.fluxes.flux import Flux
from stabkit.operators.eigenvalues import decide_below
from stabkit.schemes import Explicit, Scheme, as_signal
from stabkit.spectra.eigenvalues import spectrum
from stabkit.spectra.jacobian import exact_jacobian
from stabkit.spectra.symmetric import is_at_most

_EXACT = 64  # samples up to which any step is decided, by its exact Jacobian
_ROUNDINGS = 8  # of an entry of KᵀDK with one term, counted in units of 2⁻⁵³
_PIECES = 256  # of the range of K u, whose slopes may decide for all samples
_BLOCK = 2**12  # slopes that are enclosed together, so that all intermediate results stay in cache


def step_is_stable(slopes: np.ndarray, tau: Rational, h: Rational = 1) -> bool:
    """Whether no mode of I − τKᵀDK grows: its eigenvalues lie in [−1, 1], −1 left out.

    K is the reflecting first difference with N − 1 rows and D = diag(slopes), the Jacobian of an
    explicit step where the flux has these slopes, of any sign.  The answer is proved, for signals
    of any length.  K maps onto all of ℝᴺ⁻¹, so with a negative slope d there is a v with
    vᵀKᵀDKv = d and a mode grows.  Else the eigenvalues of KᵀDK are >= 0, and one elimination in
    floats with its rounding errors counted decides whether they are below 2/τ.

    Parameters
    ----------
    slopes : ndarray of float, shape (N − 1,)
        Taken exactly.
    tau, h : rational > 0

    Raises
    ------
    InvalidArgument
        If a slope is NaN or infinite, or tau or h is not a number > 0.
    Undecided
        If the largest eigenvalue is too close to 2/τ, some 10⁻¹⁵ of it.
    """
    try:
        slopes = np.asarray(slopes, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidArgument("slopes: must be a signal of finite numbers") from error
    if slopes.ndim != 1 or not slopes.size:
        raise InvalidArgument("slopes: must be a signal of finite numbers")
    low, size = float(slopes.min()), float(slopes.max())
    if not -np.inf < low <= size < np.inf:  # NaN is neither
        raise InvalidArgument("slopes: must be a signal of finite numbers")
    tau, h = fraction(tau, "tau"), fraction(h, "h")
    if tau <= 0 or h <= 0:
        raise InvalidArgument(f"tau, h: must be > 0, got {tau} and {h}")
    if low < 0:
        return False
    if size == 0:
        return True
    limit, near = 2 * h**2 / tau, Fraction(size)
    if 4 * near < limit:  # ‖K‖² <= 4
        return True
    if not 2.0**-200 < size < 2.0**200:  # then D is brought near 1, which may round
        slopes, limit, near = slopes / size, limit / near, Fraction(1)
    diagonal = np.empty(slopes.size + 1)
    diagonal[0], diagonal[-1] = slopes[0], slopes[-1]
    np.add(slopes[1:], slopes[:-1], out=diagonal[1:-1])
    # A row of KᵀDK has three entries up to 2, each rounded three times at most: 2⁻⁴⁹ is more than
    # that.  The sign of its entries beside the diagonal does not matter to the eigenvalues.
    below = decide_below(diagonal, slopes, limit, near / 2**49)
    if below is None:
        raise Undecided("the largest eigenvalue is too close to 2/tau")
    return below


def stable_at(scheme: Scheme, u: Signal) -> bool:
    """Whether no mode of a step grows at a signal: the spectral radius of its Jacobian is <= 1.

    The answer is proved for the signal as it is given, with enclosures of the slopes of the flux.

    Parameters
    ----------
    scheme : Scheme
        An explicit step of any operator; where Gershgorin's discs do not decide, of any length
        that can be factored, as on grids of up to 640 x 640 sites.  Any other up to 64 samples.
    u : array_like, shape (N,)
        Floats or rationals.

    Raises
    ------
    Undecided
        If the radius is too close to 1 to be decided.
    """
    if type(scheme) is Explicit and scheme.certifiable and scheme.K.is_known:
        return _explicit(scheme, as_signal(np.asarray(u), scheme.size))
    if scheme.size > _EXACT:
        raise HypothesisNotMet(f"scheme: a {type(scheme).__name__} step is decided up to {_EXACT} "
                               f"samples, got {scheme.size}; extreme_eigenvalues and spectrum take "
                               "its Jacobian in floats")
    J = exact_jacobian(scheme, u)
    if not has_intervals(J.flat) and (J == J.T).all():
        one = np.eye(len(J), dtype=int)
        return is_psd(one - J) and is_psd(one + J)
    return spectrum(J).radius <= 1


def _explicit(scheme: Explicit, u: np.ndarray) -> bool:
    s = _differences(scheme, u)
    if isinstance(s, FloatIntervals) and s.lo.size > _PIECES:
        found = _decide(scheme, *_rough_slopes(scheme.flux, s))
        if found is not None:
            return found
    found = _decide(scheme, *_slopes(scheme.flux, s))
    if found is None:
        raise Undecided("the eigenvalues are too close to the ends of [0, 2/tau]")
    return found


def _decide(scheme: Explicit, low: np.ndarray, high: np.ndarray) -> bool | None:
    # KᵀDK grows with D, so its eigenvalues lie between those for the ends of the slopes.
    tau: Rational = scheme.tau
    limit = 2 / Fraction(tau)
    if (low >= 0).all() and _gershgorin(scheme, high) <= limit:
        return True
    above, error = _gram(scheme, high)
    if (high < 0).any() and is_at_most(-above, error) is False:
        return False
    if (low >= 0).all() and is_at_most(above, limit - error):
        return True
    below, error = _gram(scheme, low)
    return False if is_at_most(below, limit + error) is False else None


def _gram(scheme: Explicit, slopes: np.ndarray) -> tuple[Any, Fraction]:
    """Kᵀ diag(d) K in floats, and a bound of what rounding may have changed, in norm."""
    K = scheme.K.sparse()
    product = (K.T @ scipy.sparse.diags_array(slopes) @ K).tocsr()
    product = (product + product.T.tocsr()) * 0.5  # symmetric to the last digit
    terms = int(np.bincount(K.indices).max(initial=0))
    return product, _gershgorin(scheme, slopes) * (terms + _ROUNDINGS) * Fraction(1, 2**52)


def _gershgorin(scheme: Explicit, slopes: np.ndarray) -> Fraction:
    """A bound of ‖KᵀDK‖ by the sums of the rows of |K|ᵀ|D||K|."""
    sizes = abs(scheme.K.sparse())
    rows = sizes.T @ (np.abs(slopes) * (sizes @ np.ones(sizes.shape[1])))
    terms = int(np.bincount(sizes.indices).max(initial=0) + np.diff(sizes.indptr).max(initial=0))
    return Fraction(float(rows.max(initial=0))) * (1 + (terms + _ROUNDINGS) * Fraction(1, 2**52))


def _differences(scheme: Explicit, u: np.ndarray) -> FloatIntervals | np.ndarray:
    """K u in floats, with a bound of its errors, or exactly."""
    if u.dtype == object:
        return scheme.K @ u
    K, u = scheme.K.sparse(), u.astype(float)
    middle, terms = K @ u, int(np.diff(K.indptr).max(initial=0))
    # Twice what products, sums and the entries of K in floats are off: enough for rounding here.
    away = (terms + 4) * (2.0**-52 * (abs(K) @ np.abs(u)) + 2.0**-1070)
    return FloatIntervals(middle - away, middle + away)


def _slopes(flux: Flux, s: FloatIntervals | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Floats below and above the slopes of the flux at enclosures, or at exact numbers."""
    if isinstance(s, np.ndarray):
        return _one_by_one(flux, s)
    try:
        with np.errstate(all="ignore"):
            blocks = [_all_at_once(flux, FloatIntervals(s.lo[start:start + _BLOCK],
                                                        s.hi[start:start + _BLOCK]))
                      for start in range(0, s.lo.size, _BLOCK)]
        low, high = zip(*blocks, strict=True)
        return np.concatenate(low), np.concatenate(high)
    except (Undecided, *UNFIT):  # a function without float intervals
        return _one_by_one(flux, np.array(
            [Interval(a, b) for a, b in zip(s.lo.tolist(), s.hi.tolist(), strict=True)],
            dtype=object))


def _rough_slopes(flux: Flux, s: FloatIntervals) -> tuple[np.ndarray, np.ndarray]:
    """The same by pieces of the range of s, and one by one where the sign is not known then."""
    ends = np.linspace(s.lo.min(), s.hi.max(), _PIECES + 1)
    if not 2.0**-900 < ends[-1] - ends[0] < np.inf:
        return _slopes(flux, s)
    low, high = _slopes(flux, FloatIntervals(ends[:-1], ends[1:]))
    piece = ((s.lo - ends[0]) * (_PIECES / (ends[-1] - ends[0]))).astype(np.intp)
    piece = np.minimum(piece, _PIECES - 1)
    few = (s.lo < ends[piece]) | (s.hi > ends[piece + 1]) | ((low < 0) & (high >= 0))[piece]
    low, high = low[piece], high[piece]
    if few.any():
        low[few], high[few] = _slopes(flux, FloatIntervals(s.lo[few], s.hi[few]))
    return low, high


def _all_at_once(flux: Flux, s: FloatIntervals) -> tuple[np.ndarray, np.ndarray]:
    size = abs(s) if flux.facts.odd else s
    low, high = np.full(s.lo.shape, np.inf), np.full(s.lo.shape, -np.inf)
    before: Fraction | None = None
    for piece in flux.pieces:
        # An interval across a breakpoint meets both pieces; the point itself is of the first.
        met = np.ones(s.lo.shape, dtype=bool)
        if before is not None:
            met &= size.hi >= np.nextafter(float(before), -np.inf)
        if piece.upto is not None:
            met &= size.lo <= np.nextafter(float(piece.upto), np.inf)
        before = piece.upto
        slope = _spread(flux.expression(piece, "slope"), s, met)
        low, high = np.where(met, np.minimum(low, slope.lo), low), np.where(
            met, np.maximum(high, slope.hi), high)
    return low, high


def _spread(expression: Any, s: FloatIntervals, met: np.ndarray) -> FloatIntervals:
    """The values where a piece is met; anything elsewhere."""
    inside = FloatIntervals(s.lo[met], s.hi[met])
    found = inside * 0 + expression.at(inside)
    low, high = np.zeros(met.shape), np.zeros(met.shape)
    low[met], high[met] = found.lo, found.hi
    return FloatIntervals(low, high)


def _one_by_one(flux: Flux, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = [(entry.lower, entry.upper) if isinstance(entry, Interval) else (entry, entry)
            for entry in flux.slope(s)]
    return (np.array([np.nextafter(float(end), -np.inf) for end, _ in ends]),
            np.array([np.nextafter(float(end), np.inf) for _, end in ends]))
