"""Windows of three in one dimension as differential operators, and wide windows (Section 2.1)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from stabkit.claims.claim import claim
from stabkit.operators.stencils import derivative_windows, taylor_matrix
from stabkit.operators.window_factors import factorise
from stabkit.stability.property import AllOf, Calculation
from stabkit.stability.verdict import REFUTED

LIMITS = "for a piecewise smooth function y"
WIDE = "a 5 window convolution can be modeled as a convolution with a window of 3 twice"
# Eq. (2.4) has [−1 2 −1] where the limits before it have [1 −2 1].
SIGNS = np.diag([1, 1, -1])
PRINTED = SIGNS @ derivative_windows()


def _unit(order: int, sign: int = 1) -> list[int]:
    return [0] * order + [sign]


@claim("eq. (2.4)", notion="identity", weight="minor", within=dict(step=("1", "1/3", "5")))
def stencil_basis_is_invertible(step):
    """The matrix with the columns [1 2 1]/4, [−1 0 1]/(2Δ) and [−1 2 −1]/Δ² has the determinant
    −1/Δ³, so it is invertible for every Δ > 0."""
    return _has_determinant(PRINTED, step, -1)


def _has_determinant(windows, step, value):
    return Calculation(dict(B=windows.T, D=step, value=value),
                       [("A", "B @ diag([1, 1/D, 1/D**2])")],
                       ["det(B) == value and value != 0", "det(A) == value/D**3"],
                       "A is the matrix of (2.4) and det A = det(B)/D³, whatever D is",
                       necessary=True)


@claim("after eq. (2.4)", notion="order", expect=REFUTED, quote=LIMITS,
       within=dict(order=(0, 1, 2)))
def stencil_is_a_differential_operator(order):
    """For every α and y ∈ C², s * y → α₁y + α₂y′ + α₃y″ as Δ → 0, where s = A α with the matrix A
    of (2.4); here α picks the window of one derivative."""
    return _tends(PRINTED[order], order)


def _tends(window, order, sign=1):
    """Does the window, over Δ^order, tend to sign times the derivative?"""
    return Calculation(dict(w=window, V=taylor_matrix(3, order)), [("m", "V @ w")],
                       [f"m == {_unit(order, sign)}"],
                       f"w is the window for Δ = 1; in w * y / Δ^{order} the term y^(j) has the "
                       f"coefficient m[j] Δ^(j − {order}), so m[j] for j <= {order} is the limit",
                       necessary=True)


@claim("after eq. (2.4)", notion="order", within=dict(order=(0, 1, 2), windows=("(2.4)", "limits")))
def stencil_is_a_differential_operator_corrected(order, windows):
    """s * y → α₁y + α₂y′ − α₃y″ with the windows of (2.4), and with [1 −2 1]/Δ² in place of
    [−1 2 −1]/Δ² the limits y, y′, y″ are those printed before it: for y ∈ C², with an error O(Δ²)
    for y ∈ C⁴."""
    window = PRINTED[order] if windows == "(2.4)" else derivative_windows()[order]
    sign = -1 if windows == "(2.4)" and order == 2 else 1
    return _tends_with_second_order(window, order, sign)


def _tends_with_second_order(window, order, sign):
    return Calculation(dict(w=window, V=taylor_matrix(3, order + 1)), [("m", "V @ w")],
                       [f"m == {[*_unit(order, sign), 0]}"],
                       f"in w * y / Δ^{order} the term y^(j) has the coefficient "
                       f"m[j] Δ^(j − {order}); the first one after the limit vanishes, and "
                       "Taylor's remainder is o(1) for y ∈ C², O(Δ²) for y ∈ C⁴",
                       necessary=True)


@claim("after eq. (2.4)", notion="bound", weight="minor", expect=REFUTED, quote=LIMITS,
       within=dict(order=(1, 2, 0), values=("1 1 1", "0 0 1", "0 1 1")))
def limits_hold_for_piecewise_smooth_functions(order, values):
    """For piecewise smooth y the difference s * y − (α₁y + α₂y′ − α₃y″) tends to 0 at every grid
    point as Δ → 0, also beside kinks and jumps; here y is constant but for a jump to 1 next to the
    grid point (values at x − Δ, x, x + Δ), α picks one derivative."""
    u = values.split()
    limit = u[1] if order == 0 else "0"
    return Calculation(dict(w=PRINTED[order], u=u), [], [f"dot(w, u) == {limit}"],
                       f"beside a jump y is constant on one side of x, so the derivatives there "
                       f"are 0; the difference is (w·u − {limit})/Δ^{order} for every Δ and tends "
                       "to 0 only if it is 0", necessary=True)


@claim("after eq. (2.4)", notion="bound", weight="minor", within=dict(order=(0, 1, 2)))
def limits_hold_for_piecewise_smooth_functions_corrected(order):
    """At every x with y ∈ C⁴ on [x − Δ, x + Δ]: s * y = α₁y + α₂y′ − α₃y″ + O(Δ²), with an error of
    at most Δ² (|α₁| max|y″|/4 + |α₂| max|y‴|/6 + |α₃| max|y⁗|/12)."""
    return _error_at_most(order, (4, 6, 12)[order])


def _error_at_most(order, bound):
    """The error is at most Δ² max|y^(order + 2)|/bound."""
    next_order, sign = order + 2, -1 if order == 2 else 1
    log = dict(w=PRINTED[order], V=taylor_matrix(3, next_order), bound=bound)
    let = [("m", "V @ w"), ("absolute", "abs(V) @ abs(w)")]
    return AllOf([
        Calculation(log, let, [f"absolute[{next_order}] <= 1/bound"],
                    f"Taylor with the remainder of order {next_order}: the error is at most the "
                    f"absolute moment times Δ² max|y^({next_order})|"),
        Calculation(log, let, [f"m[0:{next_order}] == {[*_unit(order, sign), 0]}",
                               f"abs(m[{next_order}]) <= 1/bound"],
                    f"what the window does to 1, x, …, x^{next_order}", necessary=True)])


def _as_polynomial(taps) -> list[Fraction]:
    """The taps up to the last one that is not zero."""
    return list(taps[:max(k for k, tap in enumerate(taps) if tap != 0) + 1])


@claim("Section 2.1", notion="existence", quote=WIDE,
       within=dict(window=("every window of 5", "1 4 6 4 1", "0 1 0 1 0", "0 0 0 0 1", "1 0 0 0 1",
                           "-1 -1 0 0 1", "1 -6 11 -6 0 0 0", "1 1 1 1 1 1 1", "2 1 0 0 0 0 3")))
def wide_windows_are_products_of_windows_of_three(window):
    """On the line or a periodic grid every real window of five is a convolution of two real
    windows of three, and every real window of seven of three of them."""
    if window == "every window of 5":
        return _resolvent()
    taps = [Fraction(tap) for tap in window.split()]
    return _is_product(taps, len(taps) // 2)


def _is_product(taps, count):
    """Is the window the product of so many real windows of three?"""
    degree = len(_as_polynomial(taps)) - next(k for k, tap in enumerate(taps) if tap != 0) - 1
    possible = Calculation(
        dict(s=taps, count=count, degree=degree, first=len(_as_polynomial(taps)) - 1 - degree), [],
        ["s[first] == 0 or s[first + degree] == 0 or degree <= 2 * count"],
        "from its first to its last tap that is not 0 the window is a polynomial of this degree in "
        "the shift; so many windows of three make at most 2 · count", necessary=True)
    found = factorise(taps, 6)
    if found.radius:
        return AllOf([possible, _enclosed_factors(taps, found, count)])
    names = [f"q{k}" for k in range(1, len(found.windows) + 1)]
    nodes = list(range(-(len(taps) // 2), len(taps) // 2 + 1))
    product = " * ".join(f"polyval({name}, x)" for name in names)
    return AllOf([possible, Calculation(
        dict(s=taps, x=nodes, scale=found.scale, count=count,
             **dict(zip(names, found.windows, strict=True))), [],
        [f"polyval(s, x) == scale * {product}", f"{len(names)} <= count"],
        "a window is a polynomial in the shift; two of this degree that agree at as many points as "
        "they have taps are equal")])


def _resolvent() -> Calculation:
    """Descartes' way to split a quartic, as identities on a grid finer than their degrees."""
    return Calculation(
        {}, [("ones3", "[[1, 1, 1]]"), ("ones7", "[[1, 1, 1, 1, 1, 1, 1]]"),
             ("P", "kron(kron(kron([[0, 1, 2]], ones3), ones7), [[1, 1]])"),
             ("Q", "kron(kron(kron(ones3, [[0, 1, 2]]), ones7), [[1, 1]])"),
             ("U", "kron(kron(kron(ones3, ones3), [[1, 2, 3, 4, 5, 6, 7]]), [[1, 1]])"),
             ("R", "kron(kron(kron(ones3, ones3), ones7), [[0, 1]])"),
             ("v(p, q, u)", "(p + u**2 - q/u) / 2"), ("w(p, q, u)", "(p + u**2 + q/u) / 2"),
             ("resolvent(p, q, r, x)", "x**3 + 2*p*x**2 + (p**2 - 4*r)*x - q**2"),
             ("rest(p, q, r, u)",
              "4*u**2 * (v(p, q, u)*w(p, q, u) - r) - resolvent(p, q, r, u**2)")],
        ["v(P, Q, U) + w(P, Q, U) - U**2 == P", "U * (w(P, Q, U) - v(P, Q, U)) == Q",
         "rest(P, Q, R, U) == 0"],
        "a window of 5 is a real polynomial of degree <= 4 in the shift, a window of 3 one of "
        "degree <= 2.  Degree <= 3: split off a real root.  Degree 4, made monic and shifted: "
        "z⁴ + pz² + qz + r = (z² + uz + v)(z² − uz + w) with these v, w if u² > 0 is a root of the "
        "resolvent; the identities hold on a grid with more points than their degrees.  For q ≠ 0 "
        "the resolvent is −q² < 0 at 0 and tends to ∞, so it has one.  For q = 0 either p² >= 4r "
        "and the quartic splits in z², or v = w = √r and u² = 2√r − p > 0.  Degrees 5 and 6 split "
        "off a real quadratic (fundamental theorem of algebra).  Periodic: reduce modulo zᴺ − 1")


