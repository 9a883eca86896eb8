"""stabkit decides stability claims about numerical schemes and networks, with evidence."""

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
