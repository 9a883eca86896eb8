"""Which coarse stencils are R K P for one fine stencil of the same width (Section 4)."""

from __future__ import annotations

from stabkit.claims.claim import claim
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

UNIQUE = "the fine mesh stencil is also a n_K × n_K stencil which is uniquely determined"

ENTRY = ("column k of P is the linear interpolation of the unit vector at the coarse point k (fine "
         "point 2k), column j of X full weighting at coarse point 0 read through the fine tap j; "
         "so entry (k, j) of C = PᵀX is the part of fine tap j in coarse tap k, and no coarse tap "
         "further out is met.  ")


def _coarsening(width: int, suffix: str = "") -> list[tuple[str, str]]:
    """The map C from fine taps to coarse ones, built from what R and P do to unit vectors."""
    m = width // 2
    fine, coarse, points = (list(range(-k, k + 1)) for k in (m, m + 1, m + 1))
    return [
        (f"fine{suffix}", str(fine)), (f"coarse{suffix}", str(coarse)),
        (f"point{suffix}", str(points)),
        (f"P{suffix}", f"interpolation(outer(point{suffix}, ones({len(coarse)})) - "
                       f"2*outer(ones({len(points)}), coarse{suffix}))"),
        (f"X{suffix}", f"weighting(outer(point{suffix}, ones({width})) - "
                       f"outer(ones({len(points)}), fine{suffix}))"),
        (f"C{suffix}", f"P{suffix}.T @ X{suffix}")]


HATS = [("interpolation(x)", "max(0, 1 - abs(x)/2)"), ("weighting(x)", "max(0, 2 - abs(x)) / 4")]


def _unique(width: int, dimension: int = 1) -> Calculation:
    """Exactly one fine stencil for every coarse one: C is injective and reaches those taps."""
    taps = width**dimension
    inside = [[int(k == j + 1) for k in range(width + 2)] for j in range(width)]
    let = [*HATS, *_coarsening(width)]
    shows = [f"rank(C) == {taps}", f"rank(stack(C.T, E)) == {taps}"]
    if dimension == 2:
        let += [("C2", "kron(C, C)"), ("E2", "kron(E, E)")]
        shows = [f"rank(C2) == {taps}", f"rank(stack(C2.T, E2)) == {taps}"]
    return Calculation(dict(E=inside), let, shows, ENTRY +
                       "The rows of E are the coarse stencils with one tap of this width.  Rank "
                       f"{taps} of C means at most one fine stencil, and no more together with E "
                       "that every coarse stencil of this width has one", necessary=True)


@claim('Section 4, n_K = 3 ("9×9 linear system")', notion="existence", quote=UNIQUE,
       within=dict(width=(3, 5), dimension=(1, 2)))
def fine_stencil_is_unique(width, dimension):
    """For linear P, full weighting R, in one or two dimensions and away from boundaries, every
    coarse stencil of width 3 is R K_h P for exactly one fine stencil of width 3; likewise for
    width 5."""
    return _unique(width, dimension)


@claim("Section 4", notion="existence", quote=UNIQUE, expect=REFUTED, within=dict(width=(7,)))
def fine_stencil_is_unique_for_width_seven(width):
    """For linear P, full weighting R, in one dimension and away from boundaries, every coarse
    stencil of width 7 is R K_h P for exactly one fine stencil of width 7."""
    return _unique(width)


@claim("derived (Section 4)", notion="existence", within=dict(width=(7,)))
def fine_stencil_is_unique_for_width_seven_corrected(width):
    """Fine stencils of width 7 give exactly the coarse stencils of width 5, each from a family with
    two parameters.  Every coarse stencil of width 7 is R K_h P for a family with two parameters of
    fine stencils of width 9, and for none of width 7 unless its outer taps vanish."""
    return _reaches_less(width, 2)


def _reaches_less(width, lost):
    """Width w reaches exactly the coarse stencils of width w − lost, width w + 2 those of width w,
    each from a family with two parameters."""
    wide, side = width + 2, lost // 2 + 1
    return Calculation(
        {}, [*HATS, *_coarsening(width), *_coarsening(wide, "9")],
        [" and ".join(f"max(abs(C{name}[{row}])) == 0" for name, rows in (
            ("", width + 2), ("9", wide + 2))
            for row in (*range(side), *range(rows - side, rows))),
         f"rank(C) == {width - lost}", f"{width} - rank(C) == 2",
         f"rank(C9) == {wide - lost}", f"{wide} - rank(C9) == 2"],
        ENTRY + "The first and last rows are the outermost taps, so width 7 reaches width 5 only "
        "and width 9 width 7; full rank of the others means that all of it is reached, and the "
        "kernel has dimension two", necessary=True)


@claim("Section 4", notion="existence", weight="minor", quote=UNIQUE, expect=REFUTED,
       within=dict(width=(1,)))
def fine_stencil_is_unique_for_width_one(width):
    """For linear P, full weighting R, in one dimension and away from boundaries, every coarse
    stencil of width 1 is R K_h P for exactly one fine stencil of width 1."""
    return _unique(width)


@claim("derived (Section 4)", notion="existence", weight="minor", within=dict(tap=("1", "-7/3")))
def fine_stencil_is_unique_for_width_one_corrected(tap):
    """Every coarse stencil [t] of width 1 is R K_h P for exactly one fine stencil of width 3, which
    is t [−1 4 −1]/2."""
    return _comes_from(tap, "[-1, 4, -1] / 2")


def _comes_from(tap, fine):
    """t times this fine stencil, and no other, has the coarse stencil [t]."""
    return Calculation(dict(t=tap), [*HATS, *_coarsening(3)],
                       [f"C @ (t * {fine}) == [0, 0, t, 0, 0]", "rank(C) == 3"],
                       ENTRY + "Rank 3 means that no two fine stencils have the same coarse one",
                       necessary=True)
