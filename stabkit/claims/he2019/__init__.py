"""he2019: J. He, J. Xu, MgNet: A Unified Framework of Multigrid and Convolutional Neural Network
(2019).

Notation: σ = ReLU; A u = f relates features u and data f on each grid, B extracts features from the
residual f − A u, Π and P interpolate to the coarser and the finer grid, R restricts.  K_A is the
kernel [0 −1 0; −1 4 −1; 0 −1 0].
"""

from stabkit.claims.he2019 import (  # noqa: F401, I001
    convolutions, iterations, grids, smoothing, galerkin, convergence, cycles,
    mgnet, networks, stability, counts,
)
