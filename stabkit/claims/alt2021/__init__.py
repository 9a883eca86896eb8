"""alt2021: T. Alt, P. Peter, J. Weickert, K. Schrader, Translating Numerical Concepts for PDEs
into Neural Architectures (SSVM 2021).

Notation: T(u) = u − τ KᵀΦ(K u), Φ(s) = g(s²) s, L the Lipschitz constant of Φ, h = 1 if unsaid.
"""

from stabkit.claims.alt2021 import (  # noqa: F401, I001
    blocks, theorem2, fsi, implicit, short_cycles, averages, operators, multigrid,
)
