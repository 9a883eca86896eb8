"""Numbers of parameters (Table 2)."""

from __future__ import annotations

from itertools import product

from stabkit.claims.claim import claim
from stabkit.stability.property import Calculation
from stabkit.stability.verdict import REFUTED

RESNETS = {"ResNet-18": ((2, 2, 2, 2), "112", ("11173962", "11220132")),
           "ResNet-34": ((3, 4, 6, 3), "213", ("21282122", "21328292"))}
#: Columns c_u, c_f, Π per grid (none, three of 3×3 or one kernel for all), printed 0.1 M.
ROWS = {1: (256, 256, "none", 71), 2: (256, 256, "3x3", 89), 3: (256, 512, "3x3", 195),
        4: (256, 512, "channelwise", 177)}


def _resnet(blocks: tuple[int, ...]) -> str:
    """Stem, two 3×3 convolutions per block, a 1×1 projection where the width doubles, head."""
    text, before = "27*64 + 2*64", 64
    for count, width in zip(blocks, (64, 128, 256, 512), strict=True):
        text += f" + {2 * count - 1}*(9*{width}**2 + 2*{width}) + 9*{before}*{width} + 2*{width}"
        if width != before:
            text += f" + {before}*{width} + 2*{width}"
        before = width
    return f"{text} + 513*classes"


@claim("Table 2", weight="minor", within=dict(network=tuple(RESNETS)))
def resnet_parameter_counts(network):
    """ResNet-18 and ResNet-34 for CIFAR (3×3 stem, projection shortcuts, batch normalisation) have
    11.2 M and 21.3 M parameters, for 10 and for 100 classes."""
    blocks, tenths, exact = RESNETS[network]
    return Calculation(
        dict(classes=[10, 100]), [("total", _resnet(blocks))],
        [f"total == [{', '.join(exact)}]", f"floor(total/100000 + 1/2) == {tenths}"],
        "two numbers per channel for each batch normalisation", necessary=True)


IMAGES, BATCH = 50000, 128
BATCHES = "images / size"


@claim("Algorithm 5 with the values of Section 9", weight="minor", expect=REFUTED)
def epochs_are_whole_numbers_of_batches():
    """N/m mini-batches of size m = 128 cover the N = 50000 images, N/m an integer."""
    return Calculation(
        dict(images=IMAGES, size=BATCH), [("count", BATCHES)],
        ["floor(count) == count", "count * size >= images"],
        "50000 = 390 · 128 + 80", necessary=True)


@claim("derived (Algorithm 5)", weight="minor")
def epochs_are_whole_numbers_of_batches_corrected():
    """⌈N/m⌉ = 391 mini-batches cover the images, the last of them with 80."""
    return Calculation(
        dict(images=IMAGES, size=BATCH), [("count", "-floor(-(images / size))")],
        ["count == 391", "count * size >= images", "(count - 1) * size + 80 == images"],
        "the smallest integer that is at least N/m", necessary=True)


TOTAL = "27*cf + {AB}*9*cu*cf + {R}*9*cf**2 + {Pi} + 10*cu + 10"
PI = {"none": "0", "3x3": "{Pi}*9*cu**2", "channelwise": "9*{Pi}"}


#: A and B together, R, Π: as described, and as the table has it.
DESCRIBED, MATCHING = (8, 3, 3), (9, 3, 3)


def _total(row: int, AB: int | str, R: int | str, Pi: int | str) -> str:
    return TOTAL.format(AB=AB, R=R, Pi=PI[ROWS[row][2]].format(Pi=Pi))


def _row(row: int) -> dict[str, int]:
    cu, cf, _, printed = ROWS[row]
    return dict(cu=cu, cf=cf, printed=printed)


@claim("Table 2 with Section 9.1", weight="minor", expect=REFUTED, within=dict(row=tuple(ROWS)))
def mgnet_parameter_counts(row):
    """The described MgNets (four grids with one A and one constant B each, three R, three Π, stem,
    linear layer; 3×3 kernels; 10 classes) have 7.1, 8.9, 19.5, 17.7 M parameters in the four rows,
    with or without batch normalisation."""
    return Calculation(
        _row(row), [("total", _total(row, *DESCRIBED)), ("normalised", "total + 2*15*cf")],
        ["floor(total/100000 + 1/2) == printed or floor(normalised/100000 + 1/2) == printed"],
        "two numbers per channel after the stem, four A, four B, three R and three Π, all counted "
        "with c_f channels", necessary=True)


@claim("Table 2", weight="minor", within=dict(part=(*ROWS, "only these")))
def mgnet_parameter_counts_corrected(part):
    """All four rows match with nine instead of eight 3×3 convolutions between c_u and c_f channels,
    and with no other integer numbers (A and B together, R, Π)."""
    if part in ROWS:
        return Calculation(_row(part), [("total", _total(part, *MATCHING))],
                           ["floor(total/100000 + 1/2) == printed"],
                           "A and B, R, Π as in the statement", necessary=True)
    found = [numbers for numbers in product(range(20), repeat=3) if all(_fits(*numbers))]
    return Calculation(
        dict(found=found, unit=9 * 256**2),
        [("row1(n)", "27*256 + n*unit + 2570"), ("row2(n, q)", "row1(n) + q*unit"),
         ("row4(n, k)", "27*512 + 2*n*unit + 2*k*unit + 2570 + 27")],
        ["found == [[{}, {}, {}]]".format(*MATCHING),
         "row1(11) < 7050000 and 7050000 <= row1(12)",
         "row1(12) < 7150000 and 7150000 <= row1(13)",
         "row2(12, 2) < 8850000 and row2(12, 4) >= 8950000",
         "row4(12, 2) < 17650000 and row4(12, 4) >= 17750000"],
        "`found` is all that fits among the numbers below 20.  In general, with n of A, B and R "
        "together, k of R and q of Π: row 1 grows with n and forces n = 12, row 2 then q = 3, and "
        "row 4 with n = 12 and q = 3 forces k = 3", necessary=True)


def _fits(AB: int, R: int, Pi: int):
    """Does each row round to the printed number?"""
    for cu, cf, kind, printed in ROWS.values():
        extra = {"none": 0, "3x3": Pi * 9 * cu**2, "channelwise": 9 * Pi}[kind]
        total = 27 * cf + AB * 9 * cu * cf + R * 9 * cf**2 + extra + 10 * cu + 10
        yield (2 * total + 100000) // 200000 == printed
