"""Multigrid on structured grids: as solver, in exact arithmetic, and as a network.

Problems (`poisson`, `StencilProblem`, `DiffusionProblem`) become hierarchies (`geometric`,
`algebraic`); a `Cycle` on a hierarchy is a `Multigrid` method, in floats or, where the dtype of the
matrices is ``object``, in rationals.  `implicit_diffusion` solves the implicit step of a nonlinear
diffusion through it, `fourier` encloses smoothing and two-grid factors, `unet` and `mgnet` write
the same cycles as networks, `FastPoisson` is the fast path.
"""

from stabkit.multigrid.boundary import PERIODIC_CELLS, ZERO_PADDED, GridBoundary, grid_boundary
from stabkit.multigrid.convergence import Solution, Status
from stabkit.multigrid.cycle import Cycle, Direct, F, Smoothed, V, Visit, W
from stabkit.multigrid.fast_poisson import FastPoisson
from stabkit.multigrid.fourier import TwoGrid, rediscretised_stencil, smoothing_factor
from stabkit.multigrid.hierarchy import (
    Hierarchy,
    Level,
    algebraic,
    galerkin,
    geometric,
    rediscretised,
)
from stabkit.multigrid.implicit_diffusion import (
    ImplicitStep,
    diffusion_gradient,
    diffusion_hierarchy,
    diffusion_matrix,
    diffusivities,
    implicit_diffusion,
)
from stabkit.multigrid.layers import (
    Composition,
    Dense,
    MaxPooling,
    TransposedConvolution,
    average_pooling,
    chain,
    channelwise,
    identity,
    matrix_of,
    nothing,
    parameters,
    relu,
)
from stabkit.multigrid.matrices import Exact, to_exact
from stabkit.multigrid.mgnet import (
    ChebyshevStep,
    Grid,
    MultiStep,
    SingleStep,
    State,
    backslash_mg,
    chebyshev_omegas,
    mg0,
    mgnet,
    v_mg,
    v_mgnet,
)
from stabkit.multigrid.network import (
    DenseBlock,
    Stage,
    classic_network,
    extractor,
    iresnet_step,
    iresnet_transition,
    mg_features,
    negated,
    post_activated_step,
    pre_activated_step,
    resnet_step,
    resnet_transition,
    sigma_resnet_step,
)
from stabkit.multigrid.problem import (
    LAPLACE_1D,
    LAPLACE_5_POINT,
    LAPLACE_9_POINT,
    LAPLACE_BILINEAR,
    DiffusionProblem,
    StencilProblem,
    arithmetic_mean,
    harmonic_mean,
    poisson,
    shifted,
)
from stabkit.multigrid.smoother import (
    SOR,
    Chebyshev,
    Jacobi,
    Richardson,
    Then,
    backward,
    forward,
    gauss_seidel,
    red_black,
    symmetric,
)
from stabkit.multigrid.solver import Multigrid
from stabkit.multigrid.spectrum import (
    energy_adjoint,
    energy_norm,
    energy_norm_at_most,
    grounded,
    on_quotient,
    spectral_radius,
)
from stabkit.multigrid.stencil import Stencil, correlation, stencil
from stabkit.multigrid.transfer import (
    HALF_WEIGHTING,
    LINEAR_ELEMENTS,
    Transfer,
    averaging,
    cell_linear,
    constant,
    full_weighting,
    galerkin_transfer,
    injection,
    linear,
    weighted_transfer,
)
from stabkit.multigrid.unet import Channels, SolverLayer, UNet, unet
from stabkit.operators.boundary import DIRICHLET, PERIODIC
from stabkit.operators.boundary import MIRRORED as NEUMANN_CELLS
from stabkit.operators.boundary import NODE_MIRRORED as NEUMANN
from stabkit.operators.boundary import ODD_MIRRORED as DIRICHLET_CELLS
from stabkit.operators.boundary import Boundary as Boundary
from stabkit.operators.convolution import Convolution as Convolution

__all__ = [
    "DIRICHLET", "DIRICHLET_CELLS", "HALF_WEIGHTING", "LAPLACE_1D", "LAPLACE_5_POINT",
    "LAPLACE_9_POINT", "LAPLACE_BILINEAR", "LINEAR_ELEMENTS", "NEUMANN", "NEUMANN_CELLS",
    "PERIODIC", "PERIODIC_CELLS", "SOR", "ZERO_PADDED", "Channels", "Chebyshev", "ChebyshevStep",
    "Composition", "Cycle", "Dense", "DenseBlock", "DiffusionProblem", "Direct", "Exact", "F",
    "FastPoisson", "Grid", "GridBoundary", "Hierarchy", "ImplicitStep", "Jacobi", "Level",
    "MaxPooling", "MultiStep", "Multigrid", "Richardson", "SingleStep", "Smoothed", "Solution",
    "SolverLayer", "Stage", "State", "Status", "Stencil", "StencilProblem", "Then", "Transfer",
    "TransposedConvolution", "TwoGrid", "UNet", "V", "Visit", "W", "algebraic", "arithmetic_mean",
    "average_pooling", "averaging", "backslash_mg", "backward", "cell_linear", "chain",
    "channelwise", "chebyshev_omegas", "classic_network", "constant", "correlation",
    "diffusion_gradient", "diffusion_hierarchy", "diffusion_matrix", "diffusivities",
    "energy_adjoint", "energy_norm", "energy_norm_at_most", "extractor", "forward",
    "full_weighting", "galerkin", "galerkin_transfer", "gauss_seidel", "geometric", "grid_boundary",
    "grounded", "harmonic_mean", "identity", "implicit_diffusion", "injection", "iresnet_step",
    "iresnet_transition", "linear", "matrix_of", "mg0", "mg_features", "mgnet", "negated",
    "nothing", "on_quotient", "parameters", "poisson", "post_activated_step", "pre_activated_step",
    "red_black", "rediscretised", "rediscretised_stencil", "relu", "resnet_step",
    "resnet_transition", "shifted", "sigma_resnet_step", "smoothing_factor", "spectral_radius",
    "stencil", "symmetric", "to_exact", "unet", "v_mg", "v_mgnet", "weighted_transfer",
]
