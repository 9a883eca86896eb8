"""Sums of two floats that hold twice the precision of one (Dekker 1971, Knuth)."""

from __future__ import annotations

from typing import Any

SPLITTER = 2.0**27 + 1  # splits a float into two halves


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """The rounded product, and what is missing to the exact one."""
    product = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return product, a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2)


def _halves(a: Any) -> tuple[Any, Any]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def add_twofold(high: Any, low: Any, x: Any, rest: Any) -> tuple[Any, Any]:
    """(high + low) + (x + rest), where rest is far below x."""
    total = high + x
    part = total - high
    error = (high - (total - part)) + (x - part)  # Knuth's exact one
    return total, low + (error + rest)
