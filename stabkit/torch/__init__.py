"""PyTorch modules of the papers' networks, and constraints under which any network stays stable.

The room needs the extra ``torch``; nothing else of stabkit imports PyTorch.
"""

from stabkit.installation import install

try:
    import torch  # noqa: F401
except ImportError:
    raise ImportError(f"stabkit.torch: needs PyTorch; install it with: {install('torch')}"
                      ) from None

from stabkit.torch.activation import Activation
from stabkit.torch.constraints import certify, stable
from stabkit.torch.continuation import coarsen_stencils, deepen, refine_stencils
from stabkit.torch.diffusion import DiffusionBlock, FSICycle, ParabolicLayer
from stabkit.torch.export import plain_copy
from stabkit.torch.implicit import ImplicitBlock
from stabkit.torch.layer import PixelVariation, SymmetricLayer
from stabkit.torch.mgnet import MgNet, VMgNet
from stabkit.torch.operators import Differences, Stencil
from stabkit.torch.shrinkage import HaarShrinkage
from stabkit.torch.signals import check_finite
from stabkit.torch.training import (
    fit_classifier,
    momentum_descent,
    project_on_box,
    time_variation,
)
from stabkit.torch.unet import VCycle
from stabkit.torch.waves import HamiltonianLayer, LeapfrogLayer

__all__ = [
    "Activation", "Differences", "DiffusionBlock", "FSICycle", "HaarShrinkage",
    "HamiltonianLayer", "ImplicitBlock", "LeapfrogLayer", "MgNet", "ParabolicLayer",
    "PixelVariation", "Stencil", "SymmetricLayer", "VCycle", "VMgNet", "certify", "check_finite",
    "coarsen_stencils", "deepen", "fit_classifier", "momentum_descent", "plain_copy",
    "project_on_box", "refine_stencils", "stable", "time_variation",
]
