"""The dictionary (Tables 1 and 3) at h = 1 and τ = α = 1/4."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from stabkit import fluxes
from stabkit.arithmetic.rational import Constant
from stabkit.claims.claim import claim
from stabkit.claims.configurations import DICTIONARY, EXACT
from stabkit.stability.property import AllOf, Calculation, FaceWithin, Identity

TABLE = "Formulas for the function plots in Table 2"
# x = √2 r turns S(r) into √2 S(x/√2), which must be x − Φ(x) at τ = 1/4.
INSIDE = ("0", "1/7", "-1/3", "1/2", "-3/4", "9/10", "1")
OUTSIDE = ("8/7", "-5/4", "3/2", "-2", "7/2", "-9", "100")
ANYWHERE = (*INSIDE, *OUTSIDE)


def _difference(psi: str) -> str:
    # Ψ is a quadratic on the piece, so this difference is its derivative.
    return f"({psi.replace('x', '(x + 1)')} - {psi.replace('x', '(x - 1)')}) / 2"


#: Φ, g, Ψ′ and x − Φ for each row on each piece, with q = √2θ = 1 and λ² = k2.  With x go further
#: numbers y: for charbonnier y = √(1 + x²/λ²), with y′ = x/(λ²y), for perona_malik y =
#: exp(−x²/(2λ²)), with y′ = −(x/λ²)y.
ROWS = {
    "constant": {"all": ("x", "1 + 0 * x", _difference("x**2"), "0 * x")},
    "charbonnier": {"all": ("x / y", "1 / y", "2 * k2 * (x / (k2 * y))", "x * (1 - 1 / y)")},
    "truncated_tv": {
        "inside": ("x", "1 + 0 * x", _difference("x**2"), "sign(x) * max(abs(x) - q, 0)"),
        "outside": ("q * sign(x)", "q / abs(x)", "2 * q * sign(x)",
                    "sign(x) * max(abs(x) - q, 0)")},
    "perona_malik": {"all": ("x * y", "y", "-2 * k2 * (-x * y / k2)", "x * (1 - y)")},
    "garrote": {"inside": ("x", "1 + 0 * x", _difference("x**2"), "0 * x"),
                "outside": ("q**2 / x", "q**2 / x**2", "q**2 * (2 / x)", "x - q**2 / x")},
    "hard": {"inside": ("x", "1 + 0 * x", _difference("x**2"), "0 * x"),
             "outside": ("0 * x", "0 * x", "0 * x", "x")},
}
POINTS = {"inside": INSIDE, "outside": OUTSIDE, "all": ANYWHERE}


def _row(name: str, piece: str = "all", also: tuple[str, ...] = (), **given: Any) -> Calculation:
    """Conversions of one row on one piece, at more points than the degree of any side."""
    phi, g, slope, shrinkage = ROWS[name][piece]
    return Calculation(
        {"x": [Fraction(point) for point in POINTS[piece]], "q": 1} | given,
        [("phi", phi), ("g", g), ("slope", slope), ("S", shrinkage)],
        [*also, "phi == g * x", "slope == 2 * phi", "S == x - phi"],
        "phi = g r, Psi′ = 2 phi, and √2 S(x/√2) = x − phi(x); rational functions of low degree in "
        "x (and y) that agree at all these points agree", necessary=True)


FOUR = 4


@claim("Table 1, eqs (10), (11), (15)",
       quote="translate arbitrary diffusivities, wavelet shrinkage functions, and regularisers",
       within=dict(flux=(*EXACT, fluxes.hard()), tau=("1/4", "1/3", "2")))
def dictionary_conversions_are_consistent(flux, tau):
    """For h = 1 and every τ = α > 0: Φ = g r = Ψ′/2 = (r − √2 S(r/√2))/(4τ),
    S = r(1 − 4τ g(√2 r)) and Ψ = 2∫₀ʳ Φ: each of g, Ψ (with Ψ(0) = 0), S and Φ determines the
    others, except at a jump of Φ and, for g, at r = 0 (by continuity there)."""
    weight = Constant(FOUR * Fraction(tau))
    points = [Fraction(point) for point in ANYWHERE]

    def from_shrinkage(s):
        # √2 S(r/√2) = 2 s(r/2) with s the shrinkage of half differences.
        half = Constant(1, 2)
        return (s - 2 * flux.half_difference_shrinkage(half * s, tau)) / weight

    return AllOf([
        Identity(flux.activation, lambda s: flux.diffusivity(s) * s, dict(s=points), "Φ = g r"),
        Identity(flux.activation, from_shrinkage, dict(s=points), "Φ from S, and S from g")])


@claim('Section 4, "g_max = 1 for all cases"', weight="minor", notion="bound",
       quote="As we have g_max = 1 for all cases considered, we set τ = α = 1/4",
       within=dict(flux=DICTIONARY))
def dictionary_satisfies_the_sign_condition(flux):
    """All six g are nonnegative, nonincreasing in |r|, with g(0) = g_max = 1; τ = 1/4 =
    h²/(4 g_max); 0 <= S(r) <= r for r > 0 in all six rows; all six Φ are odd."""
    g, phi = flux.formula("diffusivity"), flux.formula()
    exact = [] if flux.transcendental else \
        [f"phi(-{p}) + phi({p}) == 0" for p in ("1/2", "1", "7/3")]
    steps = [f"g({a}) >= g({b})" for a, b in pairwise(("1/10", "1/2", "1", "2", "5"))]
    return AllOf([
        FaceWithin(flux, "diffusivity", Fraction(0), Fraction(1)),
        Calculation({}, [("g(x)", g), ("phi(x)", phi)], ["g(0) == 1", *exact, *steps],
                    "S(r)/r = 1 − g(√2 r) lies in [0, 1] with g; Φ is odd as g depends on |r|",
                    necessary=True),
        Calculation({}, [("gap(x)", FALLS[flux.name])],
                    ["all(gap(x) <= 0 for x in cells([0, 1, inf]))"],
                    "r g′ = Φ′ − g <= 0 on every piece, and g does not jump upwards")])


#: Φ′ − g for r > 0: as this is r g′, g is nonincreasing iff it is nowhere positive.
FALLS = {"identity": "0 * x", "charbonnier": "-x**2 / sqrt(1 + x**2)**3",
         "soft": "0 * x if x <= 1 else -1 / x", "perona_malik": "-2 * decay(1, x**2 / 2)",
         "garrote": "0 * x if x <= 1 else -2 / x**2", "hard": "0 * x"}


@claim("Table 3, row 1", weight="minor", quote=TABLE, within=dict(piece=("all",)))
def dictionary_row_constant(piece):
    """g = 1, Ψ = r², S = 0 and Φ = r satisfy the conversions at τ = 1/4."""
    return _row("constant", piece)


@claim("Table 3, row 2", weight="minor", quote=TABLE, within=dict(contrast=("1", "2/3")))
def dictionary_row_charbonnier(contrast):
    """g = (1 + r²/λ²)^{−1/2}, Ψ = 2λ²(√(1 + r²/λ²) − 1), S = r(1 − (1 + 2r²/λ²)^{−1/2}) and
    Φ = r(1 + r²/λ²)^{−1/2} satisfy them."""
    # x = 2tλ/(1 − t²) makes y = √(1 + x²/λ²) = (1 + t²)/(1 − t²) rational.
    k, ts = Fraction(contrast), [Fraction(p, 9) for p in range(-7, 8)]
    return _row("charbonnier", also=("y * y == 1 + x * x / k2",), k2=k**2,
                x=[2 * t * k / (1 - t**2) for t in ts],
                y=[(1 + t**2) / (1 - t**2) for t in ts])


@claim("Table 3, row 3", weight="minor", quote=TABLE, within=dict(piece=("inside", "outside")))
def dictionary_row_truncated_tv(piece):
    """With q = √2 θ: g = 1 (|r| <= q), q/|r|; Ψ = r², 2q|r| − q² (Huber);
    S = sgn(r) max(|r| − θ, 0) (soft); Φ = r, q sgn r."""
    return _row("truncated_tv", piece)


@claim("Table 3, row 4", weight="minor", quote=TABLE, within=dict(contrast=("1", "2/3")))
def dictionary_row_perona_malik(contrast):
    """g = exp(−r²/(2λ²)), Ψ = 2λ²(1 − exp(−r²/(2λ²))), S = r(1 − exp(−r²/λ²)) and
    Φ = r exp(−r²/(2λ²))."""
    return _row("perona_malik", k2=Fraction(contrast) ** 2,
                y=[Fraction(1, 2 + i) for i in range(len(ANYWHERE))])


@claim("Table 3, row 5", weight="minor", quote=TABLE, within=dict(piece=("inside", "outside")))
def dictionary_row_garrote(piece):
    """With q = √2 θ: g = 1 (|r| <= q), q²/r² (truncated BFB); Ψ = r², q²(1 + ln(r²/q²)); S = 0
    (|r| <= θ), r − θ²/r; Φ = r, q²/r."""
    return _row("garrote", piece)


@claim("Table 3, row 6", weight="minor", quote=TABLE, within=dict(piece=("inside", "outside")))
def dictionary_row_hard(piece):
    """With q = √2 θ: g = 1 (|r| <= q), 0; Ψ = min(r², q²) (truncated quadratic); S = 0 (|r| <= θ),
    r; Φ = r (|r| <= q), 0."""
    return _row("hard", piece)
