"""The functions that evidence may use, each with the kinds of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from stabkit.errors import InvalidEvidence
from stabkit.replay import algebra, elementary, polynomials, reals, rows
from stabkit.replay.algebra import (
    MAX_LENGTH,
    ONE,
    ZERO,
    array,
    entries,
    entrywise,
    shape,
    some_entries,
)
from stabkit.replay.reals import Interval, infinite, pay_for_bits

# kind of an argument -> (number of indices it may have, in words)
KINDS = {
    "n": ((0,), f"an integer from 0 to {MAX_LENGTH}"),
    "e": ((0,), "a rational number or an infinity"),
    "f": ((0,), "a rational number"),
    "q": ((1,), "a vector of rational numbers"),
    "r": ((2,), "a matrix of rational numbers"),
    "v": ((1,), "a vector"),
    "k": ((1,), "a vector (which may hold infinities)"),
    "m": ((2,), "a matrix"),
    "o": ((2,), "a matrix, which may be one of blocks"),
    "b": ((2,), "a matrix of rational numbers, or of blocks"),
    "x": ((0, 1, 2), "a number, vector or matrix"),
}

CONSTANTS: dict[str, Callable] = {"pi": elementary.pi, "inf": lambda: reals.INF}

_ENTRYWISE = {
    "abs": abs, "sign": reals.sign, "floor": reals.floor, "sqrt": elementary.sqrt,
    "exp": elementary.exp, "log": elementary.log, "sin": elementary.sin, "cos": elementary.cos,
    "tanh": elementary.tanh, "atan": elementary.atan, "erf": elementary.erf,
}

# name -> (kinds of the arguments, "*" for one or more of the kind before it; function)
BUILTINS: dict[str, tuple[str, Callable]] = {
    name: ("x", partial(entrywise, function)) for name, function in _ENTRYWISE.items()
} | {
    "I": ("n", algebra.identity),
    "ones": ("n", lambda n: array([ONE] * n)),
    "zeros": ("n", lambda n: array([ZERO] * n)),
    "diag": ("v", algebra.diagonal),
    "outer": ("vv", algebra.outer),
    "kron": ("mm", algebra.kron),
    "stack": ("mm", algebra.stack),
    "concat": ("k*", lambda *vectors: array(entry for u in vectors for entry in u)),
    "vec": ("m", algebra.vec),
    "inverse": ("m", algebra.inverse),
    "len": ("k", lambda u: Fraction(len(u))),
    "sum": ("x", lambda x: algebra.vector_sum(some_entries(x))),
    "dot": ("vv", algebra.dot),
    "norm2": ("x", algebra.norm2),
    "min": ("x*", algebra.least),
    "max": ("x*", algebra.greatest),
    "trace": ("m", algebra.trace),
    "det": ("m", algebra.determinant),
    "rank": ("m", algebra.rank),
    "largest_product": ("o", lambda K: rows.largest_product(K) if isinstance(K, rows.Rows)
                        else algebra.largest_product(K)),
    "sign_changes": ("v", algebra.sign_changes),
    "decay": ("nx", lambda k, x: entrywise(partial(elementary.decay, k), x)),
    "polyval": ("vx", lambda c, x: entrywise(partial(polynomials.value, some_entries(c)), x)),
    "roots_in": ("qee", polynomials.roots_in),
    "positive_on": ("qee", polynomials.positive_on),
    "nonneg_on": ("qee", polynomials.nonneg_on),
    "psd": ("m", algebra.semidefinite),
    "pd": ("m", algebra.definite),
    "nonneg": ("x", algebra.nonnegative),
    "tridiagonal": ("m", algebra.tridiagonal),
    "totally_nonneg": ("r", algebra.totally_nonnegative),
    "row_sums": ("b", rows.row_sums),
    "smallest_entry": ("b", rows.smallest_entry),
    "side_by_side": ("b", rows.side_by_side),
    "column_squares": ("b", rows.column_squares),
    "gram_bound": ("b", rows.gram_bound),
    "gram_at_most": ("bf", rows.gram_at_most),
}


def call(name: str, args: list):
    """Apply a builtin, once its arguments are of the right number and kind."""
    kinds, function = BUILTINS[name]
    if kinds.endswith("*") and args:
        kinds = kinds[0] * len(args)
    if len(kinds) != len(args):
        raise InvalidEvidence(f"{name} takes {len(kinds.rstrip('*'))} arguments, got {len(args)}")
    return function(*(_of_kind(kind, arg, name) for kind, arg in zip(kinds, args, strict=True)))


def _of_kind(kind: str, arg, name: str):
    """The argument, as an int for kind "n"; reading it is paid for entry by entry."""
    ranks, words = KINDS[kind]
    if isinstance(arg, rows.Rows) and kind in "ob":
        return arg
    exact = kind in "nefqrb"
    fits = len(shape(arg)) in ranks
    if kind == "q":
        some_entries(arg)
    for entry in entries(arg):
        real = isinstance(entry, Fraction) or (not exact and isinstance(entry, Interval))
        if not fits or not (real or (kind in "ek" and infinite(entry))):
            raise InvalidEvidence(f"{name} needs {words}")
        pay_for_bits(entry)
    if not fits or (kind == "n" and not (arg.denominator == 1 and 0 <= arg <= MAX_LENGTH)):
        raise InvalidEvidence(f"{name} needs {words}")
    return int(arg) if kind == "n" else arg
