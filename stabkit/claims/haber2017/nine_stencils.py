"""The nine stencils of size 3×3 as differential operators (Section 2.1)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.claims.claim import claim
from stabkit.operators.stencils import derivative_windows, rediscretisation, taylor_matrix
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

NINE = "list of nine stencils, Section 2.1"

# Orders of the derivatives in x and y, by name.
ORDERS = {"id": (0, 0), "∂x": (1, 0), "∂y": (0, 1), "∂x²": (2, 0), "∂y²": (0, 2),
          "∂x∂y": (1, 1), "∂x²∂y": (2, 1), "∂x∂y²": (1, 2), "∂x²∂y²": (2, 2)}


def _times(factor: str, rows: list[list[int]]) -> np.ndarray:
    return Fraction(factor) * fractions(rows)


# As printed: the power of 1/h, and the stencil for h = 1.
PRINTED = {
    "id": (0, _times("1/16", [[1, 2, 1], [2, 4, 2], [1, 2, 1]])),
    "∂x": (1, _times("1/6", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])),
    "∂y": (1, _times("1/6", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]])),
    "∂x²": (2, _times("1/4", [[1, -2, 1], [2, -4, 2], [1, -2, 1]])),
    "∂y²": (2, _times("1/4", [[1, 2, 1], [-2, -4, -2], [1, 2, 1]])),
    "∂x∂y": (2, _times("1", [[-1, 0, 1], [0, 0, 0], [1, 0, -1]])),
    "∂x²∂y": (3, _times("1/2", [[-1, 0, 1], [2, 0, -2], [-1, 0, 1]])),
    "∂x∂y²": (3, _times("1/2", [[-1, 2, -1], [0, 0, 0], [1, -2, 1]])),
    "∂x²∂y²": (3, _times("1/2", [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]])),
}


def correct_stencil(name: str) -> tuple[int, np.ndarray]:
    """The power of 1/h and the product of two windows of three."""
    i, j = ORDERS[name]
    windows = derivative_windows()
    return i + j, np.multiply.outer(windows[j], windows[i])


CORRECTED = {name: correct_stencil(name) for name in ORDERS}

# What the printed stencils tend to: a factor times a derivative, on an h whose power is left over.
LIMITS = {"id": ("1", "id"), "∂x": ("4/3", "∂x"), "∂y": ("4/3", "∂y"), "∂x²": ("1", "∂x²"),
          "∂y²": ("1", "∂y²"), "∂x∂y": ("-4", "∂x∂y"), "∂x²∂y": ("1", "∂x∂y²"),
          "∂x∂y²": ("1", "∂x²∂y"), "∂x²∂y²": ("-1/2", "∂x²∂y²")}


def _expansion(stencil: np.ndarray, degree: int, derivative: str, factor: str = "1"):
    """Given, let and show: the expansion up to a total degree is a multiple of a derivative."""
    places = [(j, i) for i in range(degree + 1) for j in range(degree + 1) if i + j <= degree]
    wanted = [factor if (i, j) == ORDERS[derivative] else "0" for j, i in places]
    entries = ", ".join(f"M[{j}, {i}]" for j, i in places)
    return (dict(S=stencil, V=taylor_matrix(3, degree)), [("M", "V @ S @ V.T")],
            f"[{entries}] == [{', '.join(wanted)}]")


EXPANSION = "S/h^{} has the expansion Σ M[j, i] h^(i + j − {}) ∂x^i ∂y^j; "


@claim(NINE, notion="order", expect=REFUTED, within=dict(derivative=tuple(ORDERS)))
def nine_stencils_are_consistent(derivative):
    """Each of the nine printed 3×3 stencils tends to the derivative it is printed for as h → 0:
    id, ∂x, ∂y, ∂x², ∂y², ∂x∂y, ∂x²∂y, ∂x∂y², ∂x²∂y²."""
    return _is_consistent(derivative, *PRINTED[derivative])


def _is_consistent(derivative, power, stencil):
    given, let, shown = _expansion(stencil, power, derivative)
    return Calculation(dict(given, power=power, order=sum(ORDERS[derivative])), let,
                       [shown, "power == order"], EXPANSION.format(power, power) +
                       f"so with i + j <= {power} stands what does not vanish in the limit",
                       necessary=True)


@claim(NINE, notion="order", within=dict(derivative=tuple(ORDERS)))
def nine_stencils_are_consistent_corrected(derivative):
    """The nine stencils tend to their derivatives with an error O(h²) if ∂x and ∂y have the factor
    1/(8h), ∂x∂y is (1/(4h²))[1 0 −1; 0 0 0; −1 0 1] (y downward), the two of third order are
    exchanged, and ∂x²∂y² is (1/h⁴)[1 −2 1; −2 4 −2; 1 −2 1]."""
    return _is_of_second_order(derivative, *CORRECTED[derivative])


def _is_of_second_order(derivative, order, stencil):
    given, let, shown = _expansion(stencil, order + 1, derivative)
    return Calculation(given, let, [shown], EXPANSION.format(order, order) +
                       "so the limit is right and the term of order h vanishes",
                       necessary=True)


@claim("derived (list of nine stencils, Section 2.1)", notion="order", weight="minor",
       within=dict(derivative=tuple(ORDERS)))
def nine_printed_stencils_have_these_limits(derivative):
    """As h → 0 the printed stencils tend to id, (4/3)∂x, (4/3)∂y, ∂x², ∂y², −4∂x∂y, ∂x∂y² (printed
    for ∂x²∂y), ∂x²∂y (printed for ∂x∂y²), and −(h/2)∂x²∂y², which vanishes."""
    return _has_limit(derivative, *LIMITS[derivative])


def _has_limit(derivative, factor, limit):
    power, stencil = PRINTED[derivative]
    order = sum(ORDERS[limit])
    given, let, shown = _expansion(stencil, order, limit, factor)
    return Calculation(given, let, [shown], EXPANSION.format(power, power) +
                       f"so it is {factor} h^{order - power} {limit} and terms of higher order",
                       necessary=True)


@claim("after the list of nine stencils", notion="identity", weight="minor",
       quote="a complete basis to span any 3 × 3 convolution kernel",
       within=dict(reading=("printed", "corrected"), h=("1", "1/3", "5")))
def nine_stencils_are_independent(reading, h):
    """The nine stencils span all 3×3 stencils for every h > 0: |det| = 32/(9h¹⁷) as printed, h⁻¹⁸
    for those of `nine_stencils_are_consistent_corrected`."""
    if reading == "printed":
        return _are_independent(PRINTED, h, "32/9", 17)
    return _are_independent(CORRECTED, h, "1", 18)


def _are_independent(nine, h, size, total):
    """|det| = size/h^total for the matrix of the nine stencils."""
    powers = [power for power, _ in nine.values()]
    factors = ", ".join(f"h**-{power}" if power else "1" for power in powers)
    return Calculation(dict(B=[stencil.ravel() for _, stencil in nine.values()], h=h), [],
                       [f"abs(det(B)) == {size} and {size} != 0",
                        f"abs(det(diag([{factors}]) @ B)) == {size} / h**{total}"],
                       "each row of B is one stencil for h = 1, row by row; the powers of h are "
                       "factors of the rows", necessary=True)


@claim('Section 2.1, "rediscretization"', notion="identity", weight="minor", expect=REFUTED,
       quote="Since α is mesh independent",
       within=dict(derivative=tuple(ORDERS), h=("1", "1/3")))
def coefficients_are_mesh_independent(derivative, h):
    """To pass from h to 2h with the same α multiplies the part of each printed stencil that stands
    for a derivative of total order k by 2⁻ᵏ."""
    return _scales(derivative, h, *PRINTED[derivative])


def _scales(derivative, h, power, stencil):
    return Calculation(dict(S=stencil, h=h), [("fine", f"S / h**{power}"),
                                              ("coarse", f"S / (2*h)**{power}")],
                       [f"coarse == fine / 2**{sum(ORDERS[derivative])}"],
                       "each basis stencil is replaced by itself on mesh size 2h", necessary=True)


@claim("Section 2.1", notion="identity", weight="minor", within=dict(ratio=("2", "3", "1/2")))
def coefficients_are_mesh_independent_corrected(ratio):
    """To pass from h to 2h (to any multiple) with the same α, in the corrected nine stencils,
    multiplies the part of a derivative of total order k by 2⁻ᵏ; in 1-D the map from fine to coarse
    window is (1/16)[9 3 1; 6 10 6; 1 3 9]."""
    return _rediscretises(ratio, rediscretisation(ratio))


def _rediscretises(ratio, A):
    """A is the map of windows from mesh size h to ratio · h."""
    shows = ["det(W) != 0", "A @ W == W @ D", "kron(A, A) @ kron(W, W) == kron(W, W) @ kron(D, D)"]
    if ratio == "2":
        shows.append("16 * A == [[9, 3, 1], [6, 10, 6], [1, 3, 9]]")
    return Calculation(dict(W=derivative_windows().T, A=A, ratio=ratio),
                       [("D", "diag([1, 1/ratio, 1/ratio**2])")], shows,
                       "the columns of W are the windows for h = 1 of ∂⁰, ∂¹, ∂², a basis; the "
                       "window of ∂ᵏ on ratio·h is the one on h over ratioᵏ, so A is the map and "
                       "in 2-D kron(A, A) with the products of two windows", necessary=True)
