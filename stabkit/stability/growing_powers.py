"""Evidence that powers of a matrix, or of a linear step, grow beyond every bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.linalg

from stabkit.aliases import Matrix
from stabkit.arithmetic.rational import is_psd
from stabkit.arithmetic.transcript import Transcript
from stabkit.multipliers.linear_systems import complete, reduce_system
from stabkit.stability.confirmation import confirm_evidence
from stabkit.stability.verdict import Evidence, calculation

Vectors = Sequence[Any]
ZERO = Fraction(0)
UNITS = (2**8, 2**16, 2**32)  # denominators that are tried
_STEP = "with these members the step is the matrix M, and what is to be bounded is P z: "
_FAST = _STEP + (
    "V(z) = z.V z grows by the factor {rate} or more with every step from where it is positive, as "
    "it is at the start, and |P z|^2 sums to V/{times} or more over {count} steps in a row, so it "
    "grows beyond every bound")
_SLOW = _STEP + (
    "after n steps z is {sign}^n (start + n d) with d = {sign} M start - start, and P d is not 0, "
    "so |P z| grows beyond every bound")


def growth_evidence(step: Callable[..., Vectors], of: Callable[..., Vectors], names: Sequence[str],
                    size: int = 1) -> Evidence | None:
    """Evidence that what a linear step of numbers makes of some start is not bounded, or None.

    Parameters
    ----------
    step : callable
        Takes vectors of `size` entries each.
    of : callable
        What of them is to be bounded.
    names : sequence of str
        Of the vectors.
    """
    M, P = (_matrix(function, len(names), size) for function in (step, of))
    if M.shape[0] != M.shape[1]:
        return None
    log = Transcript()
    return _evidence(log, _of_columns(log, step, names, size, M), M, P)


def unboundedness_evidence(M: Matrix) -> Evidence | None:
    """Evidence that the powers of a rational matrix are not bounded, or None."""
    return _evidence(Transcript(), [], M, _one(M))


def _evidence(log: Transcript, shows: list[str], M: Matrix, P: Matrix) -> Evidence | None:
    M_, P_ = (log.give(name, value).text for name, value in (("M", M), ("P", P)))
    by = _fast(log, shows, (M, P), (M_, P_)) or _slow(log, shows, (M, P), (M_, P_))
    return confirm_evidence(calculation("witness", log, shows, by)) if by else None


def _one(M: Matrix) -> Matrix:
    n = range(len(M))
    return np.array([[Fraction(int(i == j)) for j in n] for i in n], dtype=object)


def _fast(log: Transcript, shows: list[str], values: tuple[Matrix, Matrix], texts: tuple[str, str]
          ) -> str:
    """Why powers grow by a factor, and the conditions for it; "" if that is not seen."""
    (M, P), (M_, P_) = values, texts
    found = _form(M)
    if found is None:
        return ""
    V, rate, z = found
    count = len(M)
    after = [P]
    for _ in range(count - 1):
        after.append(after[-1] @ M)
    seen = sum((x.T @ x for x in after), 0 * V)
    times = next((c for k in range(41) if is_psd((c := 2**k) * seen - V)), None)
    if times is None:
        return ""
    V_, z_ = (log.give(name, value).text for name, value in (("V", V), ("start", z)))
    rows = [P_ + f" @ {M_}" * k for k in range(count)]
    squares = " + ".join(f"({x}).T @ ({x})" for x in rows)
    shows += [f"psd({M_}.T @ {V_} @ {M_} - {rate} * {V_})", f"psd({times} * ({squares}) - {V_})",
              f"dot({z_}, {V_} @ {z_}) > 0"]
    return _FAST.format(rate=rate, times=times, count=count)


def _slow(log: Transcript, shows: list[str], values: tuple[Matrix, Matrix], texts: tuple[str, str]
          ) -> str:
    """Why powers grow like n, by a Jordan block at 1 or −1; "" if there is none."""
    (M, P), (M_, P_) = values, texts
    for sign in (1, -1):
        N = sign * M - _one(M)
        z = next((z for z in _kernel(N @ N) if any(P @ N @ z)), None)
        if z is not None:
            z_ = log.give("start", z).text
            d = f"({sign} * ({M_} @ {z_}) - {z_})"
            shows += [f"{sign} * ({M_} @ {d}) == {d}", f"dot({P_} @ {d}, {P_} @ {d}) > 0"]
            return _SLOW.format(sign=sign)
    return ""


def _kernel(A: Matrix) -> Iterator[np.ndarray]:
    """Vectors that span what a matrix takes to 0."""
    columns = [{i: Fraction(x) for i, x in enumerate(column) if x} for column in A.T]
    echelon = reduce_system(columns, range(len(A)), {})
    if echelon is not None:
        for j in sorted({*range(len(A))} - {*echelon[1]}):
            yield np.array(complete(*echelon, {j: Fraction(1)}), dtype=object)


def _matrix(function: Callable[..., Vectors], count: int, size: int) -> Matrix:
    columns = [np.concatenate([np.asarray(part, dtype=object) for part in function(*unit)])
               for unit in _units(count, size)]
    return np.array(columns, dtype=object).T


def _units(count: int, size: int) -> Iterator[list[np.ndarray]]:
    """The unit vectors of a state of so many vectors."""
    for j in range(count * size):
        unit = np.array([Fraction(int(i == j)) for i in range(count * size)], dtype=object)
        yield np.split(unit, count)


def _form(M: Matrix) -> tuple[Matrix, Fraction, np.ndarray] | None:
    """V, a rate > 1 and z, such that V(M x) >= rate V(x) for all x, and V(z) > 0; or None."""
    floats = M.astype(float)
    if not np.isfinite(floats).all() or floats.shape[0] != floats.shape[1]:
        return None
    radius = np.abs(np.linalg.eigvals(floats)).max()
    if not 1 + 1e-9 < radius < 1e6:
        return None
    rate = Fraction(1 + (radius**2 - 1) / 2).limit_denominator(10**6)
    try:  # MᵀVM − rate V = rate I
        V = scipy.linalg.solve_discrete_lyapunov(floats.T / float(rate)**0.5, -np.eye(len(floats)))
    except np.linalg.LinAlgError:
        return None
    values, vectors = np.linalg.eigh((V + V.T) / 2)
    for unit in UNITS if np.isfinite(values).all() and values[-1] > 0 else ():
        rounded, z = _round_to_unit((V + V.T) / 2, unit), _round_to_unit(vectors[:, -1], unit)
        if z @ rounded @ z > 0 and is_psd(M.T @ rounded @ M - rate * rounded):
            return rounded, rate, z
    return None


def _round_to_unit(x: np.ndarray, unit: int) -> np.ndarray:
    made = np.empty(x.shape, dtype=object)
    for place, entry in np.ndenumerate(x):
        made[place] = Fraction(round(float(entry) * unit), unit)
    return made


def _of_columns(log: Transcript, step: Callable[..., Vectors], names: Sequence[str], size: int,
                M: Matrix) -> list[str]:
    """Conditions that the step takes each unit vector to its column of M."""
    shows = []
    for j, unit in enumerate(_units(len(names), size)):
        given = [log.give(f"{name}{j}", x) for name, x in zip(names, unit, strict=True)]
        columns = np.split(M[:, j], len(names))
        for part, name, column in zip(step(*given), names, columns, strict=True):
            shows.append(f"{part.text} == {log.give(f'{name}{j}_next', column).text}")
    return shows
