"""The questions that an audit asks of a network: the notions of a scheme, and a few of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from stabkit.errors import InvalidArgument, several
from stabkit.stability.notions import (
    CONSTANT_WORDS,
    CONTRACTION,
    ENERGY_WORDS,
    EUCLIDEAN,
    RANGE,
    SIGN,
    Notion,
    Words,
)

BOUNDED = "bounded"    # one bound at any depth
MODES = "modes"        # of each block alone: nothing follows from it for the network
CONSTANT = "constant"  # the Lipschitz constant that was asked for
LOCAL = "local"        # that of a ball

#: The notions that can be asked for; those that no scheme has stand for themselves.
NOTIONS: dict[str, Notion | None] = {
    **{notion.name: notion for notion in (EUCLIDEAN, CONTRACTION, RANGE, SIGN)},
    "energy": None, BOUNDED: None, MODES: None}

_WORDS = {
    **{name: notion.words for name, notion in NOTIONS.items() if notion is not None},
    "energy": ENERGY_WORDS, CONSTANT: CONSTANT_WORDS,
    BOUNDED: Words(says="one bound at any depth", holds="growth has one bound at any depth",
                   fails="growth over depth has no bound"),
    LOCAL: Words(says="|u+ - w+| <= L |u - w| in the ball",
                 holds="its Lipschitz constant in the ball is at most the one asked for",
                 fails="its Lipschitz constant in the ball is larger than the one asked for"),
    MODES: Words(says="each block alone: no mode grows",
                 holds="no mode of a single block grows, from which nothing follows for the "
                       "network", fails="a mode of a single block grows"),
}


def words_of(name: str) -> Words:
    """How the question of that name is said."""
    return _WORDS[name.split()[0]]


def notion_of_name(name: str) -> Notion:
    """The notion of schemes that a question asks for."""
    notion = NOTIONS.get(name)
    if notion is None:
        raise InvalidArgument(f"notion: {name!r} is asked of whole networks alone; ask for one of "
                              f"{', '.join(key for key, known in NOTIONS.items() if known)}")
    return notion


def constant_name(at_most: Fraction) -> str:
    """The name of the question whether L is a Lipschitz constant."""
    return f"{CONSTANT} <= {_number(at_most)}"


def local_name(at_most: Fraction, radius: Fraction) -> str:
    """The name of the same question for the inputs in a ball."""
    return f"{LOCAL} {CONSTANT} <= {_number(at_most)} within {_number(radius)}"


def _number(value: Fraction) -> str:
    short = f"{float(value):.12g}"
    return short if Fraction(short) == value else str(value)


def select_notions(notions: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that were asked for, each of them known."""
    asked = [notions] if isinstance(notions, str) else list(several(notions, "notions"))
    unknown = [name for name in asked if not (isinstance(name, str) and name in known)]
    if unknown:
        raise InvalidArgument(f"notion: must be among {', '.join(known)}, got {unknown[0]!r}")
    return asked
