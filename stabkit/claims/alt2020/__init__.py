"""alt2020: T. Alt, J. Weickert, P. Peter, Translating Diffusion, Wavelets, and Regularisation into
Residual Networks (2020).

Notation: T(u) = u − τ KᵀΦ(K u) with K = K1 the forward difference, Φ(r) = g(r) r, g_max = sup g,
Ψ the regulariser with g(r) = Ψ′(r)/(2r), S the shrinkage function, q = √2 θ for a threshold θ.
"""

from stabkit.claims.alt2020 import blocks, wavelets, stationarity, regularisation, dictionary  # noqa: F401, I001
