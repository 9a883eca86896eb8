"""The public names of stabkit, and the room that each is in: the one list of them.

Type checkers read it as it stands; the package reads it when it is imported.
"""

from . import fluxes as fluxes
from .audit import Audit as Audit, audit as audit, make_stable as make_stable
from .claims.claim import (
    Claim as Claim,
    Draw as Draw,
    claim as claim,
    load_claims as load_claims,
    registry as registry,
)
from .stability.cycles import CycleAtMost as CycleAtMost
from .stability.decide import decide as decide
from .arithmetic.enclosure import Interval as Interval
from .errors import (
    HypothesisNotMet as HypothesisNotMet,
    InvalidArgument as InvalidArgument,
    InvalidEvidence as InvalidEvidence,
    StabkitError as StabkitError,
    Undecided as Undecided,
)
from .fluxes.flux import (
    Facts as Facts,
    Flux as Flux,
    Piece as Piece,
    from_activation as from_activation,
    from_diffusivity as from_diffusivity,
    from_regulariser as from_regulariser,
    from_shrinkage as from_shrinkage,
)
from .stability.invariants import (
    POWER_BOUNDED as POWER_BOUNDED,
    box as box,
    stays_in as stays_in,
    weighted as weighted,
)
from .stability.notions import (
    CONTRACTION as CONTRACTION,
    CONTRAST as CONTRAST,
    CYCLIC_SIGN as CYCLIC_SIGN,
    CYCLIC_VARIATION as CYCLIC_VARIATION,
    EUCLIDEAN as EUCLIDEAN,
    EXTREMA as EXTREMA,
    MAX_NORM as MAX_NORM,
    MEAN as MEAN,
    POSITIVITY as POSITIVITY,
    RANGE as RANGE,
    SIGN as SIGN,
    VARIATION as VARIATION,
    Energy as Energy,
    Notion as Notion,
    energy as energy,
    sensitivity as sensitivity,
)
from .operators import (
    DIRICHLET as DIRICHLET,
    MIRRORED as MIRRORED,
    NATURAL as NATURAL,
    PERIODIC as PERIODIC,
    REFLECTING as REFLECTING,
    Boundary as Boundary,
    Operator as Operator,
    convolution as convolution,
    difference as difference,
    differential_operator as differential_operator,
    from_matrix as from_matrix,
    grid_gradient as grid_gradient,
    identity as identity,
    norm_squared as norm_squared,
    operator_norm as operator_norm,
    stable_step as stable_step,
)
from .stability.property import (
    AllOf as AllOf,
    AtMost as AtMost,
    Calculation as Calculation,
    Either as Either,
    Experiment as Experiment,
    FaceWithin as FaceWithin,
    Identity as Identity,
    NormAtMost as NormAtMost,
    Not as Not,
    Stable as Stable,
    UniqueSolution as UniqueSolution,
)
from .prover import Proof as Proof, bounded as bounded, prove as prove
from .replay import replay as replay
from .report.figures import plot as plot
from .methods import cycle as cycle
from .schemes import (
    FSI as FSI,
    Chain as Chain,
    Explicit as Explicit,
    FixedPoint as FixedPoint,
    HaarShrinkage as HaarShrinkage,
    Implicit as Implicit,
    Linear as Linear,
    Pointwise as Pointwise,
    Regularisation as Regularisation,
    ResidualBlock as ResidualBlock,
    Scheme as Scheme,
    SemiImplicit as SemiImplicit,
    additive_splitting as additive_splitting,
    repeat as repeat,
)
from .stability.sharpness import senses as senses, step_bound as step_bound
from .stability.verdict import Status as Status, Verdict as Verdict
from .claims.verify import verify as verify
