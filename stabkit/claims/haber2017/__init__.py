"""haber2017: E. Haber, L. Ruthotto, E. Holtham, Learning across Scales: A Multiscale Method for
Convolution Neural Networks (2017).

Notation: stencils act as correlations, x points to the right and y downward; Δ, h, H are mesh
sizes; K_h the matrix of a stencil s_h, R full weighting and P linear interpolation.  A network is
ẏ = σ(K(t) y + b(t)) (2.8), its forward Euler step y_{j+1} = y_j + δσ(K_j y_j + b_j) (2.9).
"""

from stabkit.claims.haber2017 import (  # noqa: F401, I001
    windows, nine_stencils, transfer, refinement, propagation, euler, learning,
)
