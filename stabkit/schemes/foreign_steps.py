"""Steps that are not the package's own: what goes in, and what comes out.

Such a step may work in place, contain floats, take single signals only, or return anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from stabkit.aliases import Signal
from stabkit.arithmetic.backend import is_foreign, namespace
from stabkit.arithmetic.enclosure import Interval
from stabkit.arithmetic.exact import as_rational, exactly, plainly
from stabkit.arithmetic.transcript import Term
from stabkit.errors import UNFIT, InvalidArgument, StabkitError, in_words

_MIXED = 1e-6  # relative distance that rounding may put between a batch and its signals


def guard(scheme: Any, u: Signal) -> Signal:
    """Take a step on a copy of u, exactly where u is exact, and check the result.

    Raises
    ------
    InvalidArgument
        If the step returns no real array of the shape of u; the message names the scheme.
    """
    if isinstance(u, Term):
        return scheme.step(u)
    if is_foreign(u):
        return scheme.step(namespace(u).asarray(u, copy=True))
    if u.ndim == 1:
        return _one(scheme, u)
    rows = u.reshape(-1, u.shape[-1])
    if u.dtype != object and len(rows) > 1:
        together = _batch(scheme, rows)
        if together is not None:
            return together.reshape(*u.shape[:-1], together.shape[-1])
    if not rows.size:
        return u.copy()
    return np.array([_one(scheme, row) for row in rows]).reshape(*u.shape[:-1], -1)


def _one(scheme: Any, u: np.ndarray) -> np.ndarray:
    if u.dtype == object:
        return plainly(_check_result(scheme, u, scheme.step(exactly(u))))
    try:
        with np.errstate(all="ignore"):
            made = scheme.step(u.copy())
    except StabkitError:
        raise
    except UNFIT as error:
        raise InvalidArgument(f"{name_of(scheme)}: its step raises {in_words(error)} for the input "
                              f"{short(u)}") from error
    return _check_result(scheme, u, made)


def _batch(scheme: Any, rows: np.ndarray) -> np.ndarray | None:
    """The step of many signals at once, or None if it differs from that of each one."""
    try:
        with np.errstate(all="ignore"):
            made = scheme.step(rows.copy())
        made = floats(made)
    except UNFIT:
        return None
    if type(made) is not np.ndarray or made.shape != rows.shape or made.dtype.kind != "f":
        return None
    for place in {0, len(rows) // 2, len(rows) - 1}:
        one = _one(scheme, rows[place])
        with np.errstate(all="ignore"):
            if np.any(np.abs(one - made[place]) > _MIXED * np.abs(one).max(initial=0)):
                return None
    for u, row in zip(rows, made, strict=True) if np.isnan(made).any() else ():
        _refuse_nan(scheme, u, row)
    return made


def _check_result(scheme: Any, u: np.ndarray, made: Any) -> np.ndarray:
    """The result for one signal as an array: of floats if u has floats, else of exact numbers."""
    exact = u.dtype == object
    array = made if isinstance(made, np.ndarray) else _as_array(made)
    array = array if exact else floats(array)
    kinds = "biufO" if exact else "biuf"
    if array is None or array.shape != u.shape or array.dtype.kind not in kinds:
        shown = f"{made!r:.60}" if array is None or array.dtype.kind == "O" else \
            f"shape {array.shape} and dtype {array.dtype}"
        raise InvalidArgument(f"{name_of(scheme)}: its step must return a real array of shape "
                              f"{u.shape}, got {shown}")
    if not exact:
        _refuse_nan(scheme, u, array)
        return array if array.dtype.kind == "f" else array.astype(u.dtype)
    if array.dtype.kind == "f" or not all(isinstance(as_rational(entry), (
            int, Fraction, Interval)) for entry in array):
        raise TypeError("its step leaves exact arithmetic")
    return array


def _as_array(made: Any) -> np.ndarray | None:
    """A list as an array, or None if it cannot be one."""
    if not isinstance(made, (list, tuple)):
        return None
    try:
        return np.array(made)
    except ValueError:  # lists of several lengths
        return None


def floats(made: Any) -> Signal:
    """Floats instead of objects where a step mixed floats with fractions."""
    mixed = isinstance(made, np.ndarray) and made.dtype == object and all(
        isinstance(entry, (int, float, Fraction, np.number)) for entry in made.flat)
    return made.astype(float) if mixed else made


def _refuse_nan(scheme: Any, u: np.ndarray, made: np.ndarray) -> None:
    if np.isnan(made).any() and np.isfinite(u).all():
        raise InvalidArgument(f"{name_of(scheme)}: its step gives nan at index "
                              f"{int(np.isnan(made).argmax())} for the input {short(u)}")


def name_of(scheme: Any) -> str:
    """The name of a scheme in a message."""
    function = getattr(scheme, "function", None)
    if function is None:
        return f"scheme {type(scheme).__name__}"
    return f"scheme: the function {getattr(function, '__qualname__', repr(function))}"


def short(u: np.ndarray) -> str:
    """A signal as a message shows it."""
    return str(u.tolist()) if u.size <= 8 else f"{u[:4].tolist()}, ... of {u.size} samples"


class Habits:
    """What a user's step does beside computing: it may work in place, or keep a state.

    Parameters
    ----------
    scheme : Scheme
    u : ndarray, shape (N,)
        The input, given to it now and again later.
    """

    def __init__(self, scheme: Any, u: np.ndarray):
        self.scheme, self.u = scheme, u
        self.first = None if scheme.trusted else self._answer(self.u[None])

    def _answer(self, signals: np.ndarray) -> np.ndarray:
        return np.array(self.scheme.pair(signals)[1])

    def words(self, signals: Sequence[np.ndarray] = ()) -> str:
        """A note that it changes its input in place; empty if there is nothing to say.

        Parameters
        ----------
        signals : sequence of ndarray, shape (N,)
            More inputs, each given to it several times.

        Raises
        ------
        InvalidArgument
            If it does not repeat its answers.
        """
        if self.first is None:
            return ""
        self._compare(self.u[None], self.first)
        if len(signals):
            again = np.array(signals, dtype=float)
            self._compare(again, self._answer(again))
        given = self.u.copy()
        try:
            with np.errstate(all="ignore"):
                self.scheme.step(given)
        except UNFIT:
            return ""
        return "" if np.array_equal(given, self.u) else \
            f"{name_of(self.scheme)} changes its input in place, so it was given copies"

    def _compare(self, signals: np.ndarray, first: np.ndarray) -> None:
        for answer in (self._answer(signals), self._answer(signals)):
            for u, one, other in zip(signals, first, answer, strict=True):
                if not np.array_equal(one, other, equal_nan=True):
                    raise InvalidArgument(
                        f"{name_of(self.scheme)} is not deterministic: it gave two outputs for the "
                        f"input {short(u)}")
