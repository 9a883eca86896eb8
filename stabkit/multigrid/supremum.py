"""The supremum of a spectral radius over all low frequencies, enclosed.

The lower bound is the value at one frequency, proven by a Schur–Cohn test in ball arithmetic.  The
upper bound is certified on boxes that cover all frequencies, by Gershgorin's theorem after a change
of basis; boxes are split until every test is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np
import scipy.linalg
import scipy.sparse.csgraph
from flint import acb, acb_mat, arb, ctx

from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.flint_rationals import to_fmpq
from stabkit.errors import InvalidArgument, Undecided
from stabkit.multigrid.smoother_symbol import Operator
from stabkit.multigrid.symbol import Box, Frequencies

HALF = Fraction(1, 2)
#: Frequencies whose s are at most this are covered near 0.
NEAR = Fraction(1, 4)
WELL_CONDITIONED = 100
#: The powers 1, 2, 4 … of a matrix that are tried.
SQUARES = 3
MOST_BOXES = 200_000
#: The part of a matrix that is not Hermitian, below which orthonormal vectors are its basis.
HERMITIAN = 1e-9
#: Bits at a single frequency, where characteristic polynomials cancel.
BITS = 256

Signs = list[tuple[int, ...]]


def supremum(operator: Operator, signs: Signs, tolerance: Fraction, near_zero: bool, *,
             interchangeable: bool = False) -> Interval:
    """Of interchangeable axes only frequencies s_1 >= s_2 >= … are looked at."""
    if tolerance <= 0:
        raise InvalidArgument(f"tolerance: must be positive, got {tolerance}")
    d, symmetric = len(signs[0]), interchangeable and len(signs) == 1
    lower = max((_largest(operator, d, each) for each in signs), key=float)
    bound = lower + arb(to_fmpq(tolerance))
    covers: list[tuple[Callable, Box, bool]] = [
        (Frequencies.of, ((Fraction(0), HALF),) * d, near_zero)]
    if near_zero:
        # Near frequency 0 in t and x, by the axis whose s is the largest; elsewhere in s.
        covers += [(partial(Frequencies.near_zero, axis),
                    ((Fraction(0), NEAR), *((Fraction(0), Fraction(1)),) * (d - 1)), False)
                   for axis in range(1 if symmetric else d)]
    for each in signs:
        for chart, box, far in covers:
            # Near 0 the s of the first axis is the largest, and t stands in its place.
            ordered = range(0 if chart == Frequencies.of else 1, d) if symmetric else range(0)
            _certify(operator, partial(_frequencies, chart, each), box, bound, partial(
                _is_covered, far, ordered))
    return Interval(lower.lower(), bound.upper())


def _frequencies(chart: Callable[[Box, Sequence[int]], Frequencies], signs: Sequence[int],
                 part: Box) -> Frequencies:
    return chart(part, signs)


def _is_covered(far: bool, ordered: range, part: Box) -> bool:
    # By the boxes near 0, or by those where the axes are exchanged.
    if far and max(high for _, high in part) <= NEAR:
        return True
    return any(part[axis][1] < part[axis + 1][0] for axis in ordered[:-1])


def _certify(operator: Operator, chart: Callable[[Box], Frequencies], box: Box, bound: arb,
             covered: Callable[[Box], bool]) -> None:
    # Split until the spectral radius is certainly below the bound on every part.
    open_boxes, tested = [box], 0
    while open_boxes:
        part = open_boxes.pop()
        if covered(part):
            continue
        tested += 1
        if tested > MOST_BOXES:
            raise Undecided(f"the bound {bound} is not certain after {tested} boxes; raise the "
                            "tolerance")
        if not radius_below(operator(chart(part)), bound):
            open_boxes.extend(_halves(part))


def _halves(box: Box) -> Iterable[Box]:
    widest = max(range(len(box)), key=lambda axis: box[axis][1] - box[axis][0])
    low, high = box[widest]
    middle = (low + high) / 2
    for side in ((low, middle), (middle, high)):
        yield (*box[:widest], side, *box[widest + 1:])


def radius_below(matrix: acb_mat, bound: arb) -> bool:
    """True if every matrix in the ball matrix certainly has a spectral radius below the bound.

    V⁻¹ M V has the same eigenvalues for any V; with the eigenvectors of the middle matrix, or its
    scaled Schur vectors, the sums of absolute values of its rows (Gershgorin) come close, and
    closer for powers of a matrix that is far from normal.  Harmonics that are not coupled are
    apart.
    """
    for part in _components(matrix):
        power, limit = acb_mat([[matrix[i, j] for j in part] for i in part]), bound
        for _ in range(SQUARES):
            if _part_below(power, limit):
                break
            power, limit = power * power, limit * limit
        else:
            return False
    return True


def _components(matrix: acb_mat) -> list[list[int]]:
    n = matrix.nrows()
    # A ball around 0 is neither == 0 nor != 0 for certain, and may couple.
    graph = [[not matrix[i, j].is_zero() for j in range(n)] for i in range(n)]
    _, labels = scipy.sparse.csgraph.connected_components(np.array(graph), directed=False)
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _part_below(matrix: acb_mat, bound: arb) -> bool:
    if _rows_below(matrix, bound):
        return True
    middle = _middle(matrix)
    V = _basis(middle, float(bound)) if np.isfinite(middle).all() else None
    return V is not None and _rows_below(V.inv() * matrix * V, bound)


def _rows_below(matrix: acb_mat, bound: arb) -> bool:
    return all(sum((entry.abs_upper() for entry in row), arb(0)) < bound
               for row in matrix.tolist())


def _basis(middle: np.ndarray, bound: float) -> acb_mat | None:
    # None where the middle matrix itself is not below the bound.
    if abs(middle - middle.conj().T).max() <= HERMITIAN * abs(middle).max():
        values, vectors = np.linalg.eigh(middle)
        return _to_flint(vectors) if abs(values).max() < bound else None
    values, vectors = np.linalg.eig(middle)
    slack = bound - np.abs(values).max()
    if slack <= 0:
        return None
    if np.linalg.cond(vectors) < WELL_CONDITIONED:
        return _to_flint(vectors)
    triangle, vectors = scipy.linalg.schur(middle, output="complex")
    above = np.abs(np.triu(triangle, 1)).sum(axis=1).max()
    # The scaling leaves half the slack to what stands above the diagonal.
    return _to_flint(vectors * min(1, slack / (2 * above)) ** np.arange(len(middle)))


def _to_flint(matrix: np.ndarray) -> acb_mat:
    return acb_mat([[acb(entry.real, entry.imag) for entry in row]
                    for row in matrix.astype(complex)])


def _largest(operator: Operator, d: int, signs: tuple[int, ...]) -> arb:
    # The largest spectral radius found: a grid, then a pattern search, then a proven value.
    def radius(point: tuple[Fraction, ...]) -> float:
        return float(np.abs(np.linalg.eigvals(_middle(operator(_at(point, signs))))).max())

    grid = [Fraction(k, 32) for k in range(0, 17, 1 if d < 3 else 2)]
    points = [point for point in product(grid, repeat=d) if any(point)]
    points.append((Fraction(1, 2**20),) * d)
    best = max(points, key=radius)
    step, value = Fraction(1, 64), radius(best)
    while step > Fraction(1, 2**22):
        moves = [tuple(best[i] + (sign * step if i == axis else 0) for i in range(d))
                 for axis in range(d) for sign in (1, -1)]
        moves = [move for move in moves if any(move) and all(0 <= s <= HALF for s in move)]
        candidate = max(moves, key=radius)
        if radius(candidate) > value:
            best, value = candidate, radius(candidate)
        else:
            step /= 2
    with ctx.workprec(BITS):
        return radius_at_least(operator(_at(best, signs)))


def _at(point: tuple[Fraction, ...], signs: tuple[int, ...]) -> Frequencies:
    return Frequencies.of(tuple((s, s) for s in point), signs)


def _middle(matrix: acb_mat) -> np.ndarray:
    return np.array([[complex(float(entry.real.mid()), float(entry.imag.mid())) for entry in row]
                     for row in matrix.tolist()])


def radius_at_least(matrix: acb_mat) -> arb:
    """A proven lower bound of the spectral radius: some eigenvalue is outside this disc."""
    floating = float(np.abs(np.linalg.eigvals(_middle(matrix))).max())
    for digits in range(14, 2, -1):
        bound = arb(floating) * (1 - arb(10) ** -digits)
        if _radius_above(matrix, bound):
            return bound
    return arb(0)


def _radius_above(matrix: acb_mat, bound: arb) -> bool:
    # Schur–Cohn: all roots of a_n zⁿ + … + a_0 lie in |z| < 1 iff |a_0| < |a_n| and those of
    # (p − a_0/ā_n p*) / z do, p* the reversed conjugate; so a step that certainly fails proves it.
    if not bound > 0:
        return False
    n = matrix.nrows()
    a = [c / acb(bound) ** (n - k) for k, c in enumerate(matrix.charpoly().coeffs())]
    while len(a) > 1:
        if a[0].abs_lower() > a[-1].abs_upper():
            return True
        if not a[0].abs_upper() < a[-1].abs_lower():
            return False
        ratio = a[0] / a[-1].conjugate()
        a = [c - ratio * e.conjugate() for c, e in zip(a, reversed(a), strict=True)][1:]
    return False
