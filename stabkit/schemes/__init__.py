"""Schemes: one-step maps, and networks as their compositions."""

from stabkit.schemes.diffusion import FSI, DiffusionScheme, Explicit, FixedPoint
from stabkit.schemes.implicit import Implicit, Regularisation
from stabkit.schemes.residual import Function, Linear, Pointwise, ResidualBlock
from stabkit.schemes.scheme import Chain, Scheme, as_signal, as_step, repeat
from stabkit.schemes.shrinkage import HaarShrinkage, cycle_spun_haar

__all__ = [
    "FSI", "Chain", "DiffusionScheme", "Explicit", "FixedPoint", "Function", "HaarShrinkage",
    "Implicit", "Linear", "Pointwise", "Regularisation", "ResidualBlock", "Scheme", "as_signal",
    "as_step", "cycle_spun_haar", "repeat",
]