def _enclosed_factors(taps, found, count) -> Calculation:
    """Brouwer's fixed point theorem for the taps of monic factors near rational ones."""
    pieces = [_as_polynomial(row) for row in found.windows]
    pieces = [piece for piece in pieces if len(piece) > 1]
    names = [f"q{k}" for k in range(1, len(pieces) + 1)]
    degree = sum(len(piece) - 1 for piece in pieces)
    others = [" * ".join(f"f{other}" for other in range(1, len(names) + 1) if other != k)
              for k in range(1, len(names) + 1)]
    columns = [f"d{k}" if power == 0 else f"x*d{k}"
               for k, piece in enumerate(pieces, 1) for power in range(len(piece) - 1)]
    sizes = [f"sum(abs({name}))" for name in names]
    moved = " * ".join(f"({size} + {len(piece) - 1}*radius)"
                       for size, piece in zip(sizes, pieces, strict=True))
    slopes = " + ".join(
        f"{len(piece) - 1} * {' * '.join(size for j, size in enumerate(sizes) if j != k)}"
        for k, piece in enumerate(pieces))
    return Calculation(
        dict(s=_as_polynomial(taps), x=list(range(degree)), radius=10 * found.radius, count=count,
             **dict(zip(names, pieces, strict=True))),
        [*((f"f{k}", f"polyval({name}, x)") for k, name in enumerate(names, 1)),
         *((f"d{k}", product) for k, product in enumerate(others, 1)),
         ("J", f"[{', '.join(columns)}]"),
         ("V", f"[{', '.join(f'x**{k}' if k else f'ones({degree})' for k in range(degree))}]"),
         ("A", "inverse(J.T)"),
         ("defect", f"{' * '.join(f'f{k}' for k in range(1, len(names) + 1))} - "
                    f"polyval(s, x) / s[{degree}]"),
         ("second", f"{moved} - {' * '.join(sizes)} - radius * ({slopes})")],
        ["max(abs(A @ defect)) + max(abs(A @ V.T) @ "
         f"ones({degree})) * second <= radius", f"{len(found.windows)} <= count"],
        "s is a polynomial in the shift.  If the lower taps of the monic factors move by d, |d| <= "
        "radius, their product at the nodes x moves by J.T d and a polynomial with coefficients of "
        "at most `second`; so d -> −A (defect + that) maps the cube into itself and has a fixed "
        "point (Brouwer): real windows of three near q1, q2, … whose product is s up to a factor")


