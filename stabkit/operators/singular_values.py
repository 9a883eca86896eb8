"""Upper bounds of singular values of float matrices, with every rounding error counted.

No entry becomes a fraction, so matrices with millions of entries are in reach: for the largest
singular value s of A, a float L with LL* ≈ c I − A*A is a witness of s² <= c + e, where e bounds
the residual and the rounding errors (after Rump 2006); how L was found does not matter.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, isqrt

import numpy as np
import scipy
from flint import arb, fmpq

from stabkit.arithmetic.enclosure import to_fraction
from stabkit.errors import InvalidArgument

WIDEST = 4096  # of the smaller side; wider matrices are cut into parts
_U = Fraction(1, 2**53)
_SUM = 1 + Fraction(1, 2**20)  # for a float sum of up to 2^30 nonnegative numbers
_CHUNK = 1 << 22  # entries of the Gram matrices that are held at once
_ALL_VALUES = 128  # up to this size the guess is an eigenvalue, beyond it a power iteration's
_ITERATIONS = 40
_LEAST = 2.0**-200  # for zero matrices
_SMALLEST, _LARGEST = Fraction(1, 2**1000), Fraction(2**1000)  # squares whose roots are floats
_FEW = 4  # large matrices, up to which a guess by Lanczos pays


def square_bound(blocks: np.ndarray) -> Fraction:
    """A proven upper bound of the squared singular values of float matrices.

    Parameters
    ----------
    blocks : ndarray, shape (count, M, N), float64 or complex128
        Taken exactly as they stand.

    Returns
    -------
    Fraction
        Of relative distance about N²/2^53 for N up to 128 (M >= N), some parts in a hundred
        beyond; where both M and N exceed 4096, the sum over parts.
    """
    blocks = np.asarray(blocks)
    if not np.isfinite(blocks).all():
        raise InvalidArgument("weights: must be finite")
    if blocks.shape[1] < blocks.shape[2]:
        blocks = blocks.conj().swapaxes(1, 2)
    largest = float(max(np.abs(blocks.real).max(initial=0), np.abs(blocks.imag).max(initial=0)))
    if largest == 0:
        return Fraction(0)
    unit = 2.0 ** np.floor(np.log2(largest))
    if not 2.0**-400 < unit < 2.0**400:
        raise InvalidArgument(f"weights: are of size {largest:.3g}, beyond what can be bounded")
    blocks = blocks / unit  # exact, except for entries below 2^-600 of the largest
    parts = [blocks[..., start:start + WIDEST] for start in range(0, blocks.shape[2], WIDEST)]
    return Fraction(unit) ** 2 * sum((_square(part) for part in parts), Fraction(0))


def _square(blocks: np.ndarray) -> Fraction:
    count, _, n = blocks.shape
    size, best, shift = max(1, _CHUNK // n**2), Fraction(0), 0.0
    for start in range(0, count, size):
        bound, shift = _chunk(blocks[start:start + size], shift)
        best = max(best, bound)
    return best


def _chunk(a: np.ndarray, shift: float) -> tuple[Fraction, float]:
    """The bound for some blocks, with the shift c for which the factors exist."""
    m, n = a.shape[1:]
    gram = a.conj().swapaxes(1, 2) @ a
    guess = _guess(gram)
    slack = max(2.0**-44, n * n * 2.0**-52) if n <= _ALL_VALUES else 2.0**-10
    shift = max(shift, guess * (1 + slack), _LEAST)
    shifted = -gram
    while True:
        c = shift
        shifted[:, np.arange(n), np.arange(n)] = c - gram[:, np.arange(n), np.arange(n)]
        try:
            root = np.linalg.cholesky(shifted)
            break
        except np.linalg.LinAlgError:
            slack *= 4
            shift = max(shift, guess * (1 + slack), _LEAST * slack)
    residual = _frobenius(shifted - root @ root.conj().swapaxes(1, 2))
    squares, whole = _frobenius(root) ** 2, _frobenius(a) ** 2
    # A product of complex matrices with k terms is off by at most 2 (2k + 2) u |A||B| per entry,
    # and the norm of |A*||A| is at most ‖A‖²_F; the diagonal of `shifted` is rounded once.
    error = residual * (1 + 4 * _U) + 2 * (2 * n + 8) * _U * squares + \
        2 * (2 * m + 8) * _U * whole + 4 * _U * (Fraction(c) + whole)
    return Fraction(c) + error + Fraction(1, 2**1000), shift


def _frobenius(blocks: np.ndarray) -> Fraction:
    """An upper bound of the largest Frobenius norm."""
    squares = np.sum(blocks.real**2 + blocks.imag**2, axis=(1, 2)) if np.iscomplexobj(blocks) \
        else np.sum(blocks * blocks, axis=(1, 2))
    largest = float(squares.max())
    return _SUM * Fraction(float(np.sqrt(largest))) + Fraction(1, 2**500)


def _guess(gram: np.ndarray) -> float:
    if gram.shape[-1] <= _ALL_VALUES:
        return float(np.linalg.eigvalsh(gram)[:, -1].max())
    if len(gram) <= _FEW:
        try:
            return max(map(_lanczos, gram))
        except scipy.sparse.linalg.ArpackError:  # such as for the zero matrix
            pass
    v = np.random.default_rng(0).standard_normal((len(gram), gram.shape[-1], 1))
    values = np.zeros(len(gram))
    for _ in range(_ITERATIONS):
        v = gram @ v
        values = np.linalg.norm(v, axis=(1, 2))
        v = v / np.maximum(values, 1e-300)[:, None, None]
    return float(values.max())


def _lanczos(matrix: np.ndarray) -> float:
    return float(scipy.sparse.linalg.eigsh(matrix, 1, tol=1e-9, v0=np.ones(len(matrix)),
                                           return_eigenvectors=False)[0])


# -- convolutions ----------------------------------------------------------------------------------
def convolution_square_bound(weights: np.ndarray, sizes: tuple[int, ...], *,
                             periodic: bool = False, points: int = 32) -> Fraction:
    """A proven upper bound of ‖K‖² for a convolution with channels, stride 1 and no dilation.

    On n points with zeros outside, K is a part of the periodic convolution on n + k − 1 points,
    so the largest singular value of the block symbol over those frequencies bounds it.  Long axes
    are sampled at fewer frequencies: for a symbol of k taps, a trigonometric polynomial of degree
    d = (k − 1)/2 up to a phase, its maximum is at most 1/cos(πd/N) times that at N > 2d points
    (Ehlich and Zeller 1964), and so is the largest singular value.

    Parameters
    ----------
    weights : ndarray, shape (c_out, c_in, *taps), float
    sizes : tuple of int
        The signal's, one per axis.
    periodic : bool
        Periodic instead of zeros outside.
    points : int
        How many frequencies per axis are enough.
    """
    weights = np.asarray(weights, dtype=float)
    flat, factor = weights, Fraction(1)
    for axis, n in enumerate(sizes):
        taps = weights.shape[2 + axis]
        exact = n if periodic else n + taps - 1
        count = exact if exact <= points else max(points, 2 * taps + 2)
        if exact > points and taps > 1:
            factor *= _between(taps - taps % 2, count)  # an even k is an odd one with a zero
        flat = np.tensordot(flat, _waves(taps, count), (2, 0))
    # A wave is rounded once per axis, and the sums over taps twice per axis and tap.
    taps, axes = int(np.prod(weights.shape[2:])), len(sizes)
    error = 2 * (2 * sum(weights.shape[2:]) + 8 * axes) * _U * _SUM * Fraction(
        float(np.linalg.norm(np.abs(weights).reshape(*weights.shape[:2], taps).sum(axis=2))))
    blocks = np.moveaxis(flat.reshape(*weights.shape[:2], -1), -1, 0)
    square = square_bound(_half(blocks, flat.shape[2:]))
    root = upper_root(square)
    return factor**2 * (root + error) ** 2


def _waves(taps: int, count: int) -> np.ndarray:
    """exp(2πi f k/count) for taps k and frequencies f, rounded to nearest."""
    circle = np.array([complex(_round(arb.cos_pi_fmpq(fmpq(2 * j, count))),
                               _round(arb.sin_pi_fmpq(fmpq(2 * j, count))))
                       for j in range(count)])
    return circle[np.outer(np.arange(taps), np.arange(count)) % count]


def _round(value: arb) -> float:
    return float(to_fraction(value.mid()))


def _between(degree: int, count: int) -> Fraction:
    """An upper bound of 1/cos(π degree/(2 count))."""
    if degree >= count:
        raise InvalidArgument(f"points: need more than {degree} for these taps, got {count}")
    inverse = 1 / arb.cos_pi_fmpq(fmpq(degree, 2 * count))
    return to_fraction(inverse.upper())


def _half(blocks: np.ndarray, counts: tuple[int, ...]) -> np.ndarray:
    """One of every pair of opposite frequencies, whose blocks are conjugate."""
    numbers = np.arange(len(blocks)).reshape(counts)
    opposite = numbers
    for axis in range(len(counts)):
        opposite = np.roll(np.flip(opposite, axis), 1, axis)
    return blocks[np.unique(np.minimum(numbers, opposite))]


def upper_root(square: Fraction) -> Fraction:
    """A rational just above √square."""
    if square == 0:
        return Fraction(0)
    if not _SMALLEST < square < _LARGEST:  # no float has that size
        away = square.numerator.bit_length() - square.denominator.bit_length()
        unit = Fraction(2) ** (away // 2 - 64)
        return (isqrt(int(square / unit**2)) + 1) * unit
    near = float(square) ** 0.5
    root = Fraction(near)
    while root**2 < square:
        near = float(np.nextafter(near, inf))
        root = Fraction(near)
    return root

