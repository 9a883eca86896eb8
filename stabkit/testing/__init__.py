"""For the tests of other projects: an assertion of stability, and Hypothesis strategies.

Examples
--------
>>> from stabkit import EUCLIDEAN, Explicit, difference, fluxes
>>> from stabkit.testing import assert_stable
>>> step = Explicit(difference(1, 4), fluxes.soft(), "1/2")
>>> assert_stable(step, EUCLIDEAN).status
<Status.PROVED: 'proved'>

The strategies need the package hypothesis, the assertion does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stabkit.errors import NotStable
from stabkit.testing.assertion import assert_stable

if TYPE_CHECKING:
    from stabkit.testing.strategies import (
        activations,
        boundaries,
        convolutions,
        differences,
        fluxes,
        matrices,
        operators,
        rationals,
        ratios,
        signals,
        stencils,
    )

STRATEGIES = ("activations", "boundaries", "convolutions", "differences", "fluxes", "matrices",
              "operators", "ratios", "rationals", "signals", "stencils")

__all__ = [
    "NotStable",
    "activations",
    "assert_stable",
    "boundaries",
    "convolutions",
    "differences",
    "fluxes",
    "matrices",
    "operators",
    "rationals",
    "ratios",
    "signals",
    "stencils",
]


def __getattr__(name: str) -> Any:
    if name in STRATEGIES:
        from stabkit.testing import strategies  # late: it needs hypothesis, the assertion does not

        return getattr(strategies, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
