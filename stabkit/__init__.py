"""stabkit decides stability claims about numerical schemes and networks, with evidence.

A name is imported when it is first asked for, because who lists claims or replays evidence needs
few of them.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stabkit import fluxes
    from stabkit.audit import Audit, audit, make_stable
    from stabkit.claim import Claim, Draw, claim, load_claims, registry
    from stabkit.decide import decide
    from stabkit.enclosure import Interval
    from stabkit.errors import (
        HypothesisNotMet,
        InvalidArgument,
        InvalidEvidence,
        StabkitError,
        Undecided,
    )
    from stabkit.flux import (
        Facts,
        Flux,
        Piece,
        from_activation,
        from_diffusivity,
        from_regulariser,
        from_shrinkage,
    )
    from stabkit.notions import (
        CONTRACTION,
        CONTRAST,
        EUCLIDEAN,
        RANGE,
        SIGN,
        Energy,
        Notion,
        energy,
        sensitivity,
    )
    from stabkit.operators import (
        DIRICHLET,
        MIRRORED,
        NATURAL,
        PERIODIC,
        REFLECTING,
        Boundary,
        Operator,
        convolution,
        difference,
        differential_operator,
        from_matrix,
        grid_gradient,
        identity,
        norm_squared,
        operator_norm,
        stable_step,
    )
    from stabkit.property import (
        AllOf,
        AtMost,
        Calculation,
        Experiment,
        FaceWithin,
        Identity,
        NormAtMost,
        Not,
        Stable,
        UniqueSolution,
    )
    from stabkit.replay import replay
    from stabkit.schemes import (
        FSI,
        Chain,
        Explicit,
        FixedPoint,
        HaarShrinkage,
        Implicit,
        Linear,
        Pointwise,
        Regularisation,
        ResidualBlock,
        Scheme,
        repeat,
    )
    from stabkit.sharpness import step_bound
    from stabkit.verdict import Status
    from stabkit.verify import Verdict, verify

__all__ = [
    "CONTRACTION", "CONTRAST", "DIRICHLET", "EUCLIDEAN", "FSI", "MIRRORED", "NATURAL", "PERIODIC",
    "RANGE", "REFLECTING", "SIGN", "AllOf", "AtMost", "Audit", "Boundary", "Calculation", "Chain",
    "Claim", "Draw", "Energy", "Experiment", "Explicit", "FaceWithin", "Facts", "FixedPoint",
    "Flux", "HaarShrinkage", "HypothesisNotMet", "Identity", "Implicit", "Interval",
    "InvalidArgument", "InvalidEvidence", "Linear", "NormAtMost", "Not", "Notion", "Operator",
    "Piece", "Pointwise", "Regularisation", "ResidualBlock", "Scheme", "StabkitError", "Stable",
    "Status", "Undecided", "UniqueSolution", "Verdict", "audit", "claim", "convolution", "decide",
    "difference", "differential_operator", "energy", "fluxes", "from_activation",
    "from_diffusivity", "from_matrix", "from_regulariser", "from_shrinkage", "grid_gradient",
    "identity", "load_claims", "make_stable", "norm_squared", "operator_norm", "registry", "repeat",
    "replay", "sensitivity", "stable_step", "step_bound", "verify",
]

_ROOMS = {
    "audit": ("Audit", "audit", "make_stable"),
    "claim": ("Claim", "Draw", "claim", "load_claims", "registry"),
    "decide": ("decide",),
    "enclosure": ("Interval",),
    "errors": (
        "HypothesisNotMet", "InvalidArgument", "InvalidEvidence", "StabkitError", "Undecided",
    ),
    "flux": (
        "Facts", "Flux", "Piece", "from_activation", "from_diffusivity", "from_regulariser",
        "from_shrinkage",
    ),
    "fluxes": (),
    "notions": (
        "CONTRACTION", "CONTRAST", "EUCLIDEAN", "RANGE", "SIGN", "Energy", "Notion", "energy",
        "sensitivity",
    ),
    "operators": (
        "DIRICHLET", "MIRRORED", "NATURAL", "PERIODIC", "REFLECTING", "Boundary", "Operator",
        "convolution", "difference", "differential_operator", "from_matrix", "grid_gradient",
        "identity", "norm_squared", "operator_norm", "stable_step",
    ),
    "property": (
        "AllOf", "AtMost", "Calculation", "Experiment", "FaceWithin", "Identity", "NormAtMost",
        "Not", "Stable", "UniqueSolution",
    ),
    "replay": ("replay",),
    "schemes": (
        "FSI", "Chain", "Explicit", "FixedPoint", "HaarShrinkage", "Implicit", "Linear",
        "Pointwise", "Regularisation", "ResidualBlock", "Scheme", "repeat",
    ),
    "sharpness": ("step_bound",),
    "verdict": ("Status",),
    "verify": ("Verdict", "verify"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


class _Package(ModuleType):
    """A package in which a function stands for the room that has its name, such as ``decide``.

    Python would put the room there whenever it is imported.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in _ROOM_OF:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _ROOM_OF:
        value = getattr(import_module(f"stabkit.{_ROOM_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f"stabkit.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
