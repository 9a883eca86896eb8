"""Conclusions that are decided both ways where their hypotheses hold."""

from __future__ import annotations

from collections.abc import Sequence

from stabkit.aliases import Configuration
from stabkit.stability.property import Calculation, Either


def under(hypotheses: Sequence[str], conclusions: Sequence[str], by: str,
          given: Configuration, let: Sequence[Sequence[str]] = ()) -> Either:
    """All conclusions, in the language of evidence; open where a hypothesis does not hold.

    A calculation whose conditions are all necessary would take a hypothesis that fails for a
    refutation.
    """
    joined = " and ".join(f"({condition})" for condition in conclusions)
    return Either(Calculation(given, let, [*hypotheses, *conclusions], by),
                  Calculation(given, let, [*hypotheses, f"not ({joined})"], by))
