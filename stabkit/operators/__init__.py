"""Linear maps: differences, convolutions, any rational matrix, and their norms."""

from stabkit.operators.boundary import (
    DIRICHLET,
    MIRRORED,
    NATURAL,
    NODE_MIRRORED,
    ODD_MIRRORED,
    PERIODIC,
    REFLECTING,
    Boundary,
)
from stabkit.operators.channels import (
    block_symbol,
    channel_convolution,
    channel_norm_squared,
    norm_squared_bound,
)
from stabkit.operators.convolution import Convolution
from stabkit.operators.differences import convolution, difference, differential_operator
from stabkit.operators.grids import (
    edges_at_a_site,
    grid_differences,
    grid_gradient,
    tangential_differences,
)
from stabkit.operators.linear_map import LinearMap
from stabkit.operators.matrices import as_operator, from_matrix, identity
from stabkit.operators.norms import gram, norm_bound, norm_squared, operator_norm, stable_step
from stabkit.operators.operator import Operator

__all__ = [
    "DIRICHLET", "MIRRORED", "NATURAL", "NODE_MIRRORED", "ODD_MIRRORED", "PERIODIC", "REFLECTING",
    "Boundary", "Convolution", "LinearMap", "Operator", "as_operator", "block_symbol",
    "channel_convolution", "channel_norm_squared", "convolution", "difference",
    "differential_operator", "edges_at_a_site", "from_matrix", "gram",
    "grid_differences", "grid_gradient", "identity", "norm_bound", "norm_squared",
    "norm_squared_bound", "operator_norm", "stable_step",
    "tangential_differences",
]
