"""ruthotto2018: L. Ruthotto, E. Haber, Deep Neural Networks Motivated by Partial Differential
Equations (2018).

Notation: F_sym(Y) = −Kᵀσ(N(K Y)), N = id if unsaid.  Parabolic network (8): ∂ₜY = F_sym(Y);
Hamiltonian network: ∂ₜY = −F_sym(θ₁, Z), ∂ₜZ = F_sym(θ₂, Y), discretised by (10);
second-order network (11): ∂ₜ²Y = F_sym(Y), ∂ₜY(0) = 0, discretised by leapfrog.  Stable in the
sense of (6): ‖Y(T) − Ỹ(T)‖ <= M ‖Y(0) − Ỹ(0)‖ with one M for all T and all pairs of solutions.
"""

from stabkit.claims.ruthotto2018 import layers, parabolic, euler, hamiltonian  # noqa: F401, I001
from stabkit.claims.ruthotto2018 import verlet, reverse_pass, verlet_bounds  # noqa: F401
from stabkit.claims.ruthotto2018 import second_order, leapfrog, experiments  # noqa: F401
