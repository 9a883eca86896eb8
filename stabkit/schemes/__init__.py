"""Schemes: one-step maps, and networks as their compositions."""

from stabkit.schemes.diffusion import (
    FSI,
    DiffusionScheme,
    Explicit,
    FixedPoint,
    IsotropicExplicit,
)
from stabkit.schemes.hamiltonian import Leapfrog, Reverse, Verlet, halves, joined, reverse
from stabkit.schemes.implicit import Implicit, Regularisation
from stabkit.schemes.residual import Function, Linear, Pointwise, ResidualBlock
from stabkit.schemes.scheme import Chain, Scheme, as_count, as_signal, as_step, repeat
from stabkit.schemes.semi_implicit import SemiImplicit, additive_splitting
from stabkit.schemes.shrinkage import HaarShrinkage, cycle_spun_haar
from stabkit.schemes.symmetric import (
    ForwardEuler,
    LayerNormalisation,
    SymmetricLayer,
    TotalVariation,
)

__all__ = [
    "FSI", "Chain", "DiffusionScheme", "Explicit", "FixedPoint", "ForwardEuler", "Function",
    "HaarShrinkage", "Implicit", "IsotropicExplicit", "LayerNormalisation", "Leapfrog", "Linear",
    "Pointwise", "Regularisation", "ResidualBlock", "Reverse", "Scheme", "SemiImplicit",
    "SymmetricLayer", "TotalVariation", "Verlet", "additive_splitting", "as_count", "as_signal",
    "as_step", "cycle_spun_haar", "halves", "joined", "repeat", "reverse",
]
