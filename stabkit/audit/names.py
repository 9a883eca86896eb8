"""The notions of an audit by their names, and what each of them says of a network."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from stabkit.errors import InvalidArgument
from stabkit.notions import CONTRACTION, EUCLIDEAN, RANGE, SIGN, Notion

BOUNDED = "bounded"    # one bound at any depth
MODES = "modes"        # of each block alone: nothing follows from it for the network
CONSTANT = "constant"  # the Lipschitz constant that was asked for

#: The notions that can be asked for; those that no scheme has stand for themselves.
NOTIONS: dict[str, Notion | None] = {
    "euclidean": EUCLIDEAN, "contraction": CONTRACTION, "range": RANGE, "sign": SIGN,
    "energy": None, BOUNDED: None, MODES: None}


def constant_name(at_most: Fraction) -> str:
    """The name of the question whether L is a Lipschitz constant."""
    short = f"{float(at_most):.12g}"
    return f"{CONSTANT} <= {short if Fraction(short) == at_most else at_most}"


def chosen(notions: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that were asked for, each of them known."""
    asked = [notions] if isinstance(notions, str) else list(notions)
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise InvalidArgument(f"notion: must be among {', '.join(known)}, got {unknown[0]!r}")
    return asked