STENCILS = tuple(f"1 + x^{power} y" for power in (1, 2, 3, 4))


@claim('Section 2.1, "It is easy to extend this process to 2 and 3D"', notion="existence",
       expect=REFUTED, quote="It is easy to extend this process to 2 and 3D images",
       within=dict(stencil=STENCILS))
def wide_windows_are_products_of_windows_of_three_in_2d(stencil):
    """Every real 5×5 stencil is a convolution of two real 3×3 stencils; here those with two ones,
    in a corner and in the second row, written as polynomials in the shifts x and y."""
    power = int(stencil.split("^")[1][0])
    s = [[int((j, i) in ((0, 0), (1, power))) for i in range(5)] for j in range(5)]
    return Calculation(
        dict(s=s, span=[[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]), [],
        ["rank(stack(span, [s[1]])) == rank(span)"],
        "write the rows of s = a * b as polynomials in x.  The first one is a₀b₀ = 1, so a₀ = c "
        "and b₀ = 1/c; the second is c b₁ + a₁/c, of degree <= 2.  Conversely a second row of "
        "degree <= 2 makes s a 3×3 stencil itself, times 1", necessary=True)


@claim("derived (Section 2.1)", notion="existence",
       within=dict(column=("1 4 6 4 1", "1 0 -2 0 1"), row=("0 1 0 1 0", "2 -3 -1 3 -1")))
def wide_windows_are_products_of_windows_of_three_in_2d_corrected(column, row):
    """Every real 5×5 stencil is a sum of four convolutions of two real 3×3 stencils, and every
    separable one, u vᵀ, is a single one."""
    return AllOf([_corners_span(4), _separates(column, row)])


def _corners_span(corners):
    """Every 5×5 stencil is a sum of 3×3 stencils at so many corners of it."""
    ends = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    parts = ["kron(A, A)", "kron(A, B)", "kron(B, A)", "kron(B, B)"][:corners]
    together = parts[0]
    for part in parts[1:]:
        together = f"stack({together}, {part})"
    return Calculation(
        dict(A=ends[:3], B=ends[2:]), [("S", together)], ["rank(S) == 25"],
        "the rows of A and B are windows of three at the two ends of a window of five, so those of "
        "S are the taps of 3×3 stencils moved to the corners, that is of convolutions with "
        "one-point 3×3 stencils", necessary=True)


def _separates(column, row):
    u, v = ([Fraction(tap) for tap in taps.split()] for taps in (column, row))
    first, second = factorise(u), factorise(v)
    return Calculation(
        dict(u=u, v=v, a=first.scale * first.windows[0], b=first.windows[1],
             c=second.scale * second.windows[0], d=second.windows[1],
             X=[[x**k for k in range(5)] for x in (-2, -1, 0, 1, 2)]),
        [("Y", "X[0:, 0:3]")],
        ["(Y @ outer(a, c) @ Y.T) * (Y @ outer(b, d) @ Y.T) == X @ outer(u, v) @ X.T"],
        "u and v are products of two windows of three each, and then u vᵀ is the product of the "
        "stencils a cᵀ and b dᵀ (polynomials of degree 4 that agree at five points)")
