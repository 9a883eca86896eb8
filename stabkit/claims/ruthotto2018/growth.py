"""Whether the powers of a matrix stay bounded: an invariant form, or an exact law of growth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from stabkit.claims.ruthotto2018.networks import shown
from stabkit.errors import InvalidArgument
from stabkit.property import Not, Property
from stabkit.rational import determinant, fractions
from stabkit.transcript import Transcript

LONGEST = 12
STARTS = ((1, 0), (0, 1), (1, 1), (1, -1))


def bounded(log: Transcript, name: str, matrix: np.ndarray, start: Sequence | None = None
            ) -> Property:
    """That the iterates Vʲx of a rational 2×2 matrix V of determinant 1 stay bounded.

    Parameters
    ----------
    log : Transcript
        Knows V by `name`.
    name : str
    matrix : ndarray of Fraction
        V.
    start : sequence of rational, optional
        x; every x if left out.

    Returns
    -------
    Property
        A certificate if they are bounded, the negation of a certificate of growth if not.
    """
    if matrix.shape != (2, 2) or determinant(matrix) != 1:
        raise InvalidArgument("matrix: must be 2x2 with determinant 1")
    trace = matrix[0, 0] + matrix[1, 1]
    if abs(trace) < 2:
        return _turning(log, name, matrix)
    starts = [fractions(x) for x in ([start] if start is not None else STARTS)]
    if abs(trace) == 2:
        return _shearing(log, name, matrix, int(trace / 2), starts)
    return _growing(log, name, matrix, starts)


def _turning(log: Transcript, V: str, matrix: np.ndarray) -> Property:
    (a, b), (c, d) = matrix
    form = np.array([[c, (d - a) / 2], [(d - a) / 2, -b]], dtype=object)
    Q = log.give("Q", form if c > 0 else -form).text
    return shown(log, [f"{V}.T @ {Q} @ {V} == {Q}", f"pd({Q})"],
                 f"{V} conserves x'{Q}x, which is positive definite: all powers are bounded")


def _shearing(log: Transcript, V: str, matrix: np.ndarray, sign: int, starts: list) -> Property:
    E = matrix - sign * np.eye(2, dtype=int)
    moving = next((x for x in starts if any(E @ x)), None)
    if moving is None:
        x = log.give("x", starts[0]).text
        return shown(log, [f"{V} @ {x} == {sign} * {x}"] if len(starts) == 1 else
                     [f"{V} == {sign} * I(2)"], "the iterates only change their sign, if anything")
    x = log.give("x", moving).text
    log.let.append(["E", f"{V} - {sign} * I(2)"])
    return Not(shown(log, ["E @ E == 0", f"E @ {x} != 0"],
                     f"the iterates are ({sign})ʲ x + j ({sign})ʲ⁻¹ E x: they grow linearly"))


def _growing(log: Transcript, V: str, matrix: np.ndarray, starts: list) -> Property:
    # The earliest iterate of any start from which an entry does not shrink.
    trace = matrix[0, 0] + matrix[1, 1]
    found = []
    for x in starts:
        orbit = [x]
        for _ in range(LONGEST):
            orbit.append(matrix @ orbit[-1])
        found += [(place, entry, orbit) for place, (w, v) in enumerate(pairwise(orbit))
                  for entry in (0, 1) if abs(v[entry]) >= abs(w[entry]) > 0]
    if not found:
        raise InvalidArgument(f"start: no growth within {LONGEST} steps")
    place, entry, orbit = min(found, key=lambda item: item[0])
    x = log.give("x", orbit[place]).text
    sign = "> 2" if trace > 0 else "< -2"
    which = "" if place == 0 else f" (the iterate number {place} of {orbit[0][0]}, {orbit[0][1]})"
    return Not(shown(
        log, [f"det({V}) == 1", f"trace({V}) {sign}",
              f"0 < abs({x}[{entry}]) and abs({x}[{entry}]) <= abs(({V} @ {x})[{entry}])"],
        f"w_j, the entry {entry} of {V}ʲ{x}{which}, obeys w_(j+1) = trace w_j − w_(j−1) (Cayley "
        "and Hamilton), so |w_(j+1)| >= (|trace| − 1)|w_j|: it grows exponentially"))
