"""Stencils as discretised differential operators, and their transfer between two grids.

A stencil is an array of exact rationals with odd sizes, 1-D or 2-D (rows: y, downward; columns:
x), and acts as a correlation, (s * y)ⱼ = Σₖ sₖ y_{j+k}, with k = 0 in the middle.  In 2-D every
map of this room works along rows and columns alike: T s Tᵀ with the matrix T of one dimension.
Coarse point j lies on fine point 2j; boundaries are not considered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial

import numpy as np

from stabkit.aliases import Array, Rational
from stabkit.arithmetic.rational import fraction, fractions, solve
from stabkit.errors import InvalidArgument

INTERPOLATION = (Fraction(1, 2), Fraction(1), Fraction(1, 2))
FULL_WEIGHTING = (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4))


def stencil(weights: Array, name: str = "stencil") -> np.ndarray:
    """An exact stencil of numbers or texts such as ``"1/2"``.

    Raises
    ------
    InvalidArgument
        If it is not 1-D or 2-D, or a size is even, so that it has no middle.
    """
    exact = fractions(weights, name)
    if exact.ndim not in (1, 2) or any(size % 2 == 0 for size in exact.shape):
        raise InvalidArgument(f"{name}: must be 1-D or 2-D with odd sizes, got shape "
                              f"{exact.shape}; pad it with zeros to give it a middle")
    return exact


def compose(*stencils: Array) -> np.ndarray:
    """The stencil of several convolutions one after the other; sizes w and v give w + v − 1."""
    product, *others = [stencil(weights, "stencils") for weights in stencils]
    for other in others:
        if other.ndim != product.ndim:
            raise InvalidArgument(f"stencils: cannot compose dimensions {product.ndim} and "
                                  f"{other.ndim}")
        shape = [a + b - 1 for a, b in zip(product.shape, other.shape, strict=True)]
        total = np.full(shape, Fraction(0), dtype=object)
        for place, weight in np.ndenumerate(other):
            window = tuple(slice(k, k + n) for k, n in zip(place, product.shape, strict=True))
            total[window] = total[window] + weight * product
        product = total
    return product


def _along_axes(matrices: Callable[[int], np.ndarray], weights: np.ndarray) -> np.ndarray:
    first = matrices(weights.shape[0]) @ weights
    return first if weights.ndim == 1 else first @ matrices(weights.shape[1]).T


# -- stencils and derivatives ----------------------------------------------------------------------
def derivative_windows(h: Rational = 1) -> np.ndarray:
    """Three windows of three: the mean, and the central differences for ∂ and ∂².

    Returns
    -------
    ndarray, shape (3, 3)
        Row k is the window of ∂ᵏ on mesh size h: [1 2 1]/4, [−1 0 1]/(2h), [1 −2 1]/h².
    """
    h = fraction(h, "h")
    if h <= 0:
        raise InvalidArgument(f"h: must be positive, got {h}")
    rows = fractions([["1/4", "1/2", "1/4"], ["-1/2", 0, "1/2"], [1, -2, 1]])
    return rows / np.array([[h**k] for k in range(3)], dtype=object)


def taylor_matrix(width: int, degree: int) -> np.ndarray:
    """The matrix xʲ/j! with j = 0 … degree in rows and the points x of a window in columns."""
    if width < 1 or width % 2 == 0 or degree < 0:
        raise InvalidArgument(f"taylor_matrix: needs an odd width and degree >= 0, got "
                              f"width={width}, degree={degree}")
    return fractions([[Fraction(x**j, factorial(j)) for x in _places(width)]
                      for j in range(degree + 1)])


def moments(weights: Array, degree: int) -> np.ndarray:
    """The coefficients of a stencil's Taylor expansion.

    On mesh size h, ``s * y = Σⱼ mⱼ hʲ y⁽ʲ⁾`` in 1-D and ``Σ m[j, i] h^{i+j} ∂ₓⁱ∂ᵧʲ y`` in 2-D.

    Parameters
    ----------
    weights : array_like
        The stencil.
    degree : int
        The largest order, along each axis.

    Returns
    -------
    ndarray, shape (degree + 1,) or (degree + 1, degree + 1)

    Examples
    --------
    >>> moments([1, -2, 1], 4).astype(float)
    array([0.        , 0.        , 1.        , 0.        , 0.08333333])
    """
    return _along_axes(lambda width: taylor_matrix(width, degree), stencil(weights))


def order_of_consistency(weights: Array, derivative: int | Sequence[int]) -> int:
    """The p with ``s * y = h^{|k|} ∂ᵏy (1 + …)`` up to an error O(h^{|k| + p}); 0 if no p > 0.

    Parameters
    ----------
    weights : array_like
        The stencil for h = 1, that is without its power of h.
    derivative : int or (int, int)
        k in 1-D; in 2-D the orders in x and in y.

    Raises
    ------
    InvalidArgument
        For the identity as a stencil of ∂⁰, which is exact.
    """
    exact = stencil(weights)
    orders = (derivative,) if isinstance(derivative, int) else tuple(derivative)
    if len(orders) != exact.ndim or min(orders) < 0:
        raise InvalidArgument(f"derivative: needs {exact.ndim} orders >= 0, got {derivative}")
    total, largest = sum(orders), 4 + sum(orders) + sum(exact.shape)
    found = moments(exact, largest)
    found[tuple(reversed(orders))] -= 1
    wrong = [sum(place) for place, value in np.ndenumerate(found) if value != 0]
    if not wrong:
        raise InvalidArgument("weights: the identity is exact, it has no order of consistency")
    return max(min(wrong) - total, 0)


def to_derivatives(weights: Array, h: Rational = 1) -> np.ndarray:
    """The α with ``s = Σₖ αₖ wₖ``, wₖ the :func:`derivative_windows`; α[j, i] for ∂ₓⁱ∂ᵧʲ in 2-D.

    A stencil of width three is a differential operator of order two per axis with these
    coefficients; they do not depend on the mesh, the stencil does.
    """
    back = solve(derivative_windows(h).T, np.eye(3, dtype=int))
    return _along_axes(lambda _: back, _of_width_three(weights, "stencil"))


def from_derivatives(coefficients: Array, h: Rational = 1) -> np.ndarray:
    """The stencil ``Σₖ αₖ wₖ`` on mesh size h, the inverse of :func:`to_derivatives`."""
    windows = derivative_windows(h).T
    return _along_axes(lambda _: windows, _of_width_three(coefficients, "coefficients"))


def rediscretisation(ratio: Rational = 2) -> np.ndarray:
    """The matrix that takes a window of three on mesh size h to that with the same α on ratio·h."""
    windows = derivative_windows().T
    return derivative_windows(ratio).T @ solve(windows, np.eye(3, dtype=int))


def rediscretise(weights: Array, ratio: Rational = 2) -> np.ndarray:
    """The stencil of width three for the same differential operator on a mesh `ratio` as wide."""
    matrix = rediscretisation(ratio)
    return _along_axes(lambda _: matrix, _of_width_three(weights, "stencil"))


def _of_width_three(weights: Array, name: str) -> np.ndarray:
    exact = stencil(weights, name)
    if set(exact.shape) != {3}:
        raise InvalidArgument(f"{name}: must have width 3, got shape {exact.shape}; factorise() "
                              "splits wider windows")
    return exact


# -- Galerkin coarsening ---------------------------------------------------------------------------
def coarse_width(width: int) -> int:
    """The width of R K P for a fine stencil of an odd width, P linear and R full weighting."""
    return 2 * ((width // 2 + 2) // 2) + 1


def coarsening(width: int, prolongation: Sequence[Array] = INTERPOLATION,
               restriction: Sequence[Array] = FULL_WEIGHTING) -> np.ndarray:
    """The linear map from a fine stencil to that of the Galerkin operator R K P, in 1-D.

    Parameters
    ----------
    width : int
        Odd width of the fine stencil.
    prolongation, restriction : three taps
        (P v)ₓ gets p_{x−2j} vⱼ, and (R u)ⱼ = Σ rₐ u_{2j+a}.

    Returns
    -------
    ndarray, shape (coarse_width(width), width)
        Entry (k, b) is Σₐ rₐ p_{a+b−2k}: the part of fine tap b in coarse tap k.

    Examples
    --------
    >>> (8 * coarsening(3)).astype(int)
    array([[4, 1, 0],
           [4, 6, 4],
           [0, 1, 4]])
    """
    if width < 1 or width % 2 == 0:
        raise InvalidArgument(f"width: must be odd and positive, got {width}")
    p, r = (fractions(taps, name) for taps, name in
            ((prolongation, "prolongation"), (restriction, "restriction")))
    if p.shape != (3,) or r.shape != (3,):
        raise InvalidArgument("prolongation, restriction: need three taps each, got shapes "
                              f"{p.shape} and {r.shape}")
    fine, coarse = _places(width), _places(coarse_width(width))
    return fractions([[sum((r[a + 1] * p[a + b - 2 * k + 1] for a in (-1, 0, 1)
                            if abs(a + b - 2 * k) <= 1), Fraction(0)) for b in fine]
                      for k in coarse])


def coarsen(weights: Array) -> np.ndarray:
    """The stencil of R K P, P (bi)linear interpolation and R full weighting."""
    return _along_axes(coarsening, stencil(weights))


def refine(weights: Array) -> np.ndarray:
    """The only fine stencil of the same widths whose R K P is the given coarse stencil.

    Parameters
    ----------
    weights : array_like
        The coarse stencil, of width 3 or 5 along each axis.

    Raises
    ------
    InvalidArgument
        For other widths, where there is in general none, or more than one.
    """
    return _along_axes(_refinement_rules, stencil(weights))


def _refinement_rules(width: int) -> np.ndarray:
    if coarse_width(width) != width:
        why = ("a fine stencil [s] gives s·[1 6 1]/8; pad the coarse one with zeros to width 3"
               if width == 1 else
               f"fine stencils of this width give only coarse ones of width {coarse_width(width)},"
               " each from many; split the stencil into factors of width 3 or 5")
        raise InvalidArgument(f"stencil: width {width} has no unique fine stencil of the same "
                              f"width: {why}")
    return solve(coarsening(width), np.eye(width, dtype=int))


def _places(width: int) -> range:
    return range(-(width // 2), width // 2 + 1)
